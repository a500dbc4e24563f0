/**
 * The record types of `__consumer_offsets`, the topic with the persistent state of group
 * coordinators: committed offsets, and groups of each type with their members.
 *
 * @module
 */
import {
  groupMetadataRecord,
  legacyOffsetCommitRecord,
  offsetCommitRecord,
} from "./classic_group_records.ts";
import {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from "./consumer_group_records.ts";
import {
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupMemberMetadataRecord,
  shareGroupMetadataRecord,
  shareGroupStatePartitionMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupTargetAssignmentMetadataRecord,
} from "./share_group_records.ts";
import {
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTopologyRecord,
} from "./streams_group_records.ts";

/** The record types of `__consumer_offsets`, in numerical order. */
export const groupRecordTypes = [
  legacyOffsetCommitRecord,
  offsetCommitRecord,
  groupMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupTargetAssignmentMetadataRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupCurrentMemberAssignmentRecord,
  shareGroupMemberMetadataRecord,
  shareGroupMetadataRecord,
  shareGroupTargetAssignmentMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupStatePartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  streamsGroupMetadataRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupTopologyRecord,
] as const;
