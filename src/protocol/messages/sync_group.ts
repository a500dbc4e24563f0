/**
 * SyncGroup: the leader of a classic group submits the assignment of all members; every member
 * receives its own.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bytes, int16, int32, string, struct } from "../schema.ts";

/**
 * The SyncGroup API. Version 3 adds static members (KIP-345), 5 the protocol type and name, which
 * must match those of the group (KIP-559).
 */
export const syncGroup = defineApi({
  key: 14,
  name: "SyncGroup",
  versions: "0-5",
  flexible: "4+",
  request: struct({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
    protocolType: string({ versions: "5+", nullable: "5+", default: null }),
    protocolName: string({ versions: "5+", nullable: "5+", default: null }),
    assignments: array(struct({
      memberId: string(),
      assignment: bytes(),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    errorCode: int16(),
    protocolType: string({ versions: "5+", nullable: "5+", default: null }),
    protocolName: string({ versions: "5+", nullable: "5+", default: null }),
    assignment: bytes(),
  }),
});

/** A decoded SyncGroup request. */
export type SyncGroupRequest = RequestOf<typeof syncGroup>;
/** A decoded SyncGroup response. */
export type SyncGroupResponse = ResponseOf<typeof syncGroup>;
