/**
 * BeginQuorumEpoch: announces the elected leader of the metadata log to a voter that has not
 * fetched from it.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct, uint16, uuid } from "../schema.ts";

/**
 * The BeginQuorumEpoch API (KIP-595). Version 1 adds the voter's id and directory id, and the
 * endpoints of the leader in request and response (KIP-853). It is also the first flexible version.
 */
export const beginQuorumEpoch = defineApi({
  key: 53,
  name: "BeginQuorumEpoch",
  versions: "0-1",
  flexible: "1+",
  request: struct({
    clusterId: string({ nullable: "0+", default: null }),
    voterId: int32({ versions: "1+", default: -1 }),
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        voterDirectoryId: uuid({ versions: "1+" }),
        leaderId: int32(),
        leaderEpoch: int32(),
      })),
    })),
    leaderEndpoints: array(
      struct({
        name: string(),
        host: string(),
        port: uint16(),
      }),
      { versions: "1+" },
    ),
  }),
  response: struct({
    errorCode: int16(),
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
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

/** A decoded BeginQuorumEpoch request. */
export type BeginQuorumEpochRequest = RequestOf<typeof beginQuorumEpoch>;
/** A decoded BeginQuorumEpoch response. */
export type BeginQuorumEpochResponse = ResponseOf<typeof beginQuorumEpoch>;
