/**
 * LeaveGroup: removes members from a classic group, so that it rebalances without waiting for their
 * sessions to expire.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";

/**
 * The LeaveGroup API. Version 3 removes several members at once, also by static member id
 * (KIP-345), 5 adds a reason (KIP-800).
 */
export const leaveGroup = defineApi({
  key: 13,
  name: "LeaveGroup",
  versions: "0-5",
  flexible: "4+",
  request: struct({
    groupId: string(),
    memberId: string({ versions: "0-2" }),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: "3+", default: null }),
        reason: string({ versions: "5+", nullable: "5+", default: null }),
      }),
      { versions: "3+" },
    ),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    errorCode: int16(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: "3+" }),
        errorCode: int16(),
      }),
      { versions: "3+" },
    ),
  }),
});

/** A decoded LeaveGroup request. */
export type LeaveGroupRequest = RequestOf<typeof leaveGroup>;
/** A decoded LeaveGroup response. */
export type LeaveGroupResponse = ResponseOf<typeof leaveGroup>;
