/**
 * Records of consumer groups (KIP-848) in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  bigint64,
  bytes,
  int32,
  int64,
  int8,
  nested,
  string,
  struct,
  uuid,
} from "../../protocol/schema.ts";

/**
 * A consumer group (KIP-848) and its epoch, which increases with every change of members,
 * subscriptions or topics.
 */
export const consumerGroupMetadataRecord = defineCoordinatorRecord({
  type: 3,
  name: "ConsumerGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64({ tag: 0, tagged: "0+" }),
  }),
});
/** The key of ConsumerGroupMetadata. */
export type ConsumerGroupMetadataKey = KeyOf<typeof consumerGroupMetadataRecord>;
/** The decoded value of ConsumerGroupMetadata. */
export type ConsumerGroupMetadataValue = ValueOf<typeof consumerGroupMetadataRecord>;

/**
 * The subscribed topics of a consumer group with their partitions, written by Apache Kafka 3.7 to
 * 4.0. Replaced by a hash in the group's metadata.
 */
export const consumerGroupPartitionMetadataRecord = defineCoordinatorRecord({
  type: 4,
  name: "ConsumerGroupPartitionMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topics: array(struct({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array(struct({
        partition: int32(),
        racks: array(string()),
      })),
    })),
  }),
});
/** The key of ConsumerGroupPartitionMetadata. */
export type ConsumerGroupPartitionMetadataKey = KeyOf<typeof consumerGroupPartitionMetadataRecord>;
/** The decoded value of ConsumerGroupPartitionMetadata. */
export type ConsumerGroupPartitionMetadataValue = ValueOf<
  typeof consumerGroupPartitionMetadataRecord
>;

/** A member of a consumer group and its subscription. */
export const consumerGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 5,
  name: "ConsumerGroupMemberMetadata",
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
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: "0+" }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: "0+" }),
    classicMemberMetadata: nested(
      struct({
        sessionTimeoutMs: int32(),
        supportedProtocols: array(struct({
          name: string(),
          metadata: bytes(),
        })),
      }),
      { nullable: "0+", tag: 0, tagged: "0+" },
    ),
  }),
});
/** The key of ConsumerGroupMemberMetadata. */
export type ConsumerGroupMemberMetadataKey = KeyOf<typeof consumerGroupMemberMetadataRecord>;
/** The decoded value of ConsumerGroupMemberMetadata. */
export type ConsumerGroupMemberMetadataValue = ValueOf<typeof consumerGroupMemberMetadataRecord>;

/** The epoch of a consumer group's target assignment. */
export const consumerGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 6,
  name: "ConsumerGroupTargetAssignmentMetadata",
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
/** The key of ConsumerGroupTargetAssignmentMetadata. */
export type ConsumerGroupTargetAssignmentMetadataKey = KeyOf<
  typeof consumerGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of ConsumerGroupTargetAssignmentMetadata. */
export type ConsumerGroupTargetAssignmentMetadataValue = ValueOf<
  typeof consumerGroupTargetAssignmentMetadataRecord
>;

/** The target assignment of a consumer group member. */
export const consumerGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 7,
  name: "ConsumerGroupTargetAssignmentMember",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topicPartitions: array(struct({
      topicId: uuid(),
      partitions: array(int32()),
    })),
  }),
});
/** The key of ConsumerGroupTargetAssignmentMember. */
export type ConsumerGroupTargetAssignmentMemberKey = KeyOf<
  typeof consumerGroupTargetAssignmentMemberRecord
>;
/** The decoded value of ConsumerGroupTargetAssignmentMember. */
export type ConsumerGroupTargetAssignmentMemberValue = ValueOf<
  typeof consumerGroupTargetAssignmentMemberRecord
>;

const topicPartitions = struct({
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: "0+", tag: 0, tagged: "0+" }),
});

/** The current assignment of a consumer group member, which converges to its target. */
export const consumerGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 8,
  name: "ConsumerGroupCurrentMemberAssignment",
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
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  }),
});
/** The key of ConsumerGroupCurrentMemberAssignment. */
export type ConsumerGroupCurrentMemberAssignmentKey = KeyOf<
  typeof consumerGroupCurrentMemberAssignmentRecord
>;
/** The decoded value of ConsumerGroupCurrentMemberAssignment. */
export type ConsumerGroupCurrentMemberAssignmentValue = ValueOf<
  typeof consumerGroupCurrentMemberAssignmentRecord
>;

/** The topics that match a regular expression in the subscriptions of a consumer group. */
export const consumerGroupRegularExpressionRecord = defineCoordinatorRecord({
  type: 16,
  name: "ConsumerGroupRegularExpression",
  key: struct({
    groupId: string(),
    regularExpression: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  }),
});
/** The key of ConsumerGroupRegularExpression. */
export type ConsumerGroupRegularExpressionKey = KeyOf<typeof consumerGroupRegularExpressionRecord>;
/** The decoded value of ConsumerGroupRegularExpression. */
export type ConsumerGroupRegularExpressionValue = ValueOf<
  typeof consumerGroupRegularExpressionRecord
>;
