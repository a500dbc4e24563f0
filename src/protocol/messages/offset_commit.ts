/**
 * OffsetCommit: stores the committed offsets of a group.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, exactInt64, int16, int32, int64, string, struct, uuid } from "../schema.ts";

/**
 * The OffsetCommit API. Versions 2 to 4 have a retention time, which later versions leave to the
 * broker (KIP-211), 6 adds leader epochs (KIP-320), 7 static members (KIP-345), 9 groups of the
 * consumer protocol (KIP-848), 10 topic ids.
 */
export const offsetCommit = defineApi({
  key: 8,
  name: "OffsetCommit",
  versions: "2-10",
  flexible: "8+",
  request: struct({
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: "7+", nullable: "7+", default: null }),
    retentionTimeMs: int64({ versions: "2-4", default: -1 }),
    topics: array(struct({
      name: string({ versions: "0-9" }),
      topicId: uuid({ versions: "10+" }),
      partitions: array(struct({
        partitionIndex: int32(),
        committedOffset: exactInt64(),
        committedLeaderEpoch: int32({ versions: "6+", default: -1 }),
        committedMetadata: string({ nullable: "0+" }),
      })),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "3+", default: 0 }),
    topics: array(struct({
      name: string({ versions: "0-9" }),
      topicId: uuid({ versions: "10+" }),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
      })),
    })),
  }),
});

/** A decoded OffsetCommit request. */
export type OffsetCommitRequest = RequestOf<typeof offsetCommit>;
/** A decoded OffsetCommit response. */
export type OffsetCommitResponse = ResponseOf<typeof offsetCommit>;
