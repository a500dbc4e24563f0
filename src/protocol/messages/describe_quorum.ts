/**
 * DescribeQuorum: returns the leader, voters and observers of the metadata log.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, string, struct, uint16, uuid } from "../schema.ts";

const replicaState = struct({
  replicaId: int32(),
  replicaDirectoryId: uuid({ versions: "2+" }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ versions: "1+", default: -1 }),
  lastCaughtUpTimestamp: int64({ versions: "1+", default: -1 }),
});

/**
 * The DescribeQuorum API (KIP-595). Version 1 adds two timestamps to each replica (KIP-836), 2
 * directory ids, voter listeners and error messages (KIP-853).
 */
export const describeQuorum = defineApi({
  key: 55,
  name: "DescribeQuorum",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({ partitionIndex: int32() })),
    })),
  }),
  response: struct({
    errorCode: int16(),
    errorMessage: string({ versions: "2+", nullable: "2+" }),
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ versions: "2+", nullable: "2+" }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      })),
    })),
    nodes: array(
      struct({
        nodeId: int32(),
        listeners: array(struct({
          name: string(),
          host: string(),
          port: uint16(),
        })),
      }),
      { versions: "2+" },
    ),
  }),
});

/** A decoded DescribeQuorum request. */
export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>;
/** A decoded DescribeQuorum response. */
export type DescribeQuorumResponse = ResponseOf<typeof describeQuorum>;
