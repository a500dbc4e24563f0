/**
 * JoinGroup: joins a classic group, or rejoins it for a rebalance. The response arrives when all
 * members have joined. It elects one member as the leader and sends it the metadata of all members.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, bytes, int16, int32, string, struct } from "../schema.ts";

/**
 * The JoinGroup API. Version 1 adds the rebalance timeout (KIP-62), 4 requires a new member to
 * rejoin with its assigned id (KIP-394), 5 adds static members (KIP-345), 7 the protocol type in
 * the response (KIP-559), 8 a reason (KIP-800), 9 lets the leader skip the assignment (KIP-814).
 */
export const joinGroup = defineApi({
  key: 11,
  name: "JoinGroup",
  versions: "0-9",
  flexible: "6+",
  request: struct({
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: "1+", default: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: "5+", nullable: "5+", default: null }),
    protocolType: string(),
    protocols: array(struct({
      name: string(),
      metadata: bytes(),
    })),
    reason: string({ versions: "8+", nullable: "8+", default: null }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "2+", default: 0 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: "7+", nullable: "7+", default: null }),
    protocolName: string({ nullable: "7+" }),
    leader: string(),
    skipAssignment: bool({ versions: "9+", default: false }),
    memberId: string(),
    members: array(struct({
      memberId: string(),
      groupInstanceId: string({ versions: "5+", nullable: "5+", default: null }),
      metadata: bytes(),
    })),
  }),
});

/** A decoded JoinGroup request. */
export type JoinGroupRequest = RequestOf<typeof joinGroup>;
/** A decoded JoinGroup response. */
export type JoinGroupResponse = ResponseOf<typeof joinGroup>;
