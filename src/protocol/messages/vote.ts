/**
 * Vote: asks a voter of the metadata log for its vote, or in a pre-vote whether it would give one.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int64, string, struct, uint16, uuid } from "../schema.ts";

/**
 * The Vote API (KIP-595). Version 1 adds the voter's id, the directory ids of voter and candidate,
 * and the endpoints of the leader in the response (KIP-853), 2 pre-votes, which change no epoch
 * (KIP-996).
 */
export const vote = defineApi({
  key: 52,
  name: "Vote",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    clusterId: string({ nullable: "0+", default: null }),
    voterId: int32({ versions: "1+", default: -1 }),
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid({ versions: "1+" }),
        voterDirectoryId: uuid({ versions: "1+" }),
        lastOffsetEpoch: int32(),
        lastOffset: int64(),
        preVote: bool({ versions: "2+" }),
      })),
    })),
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
        voteGranted: bool(),
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

/** A decoded Vote request. */
export type VoteRequest = RequestOf<typeof vote>;
/** A decoded Vote response. */
export type VoteResponse = ResponseOf<typeof vote>;
