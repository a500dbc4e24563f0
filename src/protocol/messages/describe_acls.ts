/**
 * DescribeAcls: returns the access control entries that match a filter.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The DescribeAcls API (KIP-140). Version 1 adds the type of the resource pattern (KIP-290), 2 is
 * flexible, 3 adds users as resources (KIP-373).
 */
export const describeAcls = defineApi({
  key: 29,
  name: "DescribeAcls",
  versions: "1-3",
  flexible: "2+",
  request: struct({
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: "0+" }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: "0+" }),
    hostFilter: string({ nullable: "0+" }),
    operation: int8(),
    permissionType: int8(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    resources: array(struct({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array(struct({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      })),
    })),
  }),
});

/** A decoded DescribeAcls request. */
export type DescribeAclsRequest = RequestOf<typeof describeAcls>;
/** A decoded DescribeAcls response. */
export type DescribeAclsResponse = ResponseOf<typeof describeAcls>;
