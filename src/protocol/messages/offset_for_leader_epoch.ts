/**
 * OffsetForLeaderEpoch: returns the end offset of a leader epoch in each partition. Consumers and
 * followers use it to detect a diverged log and the offset of the divergence.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The OffsetForLeaderEpoch API (KIP-101). Version 2 adds the leader epoch known to the client
 * (KIP-320), 3 the id of the requesting replica.
 */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: "2-4",
  flexible: "4+",
  request: struct({
    replicaId: int32({ versions: "3+", default: -2 }),
    topics: array(struct({
      topic: string(),
      partitions: array(struct({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        leaderEpoch: int32(),
      })),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      topic: string(),
      partitions: array(struct({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      })),
    })),
  }),
});

/** A decoded OffsetForLeaderEpoch request. */
export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>;
/** A decoded OffsetForLeaderEpoch response. */
export type OffsetForLeaderEpochResponse = ResponseOf<typeof offsetForLeaderEpoch>;
