/**
 * Records of topics and their partitions.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { array, int32, int8, string, struct, uuid } from "../../protocol/schema.ts";

/** A topic exists. Its partitions follow, each in a record of its own. */
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
 * A partition exists, in the state the record gives. Version 1 adds the log directory of each
 * replica (KIP-858), 2 the replicas that may lead although they left the ISR (KIP-966).
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
 * A partition changed: what is not null, -1 or -2 here is its new value. Leader -1 means that it
 * has none, -2 that it stays. A new leader raises the leader epoch, and every change the partition
 * epoch. Version 1 adds log directories (KIP-858), 2 eligible leader replicas (KIP-966).
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

/** A topic and its partitions are gone. */
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
 * A topic's partitions, or those of all topics for an empty name, have no eligible leader replicas
 * any more (KIP-966).
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
