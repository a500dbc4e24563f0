/**
 * CreateAcls: adds access control entries.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The CreateAcls API (KIP-140). Version 1 adds the type of the resource pattern (KIP-290), 2 is
 * flexible, 3 adds users as resources (KIP-373).
 */
export const createAcls = defineApi({
  key: 30,
  name: "CreateAcls",
  versions: "1-3",
  flexible: "2+",
  request: struct({
    creations: array(struct({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    results: array(struct({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
    })),
  }),
});

/** A decoded CreateAcls request. */
export type CreateAclsRequest = RequestOf<typeof createAcls>;
/** A decoded CreateAcls response. */
export type CreateAclsResponse = ResponseOf<typeof createAcls>;
