/**
 * EndQuorumEpoch: announces that the leader of the metadata log resigns, and the order in which
 * voters should become candidates.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct, uint16, uuid } from "../schema.ts";

/**
 * The EndQuorumEpoch API (KIP-595). Version 1 replaces the ids of the preferred successors by
 * candidates with directory ids, and adds the endpoints of the leader to request and response
 * (KIP-853). It is also the first flexible version.
 */
export const endQuorumEpoch = defineApi({
  key: 54,
  name: "EndQuorumEpoch",
  versions: "0-1",
  flexible: "1+",
  request: struct({
    clusterId: string({ nullable: "0+", default: null }),
    topics: array(struct({
      topicName: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        preferredSuccessors: array(int32(), { versions: "0" }),
        preferredCandidates: array(
          struct({
            candidateId: int32(),
            candidateDirectoryId: uuid(),
          }),
          { versions: "1+" },
        ),
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

/** A decoded EndQuorumEpoch request. */
export type EndQuorumEpochRequest = RequestOf<typeof endQuorumEpoch>;
/** A decoded EndQuorumEpoch response. */
export type EndQuorumEpochResponse = ResponseOf<typeof endQuorumEpoch>;
