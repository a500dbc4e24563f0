/**
 * Records of share groups (KIP-932) in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  bigint64,
  int32,
  int64,
  int8,
  string,
  struct,
  uuid,
} from "../../protocol/schema.ts";

/** A member of a share group (KIP-932) and its subscription. */
export const shareGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 10,
  name: "ShareGroupMemberMetadata",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  }),
});
/** The key of ShareGroupMemberMetadata. */
export type ShareGroupMemberMetadataKey = KeyOf<typeof shareGroupMemberMetadataRecord>;
/** The decoded value of ShareGroupMemberMetadata. */
export type ShareGroupMemberMetadataValue = ValueOf<typeof shareGroupMemberMetadataRecord>;

/**
 * A share group (KIP-932) and its epoch, which increases with every change of members,
 * subscriptions or topics.
 */
export const shareGroupMetadataRecord = defineCoordinatorRecord({
  type: 11,
  name: "ShareGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64(),
  }),
});
/** The key of ShareGroupMetadata. */
export type ShareGroupMetadataKey = KeyOf<typeof shareGroupMetadataRecord>;
/** The decoded value of ShareGroupMetadata. */
export type ShareGroupMetadataValue = ValueOf<typeof shareGroupMetadataRecord>;

/** The epoch of a share group's target assignment. */
export const shareGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 12,
  name: "ShareGroupTargetAssignmentMetadata",
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
/** The key of ShareGroupTargetAssignmentMetadata. */
export type ShareGroupTargetAssignmentMetadataKey = KeyOf<
  typeof shareGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of ShareGroupTargetAssignmentMetadata. */
export type ShareGroupTargetAssignmentMetadataValue = ValueOf<
  typeof shareGroupTargetAssignmentMetadataRecord
>;

/** The target assignment of a share group member. */
export const shareGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 13,
  name: "ShareGroupTargetAssignmentMember",
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
/** The key of ShareGroupTargetAssignmentMember. */
export type ShareGroupTargetAssignmentMemberKey = KeyOf<
  typeof shareGroupTargetAssignmentMemberRecord
>;
/** The decoded value of ShareGroupTargetAssignmentMember. */
export type ShareGroupTargetAssignmentMemberValue = ValueOf<
  typeof shareGroupTargetAssignmentMemberRecord
>;

const topicPartitions = struct({
  topicId: uuid(),
  partitions: array(int32()),
});

/** The current assignment of a share group member. */
export const shareGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 14,
  name: "ShareGroupCurrentMemberAssignment",
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
  }),
});
/** The key of ShareGroupCurrentMemberAssignment. */
export type ShareGroupCurrentMemberAssignmentKey = KeyOf<
  typeof shareGroupCurrentMemberAssignmentRecord
>;
/** The decoded value of ShareGroupCurrentMemberAssignment. */
export type ShareGroupCurrentMemberAssignmentValue = ValueOf<
  typeof shareGroupCurrentMemberAssignmentRecord
>;

const topicPartitionsInfo = struct({
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
});

const topicInfo = struct({
  topicId: uuid(),
  topicName: string(),
});

/**
 * The partitions of a share group whose state in the share coordinator is being initialized, is
 * initialized, or is being deleted.
 */
export const shareGroupStatePartitionMetadataRecord = defineCoordinatorRecord({
  type: 15,
  name: "ShareGroupStatePartitionMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  }),
});
/** The key of ShareGroupStatePartitionMetadata. */
export type ShareGroupStatePartitionMetadataKey = KeyOf<
  typeof shareGroupStatePartitionMetadataRecord
>;
/** The decoded value of ShareGroupStatePartitionMetadata. */
export type ShareGroupStatePartitionMetadataValue = ValueOf<
  typeof shareGroupStatePartitionMetadataRecord
>;
