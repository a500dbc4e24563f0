/**
 * AlterPartition: asks the active controller to change the in-sync replicas of partitions, for
 * their leader.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, int8, struct, uuid } from "../schema.ts";

/**
 * The AlterPartition API (KIP-497). Version 2 identifies topics by id (KIP-841), 3 adds the broker
 * epoch of each replica, so that the controller can reject one that has restarted (KIP-903).
 */
export const alterPartition = defineApi({
  key: 56,
  name: "AlterPartition",
  versions: "2-3",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array(struct({
      topicId: uuid(),
      partitions: array(struct({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { versions: "0-2" }),
        newIsrWithEpochs: array(
          struct({
            brokerId: int32(),
            brokerEpoch: int64({ default: -1 }),
          }),
          { versions: "3+" },
        ),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      })),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    topics: array(struct({
      topicId: uuid(),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      })),
    })),
  }),
});

/** A decoded AlterPartition request. */
export type AlterPartitionRequest = RequestOf<typeof alterPartition>;
/** A decoded AlterPartition response. */
export type AlterPartitionResponse = ResponseOf<typeof alterPartition>;
