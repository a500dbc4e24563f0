/**
 * Records of streams groups (KIP-1071) in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  bigint64,
  int16,
  int32,
  int64,
  int8,
  nested,
  string,
  struct,
  uint16,
} from "../../protocol/schema.ts";

const lastAssignmentConfig = struct({
  key: string(),
  value: string(),
});

/**
 * A streams group (KIP-1071) and its epoch, which increases with every change of members, topology
 * or topics. Since Apache Kafka 4.4 it also holds the epochs of the last topology whose description
 * was stored or failed to be stored.
 */
export const streamsGroupMetadataRecord = defineCoordinatorRecord({
  type: 17,
  name: "StreamsGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64(),
    validatedTopologyEpoch: int32({ default: -1, tag: 0, tagged: "0+" }),
    lastAssignmentConfigs: array(lastAssignmentConfig, { nullable: "0+", tag: 1, tagged: "0+" }),
    storedDescriptionTopologyEpoch: int32({ default: -1, tag: 2, tagged: "0+" }),
    failedDescriptionTopologyEpoch: int32({ default: -1, tag: 3, tagged: "0+" }),
  }),
});
/** The key of StreamsGroupMetadata. */
export type StreamsGroupMetadataKey = KeyOf<typeof streamsGroupMetadataRecord>;
/** The decoded value of StreamsGroupMetadata. */
export type StreamsGroupMetadataValue = ValueOf<typeof streamsGroupMetadataRecord>;

const endpoint = struct({
  host: string(),
  port: uint16(),
});

const keyValue = struct({
  key: string(),
  value: string(),
});

/** A member of a streams group: a process of a Kafka Streams application. */
export const streamsGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 19,
  name: "StreamsGroupMemberMetadata",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    instanceId: string({ nullable: "0+" }),
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: nested(endpoint, { nullable: "0+", default: null }),
    clientTags: array(keyValue),
  }),
});
/** The key of StreamsGroupMemberMetadata. */
export type StreamsGroupMemberMetadataKey = KeyOf<typeof streamsGroupMemberMetadataRecord>;
/** The decoded value of StreamsGroupMemberMetadata. */
export type StreamsGroupMemberMetadataValue = ValueOf<typeof streamsGroupMemberMetadataRecord>;

/** The epoch of a streams group's target assignment. */
export const streamsGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 20,
  name: "StreamsGroupTargetAssignmentMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, tagged: "0+" }),
  }),
});
/** The key of StreamsGroupTargetAssignmentMetadata. */
export type StreamsGroupTargetAssignmentMetadataKey = KeyOf<
  typeof streamsGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of StreamsGroupTargetAssignmentMetadata. */
export type StreamsGroupTargetAssignmentMetadataValue = ValueOf<
  typeof streamsGroupTargetAssignmentMetadataRecord
>;

const taskIds = struct({
  subtopologyId: string(),
  partitions: array(int32()),
});

/** The target tasks of a streams group member. */
export const streamsGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 21,
  name: "StreamsGroupTargetAssignmentMember",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  }),
});
/** The key of StreamsGroupTargetAssignmentMember. */
export type StreamsGroupTargetAssignmentMemberKey = KeyOf<
  typeof streamsGroupTargetAssignmentMemberRecord
>;
/** The decoded value of StreamsGroupTargetAssignmentMember. */
export type StreamsGroupTargetAssignmentMemberValue = ValueOf<
  typeof streamsGroupTargetAssignmentMemberRecord
>;

const currentTaskIds = struct({
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: "0+", tag: 0, tagged: "0+" }),
});

/** The current tasks of a streams group member, which converge to its target. */
export const streamsGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 22,
  name: "StreamsGroupCurrentMemberAssignment",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(currentTaskIds),
    standbyTasks: array(currentTaskIds),
    warmupTasks: array(currentTaskIds),
    activeTasksPendingRevocation: array(currentTaskIds),
    standbyTasksPendingRevocation: array(currentTaskIds),
    warmupTasksPendingRevocation: array(currentTaskIds),
  }),
});
/** The key of StreamsGroupCurrentMemberAssignment. */
export type StreamsGroupCurrentMemberAssignmentKey = KeyOf<
  typeof streamsGroupCurrentMemberAssignmentRecord
>;
/** The decoded value of StreamsGroupCurrentMemberAssignment. */
export type StreamsGroupCurrentMemberAssignmentValue = ValueOf<
  typeof streamsGroupCurrentMemberAssignmentRecord
>;

const topicConfig = struct({
  key: string(),
  value: string(),
});

const topicInfo = struct({
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(topicConfig),
});

/** The topology of a streams application: the subtopologies that tasks are derived from. */
export const streamsGroupTopologyRecord = defineCoordinatorRecord({
  type: 23,
  name: "StreamsGroupTopology",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    subtopologies: array(struct({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array(struct({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      })),
    })),
  }),
});
/** The key of StreamsGroupTopology. */
export type StreamsGroupTopologyKey = KeyOf<typeof streamsGroupTopologyRecord>;
/** The decoded value of StreamsGroupTopology. */
export type StreamsGroupTopologyValue = ValueOf<typeof streamsGroupTopologyRecord>;
