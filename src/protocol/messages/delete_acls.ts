/**
 * DeleteAcls: removes the access control entries that match any of several filters.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The DeleteAcls API (KIP-140). Version 1 adds the type of the resource pattern (KIP-290), 2 is
 * flexible, 3 adds users as resources (KIP-373).
 */
export const deleteAcls = defineApi({
  key: 31,
  name: "DeleteAcls",
  versions: "1-3",
  flexible: "2+",
  request: struct({
    filters: array(struct({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: "0+" }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullable: "0+" }),
      hostFilter: string({ nullable: "0+" }),
      operation: int8(),
      permissionType: int8(),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    filterResults: array(struct({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      matchingAcls: array(struct({
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      })),
    })),
  }),
});

/** A decoded DeleteAcls request. */
export type DeleteAclsRequest = RequestOf<typeof deleteAcls>;
/** A decoded DeleteAcls response. */
export type DeleteAclsResponse = ResponseOf<typeof deleteAcls>;
