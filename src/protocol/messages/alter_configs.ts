/**
 * AlterConfigs: replaces all configs of a resource. Configs that are not named return to their
 * defaults. Superseded by IncrementalAlterConfigs.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct } from "../schema.ts";

/** The AlterConfigs API (KIP-133). */
export const alterConfigs = defineApi({
  key: 33,
  name: "AlterConfigs",
  versions: "0-2",
  flexible: "2+",
  request: struct({
    resources: array(struct({
      resourceType: int8(),
      resourceName: string(),
      configs: array(struct({
        name: string(),
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

/** A decoded AlterConfigs request. */
export type AlterConfigsRequest = RequestOf<typeof alterConfigs>;
/** A decoded AlterConfigs response. */
export type AlterConfigsResponse = ResponseOf<typeof alterConfigs>;
