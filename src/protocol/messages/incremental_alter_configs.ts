/**
 * IncrementalAlterConfigs: changes individual configs of a resource. `configOperation` is 0 to set,
 * 1 to delete, 2 to append to a list and 3 to subtract from a list.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct } from "../schema.ts";

/** The IncrementalAlterConfigs API (KIP-339). */
export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: "0-1",
  flexible: "1+",
  request: struct({
    resources: array(struct({
      resourceType: int8(),
      resourceName: string(),
      configs: array(struct({
        name: string(),
        configOperation: int8(),
        value: string({ nullable: "0+" }),
      })),
    })),
    validateOnly: bool(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    responses: array(struct({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      resourceType: int8(),
      resourceName: string(),
    })),
  }),
});

/** A decoded IncrementalAlterConfigs request. */
export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>;
/** A decoded IncrementalAlterConfigs response. */
export type IncrementalAlterConfigsResponse = ResponseOf<typeof incrementalAlterConfigs>;
