/**
 * ListConfigResources: returns the names of the resources that have configs. An empty list of types
 * selects all supported types.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The ListConfigResources API. Version 0 lists only client metrics subscriptions (KIP-714), 1 every
 * resource type (KIP-1142).
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
