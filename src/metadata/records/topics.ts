/**
 * Records of topics and their partitions.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { array, int32, int8, string, struct, uuid } from "../../protocol/schema.ts";

/** Creates a topic. Its partitions follow in records of their own. */
export const topicRecord = defineRecord({
  type: 2,
  name: "TopicRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    name: string(),
    topicId: uuid(),
  }),
});
/** A decoded TopicRecord. */
export type TopicRecord = RecordOf<typeof topicRecord>;

/**
 * Creates a partition in the given state. Version 1 adds the log directory of each replica
 * (KIP-858), 2 the eligible leader replicas outside the ISR (KIP-966).
 */
export const partitionRecord = defineRecord({
  type: 3,
  name: "PartitionRecord",
  versions: "0-2",
  flexible: "0+",
  fields: struct({
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ default: -1 }),
    leaderRecoveryState: int8({ default: 0, tag: 0, tagged: "0+" }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), { versions: "1+" }),
    eligibleLeaderReplicas: array(int32(), {
      versions: "2+",
      nullable: "2+",
      default: null,
      tag: 1,
      tagged: "2+",
    }),
    lastKnownElr: array(int32(), {
      versions: "2+",
      nullable: "2+",
      default: null,
      tag: 2,
      tagged: "2+",
    }),
  }),
});
/** A decoded PartitionRecord. */
export type PartitionRecord = RecordOf<typeof partitionRecord>;

/**
 * Changes a partition. Null, -1 in `leaderRecoveryState` and -2 in `leader` mean no change; leader
 * -1 means no leader. A new leader increases the leader epoch, every change the partition epoch.
 * Version 1 adds log directories (KIP-858), 2 eligible leader replicas (KIP-966).
 */
export const partitionChangeRecord = defineRecord({
  type: 5,
  name: "PartitionChangeRecord",
  versions: "0-2",
  flexible: "0+",
  fields: struct({
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    isr: array(int32(), { nullable: "0+", default: null, tag: 0, tagged: "0+" }),
    leader: int32({ default: -2, tag: 1, tagged: "0+" }),
    replicas: array(int32(), { nullable: "0+", default: null, tag: 2, tagged: "0+" }),
    removingReplicas: array(int32(), { nullable: "0+", default: null, tag: 3, tagged: "0+" }),
    addingReplicas: array(int32(), { nullable: "0+", default: null, tag: 4, tagged: "0+" }),
    leaderRecoveryState: int8({ default: -1, tag: 5, tagged: "0+" }),
    directories: array(uuid(), {
      versions: "1+",
      nullable: "1+",
      default: null,
      tag: 8,
      tagged: "1+",
    }),
    eligibleLeaderReplicas: array(int32(), {
      versions: "2+",
      nullable: "2+",
      default: null,
      tag: 6,
      tagged: "2+",
    }),
    lastKnownElr: array(int32(), {
      versions: "2+",
      nullable: "2+",
      default: null,
      tag: 7,
      tagged: "2+",
    }),
  }),
});
/** A decoded PartitionChangeRecord. */
export type PartitionChangeRecord = RecordOf<typeof partitionChangeRecord>;

/** Deletes a topic and its partitions. */
export const removeTopicRecord = defineRecord({
  type: 9,
  name: "RemoveTopicRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    topicId: uuid(),
  }),
});
/** A decoded RemoveTopicRecord. */
export type RemoveTopicRecord = RecordOf<typeof removeTopicRecord>;

/**
 * Clears the eligible leader replicas of a topic, or of all topics if the name is empty (KIP-966).
 */
export const clearElrRecord = defineRecord({
  type: 28,
  name: "ClearElrRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    topicName: string(),
  }),
});
/** A decoded ClearElrRecord. */
export type ClearElrRecord = RecordOf<typeof clearElrRecord>;
