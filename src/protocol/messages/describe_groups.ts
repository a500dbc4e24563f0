/**
 * DescribeGroups: returns the state, protocol and members of classic groups.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, bytes, int16, int32, string, struct } from "../schema.ts";

const describedGroupMember = struct({
  memberId: string(),
  groupInstanceId: string({ versions: "4+", nullable: "4+", default: null }),
  clientId: string(),
  clientHost: string(),
  memberMetadata: bytes(),
  memberAssignment: bytes(),
});

/**
 * The DescribeGroups API. Version 3 adds authorized operations (KIP-430), 4 static members
 * (KIP-345), 6 error messages, and GROUP_ID_NOT_FOUND for a missing group (KIP-1043).
 */
export const describeGroups = defineApi({
  key: 15,
  name: "DescribeGroups",
  versions: "0-6",
  flexible: "5+",
  request: struct({
    groups: array(string()),
    includeAuthorizedOperations: bool({ versions: "3+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    groups: array(struct({
      errorCode: int16(),
      errorMessage: string({ versions: "6+", nullable: "6+", default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array(describedGroupMember),
      authorizedOperations: int32({ versions: "3+", default: -2147483648 }),
    })),
  }),
});

/** A decoded DescribeGroups request. */
export type DescribeGroupsRequest = RequestOf<typeof describeGroups>;
/** A decoded DescribeGroups response. */
export type DescribeGroupsResponse = ResponseOf<typeof describeGroups>;
