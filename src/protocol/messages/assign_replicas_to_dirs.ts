/**
 * AssignReplicasToDirs: reports to the active controller which log directories of a broker hold its
 * replicas.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, struct, uuid } from "../schema.ts";

/** The AssignReplicasToDirs API (KIP-858). */
export const assignReplicasToDirs = defineApi({
  key: 73,
  name: "AssignReplicasToDirs",
  versions: "0",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array(struct({
      id: uuid(),
      topics: array(struct({
        topicId: uuid(),
        partitions: array(struct({ partitionIndex: int32() })),
      })),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    directories: array(struct({
      id: uuid(),
      topics: array(struct({
        topicId: uuid(),
        partitions: array(struct({
          partitionIndex: int32(),
          errorCode: int16(),
        })),
      })),
    })),
  }),
});

/** A decoded AssignReplicasToDirs request. */
export type AssignReplicasToDirsRequest = RequestOf<typeof assignReplicasToDirs>;
/** A decoded AssignReplicasToDirs response. */
export type AssignReplicasToDirsResponse = ResponseOf<typeof assignReplicasToDirs>;
