/**
 * ListConfigResources: the names of the resources that have configs. No types means all that may be
 * listed.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The ListConfigResources API. Version 0 knew nothing but client metrics subscriptions (KIP-714);
 * version 1 lists every type of resource (KIP-1142).
 */
export const listConfigResources = defineApi({
  key: 74,
  name: "ListConfigResources",
  versions: "0-1",
  flexible: "0+",
  request: struct({
    resourceTypes: array(int8(), { versions: "1+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    configResources: array(struct({
      resourceName: string(),
      resourceType: int8({ versions: "1+", default: 16 }),
    })),
  }),
});

/** A decoded ListConfigResources request. */
export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>;
/** A decoded ListConfigResources response. */
export type ListConfigResourcesResponse = ResponseOf<typeof listConfigResources>;
