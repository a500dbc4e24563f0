/**
 * Fetch: reads record batches from partitions, for consumers and followers. Waits up to `maxWaitMs`
 * for `minBytes`.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { MAX_INT64 } from "../int64.ts";
import {
  array,
  exactInt64,
  int16,
  int32,
  int64,
  int8,
  nested,
  records,
  string,
  struct,
  uuid,
} from "../schema.ts";

const fetchPartition = struct({
  partition: int32(),
  currentLeaderEpoch: int32({ versions: "9+", default: -1 }),
  fetchOffset: int64(),
  lastFetchedEpoch: int32({ versions: "12+", default: -1 }),
  logStartOffset: int64({ versions: "5+", default: -1 }),
  partitionMaxBytes: int32(),
  replicaDirectoryId: uuid({ versions: "17+", tag: 0, tagged: "17+" }),
  // Kafka's default, the largest int64, means that the follower does not know the high watermark.
  highWatermark: exactInt64({
    versions: "18+",
    default: MAX_INT64,
    tag: 1,
    tagged: "18+",
  }),
});

const partitionData = struct({
  partitionIndex: int32(),
  errorCode: int16(),
  highWatermark: int64(),
  lastStableOffset: int64({ default: -1 }),
  logStartOffset: int64({ versions: "5+", default: -1 }),
  divergingEpoch: nested(
    struct({
      epoch: int32({ default: -1 }),
      endOffset: int64({ default: -1 }),
    }),
    { versions: "12+", tag: 0, tagged: "12+" },
  ),
  currentLeader: nested(
    struct({
      leaderId: int32({ default: -1 }),
      leaderEpoch: int32({ default: -1 }),
    }),
    { versions: "12+", tag: 1, tagged: "12+" },
  ),
  snapshotId: nested(
    struct({
      endOffset: int64({ default: -1 }),
      epoch: int32({ default: -1 }),
    }),
    { versions: "12+", tag: 2, tagged: "12+" },
  ),
  abortedTransactions: array(
    struct({
      producerId: exactInt64(),
      firstOffset: int64(),
    }),
    { nullable: "4+" },
  ),
  preferredReadReplica: int32({ versions: "11+", default: -1 }),
  records: records({ nullable: "0+" }),
});

/**
 * The Fetch API. Version 7 adds incremental sessions that send only changes (KIP-227), 9 leader
 * epochs (KIP-320), 11 fetching from the closest replica (KIP-392), 12 the offset at which logs
 * diverge (KIP-595), 13 topic ids (KIP-516), 15 moves the replica id into a tagged field (KIP-903),
 * 16 adds the endpoints of new leaders (KIP-951), 17 the follower's directory id (KIP-853), 18 the
 * follower's high watermark (KIP-1166).
 */
export const fetch = defineApi({
  key: 1,
  name: "Fetch",
  versions: "4-18",
  flexible: "12+",
  request: struct({
    clusterId: string({ versions: "12+", nullable: "12+", default: null, tag: 0, tagged: "12+" }),
    replicaId: int32({ versions: "0-14", default: -1 }),
    replicaState: nested(
      struct({
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      }),
      { versions: "15+", tag: 1, tagged: "15+" },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ versions: "7+", default: 0 }),
    sessionEpoch: int32({ versions: "7+", default: -1 }),
    topics: array(struct({
      topic: string({ versions: "0-12" }),
      topicId: uuid({ versions: "13+" }),
      partitions: array(fetchPartition),
    })),
    forgottenTopicsData: array(
      struct({
        topic: string({ versions: "7-12" }),
        topicId: uuid({ versions: "13+" }),
        partitions: array(int32()),
      }),
      { versions: "7+" },
    ),
    rackId: string({ versions: "11+", default: "" }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: "7+" }),
    sessionId: int32({ versions: "7+", default: 0 }),
    responses: array(struct({
      topic: string({ versions: "0-12" }),
      topicId: uuid({ versions: "13+" }),
      partitions: array(partitionData),
    })),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: "16+", default: null }),
      }),
      { versions: "16+", tag: 0, tagged: "16+" },
    ),
  }),
});

/** A decoded Fetch request. */
export type FetchRequest = RequestOf<typeof fetch>;
/** A decoded Fetch response. */
export type FetchResponse = ResponseOf<typeof fetch>;
