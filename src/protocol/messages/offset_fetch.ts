/**
 * OffsetFetch: returns the committed offsets of groups. Null topics select all offsets of a group.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, exactInt64, int16, int32, string, struct, uuid } from "../schema.ts";

/** Up to version 7, for requests with a single group. */
const partition = struct({
  partitionIndex: int32(),
  committedOffset: exactInt64(),
  committedLeaderEpoch: int32({ versions: "5-7", default: -1 }),
  metadata: string({ nullable: "0-7" }),
  errorCode: int16(),
});

/** Since version 8, for requests with several groups. */
const groupPartition = struct({
  partitionIndex: int32(),
  committedOffset: exactInt64(),
  committedLeaderEpoch: int32({ default: -1 }),
  metadata: string({ nullable: "8+" }),
  errorCode: int16(),
});

/**
 * The OffsetFetch API. Version 2 allows null for all topics (KIP-88), 5 adds leader epochs
 * (KIP-320), 7 can require offsets without pending transactions (KIP-447), 8 several groups per
 * request (KIP-709), 9 the requesting member (KIP-848), 10 topic ids.
 */
export const offsetFetch = defineApi({
  key: 9,
  name: "OffsetFetch",
  versions: "1-10",
  flexible: "6+",
  request: struct({
    groupId: string({ versions: "0-7" }),
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { versions: "0-7", nullable: "2-7" },
    ),
    groups: array(
      struct({
        groupId: string(),
        memberId: string({ versions: "9+", nullable: "9+", default: null }),
        memberEpoch: int32({ versions: "9+", default: -1 }),
        topics: array(
          struct({
            name: string({ versions: "8-9" }),
            topicId: uuid({ versions: "10+" }),
            partitionIndexes: array(int32()),
          }),
          { nullable: "8+" },
        ),
      }),
      { versions: "8+" },
    ),
    requireStable: bool({ versions: "7+", default: false }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "3+", default: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(partition),
      }),
      { versions: "0-7" },
    ),
    errorCode: int16({ versions: "2-7", default: 0 }),
    groups: array(
      struct({
        groupId: string(),
        topics: array(struct({
          name: string({ versions: "8-9" }),
          topicId: uuid({ versions: "10+" }),
          partitions: array(groupPartition),
        })),
        errorCode: int16({ default: 0 }),
      }),
      { versions: "8+" },
    ),
  }),
});

/** A decoded OffsetFetch request. */
export type OffsetFetchRequest = RequestOf<typeof offsetFetch>;
/** A decoded OffsetFetch response. */
export type OffsetFetchResponse = ResponseOf<typeof offsetFetch>;
