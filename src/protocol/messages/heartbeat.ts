/**
 * Heartbeat: keeps the session of a classic group member alive. REBALANCE_IN_PROGRESS in the
 * response asks it to rejoin.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { int16, int32, string, struct } from "../schema.ts";

/** The Heartbeat API. Version 3 adds static members (KIP-345). */
export const heartbeat = defineApi({
  key: 12,
  name: "Heartbeat",
  versions: "0-4",
  flexible: "4+",
  request: struct({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    errorCode: int16(),
  }),
});

/** A decoded Heartbeat request. */
export type HeartbeatRequest = RequestOf<typeof heartbeat>;
/** A decoded Heartbeat response. */
export type HeartbeatResponse = ResponseOf<typeof heartbeat>;
