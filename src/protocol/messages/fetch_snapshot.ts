/**
 * FetchSnapshot: reads a part of a snapshot of the metadata log, for followers that need records
 * before the start of the leader's log.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import {
  array,
  int16,
  int32,
  int64,
  nested,
  records,
  string,
  struct,
  uint16,
  uuid,
} from "../schema.ts";

const snapshotId = struct({
  endOffset: int64(),
  epoch: int32(),
});

/**
 * The FetchSnapshot API (KIP-630). Version 1 adds the follower's directory id, and the endpoints of
 * the leader in the response (KIP-853). A part begins and ends at any byte, so that it may hold
 * incomplete batches.
 */
export const fetchSnapshot = defineApi({
  key: 59,
  name: "FetchSnapshot",
  versions: "0-1",
  flexible: "0+",
  request: struct({
    clusterId: string({ nullable: "0+", default: null, tag: 0, tagged: "0+" }),
    replicaId: int32({ default: -1 }),
    maxBytes: int32({ default: 0x7fffffff }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partition: int32(),
        currentLeaderEpoch: int32(),
        snapshotId: nested(snapshotId),
        position: int64(),
        replicaDirectoryId: uuid({ versions: "1+", tag: 0, tagged: "1+" }),
      })),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        index: int32(),
        errorCode: int16(),
        snapshotId: nested(snapshotId),
        currentLeader: nested(
          struct({
            leaderId: int32(),
            leaderEpoch: int32(),
          }),
          { versions: "0+", tag: 0, tagged: "0+" },
        ),
        size: int64(),
        position: int64(),
        unalignedRecords: records(),
      })),
    })),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: uint16(),
      }),
      { versions: "1+", tag: 0, tagged: "1+" },
    ),
  }),
});

/** A decoded FetchSnapshot request. */
export type FetchSnapshotRequest = RequestOf<typeof fetchSnapshot>;
/** A decoded FetchSnapshot response. */
export type FetchSnapshotResponse = ResponseOf<typeof fetchSnapshot>;
