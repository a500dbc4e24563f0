/**
 * The record types of `__consumer_offsets`, the topic with the persistent state of group
 * coordinators: committed offsets, and groups of each type with their members.
 *
 * @module
 */
import { consumerGroupCurrentMemberAssignmentRecord } from "./consumer_group_current_member_assignment.ts";
import { consumerGroupMemberMetadataRecord } from "./consumer_group_member_metadata.ts";
import { consumerGroupMetadataRecord } from "./consumer_group_metadata.ts";
import { consumerGroupPartitionMetadataRecord } from "./consumer_group_partition_metadata.ts";
import { consumerGroupRegularExpressionRecord } from "./consumer_group_regular_expression.ts";
import { consumerGroupTargetAssignmentMemberRecord } from "./consumer_group_target_assignment_member.ts";
import { consumerGroupTargetAssignmentMetadataRecord } from "./consumer_group_target_assignment_metadata.ts";
import { groupMetadataRecord } from "./group_metadata.ts";
import { legacyOffsetCommitRecord } from "./legacy_offset_commit.ts";
import { offsetCommitRecord } from "./offset_commit.ts";
import { shareGroupCurrentMemberAssignmentRecord } from "./share_group_current_member_assignment.ts";
import { shareGroupMemberMetadataRecord } from "./share_group_member_metadata.ts";
import { shareGroupMetadataRecord } from "./share_group_metadata.ts";
import { shareGroupStatePartitionMetadataRecord } from "./share_group_state_partition_metadata.ts";
import { shareGroupTargetAssignmentMemberRecord } from "./share_group_target_assignment_member.ts";
import { shareGroupTargetAssignmentMetadataRecord } from "./share_group_target_assignment_metadata.ts";
import { streamsGroupCurrentMemberAssignmentRecord } from "./streams_group_current_member_assignment.ts";
import { streamsGroupMemberMetadataRecord } from "./streams_group_member_metadata.ts";
import { streamsGroupMetadataRecord } from "./streams_group_metadata.ts";
import { streamsGroupTargetAssignmentMemberRecord } from "./streams_group_target_assignment_member.ts";
import { streamsGroupTargetAssignmentMetadataRecord } from "./streams_group_target_assignment_metadata.ts";
import { streamsGroupTopologyRecord } from "./streams_group_topology.ts";

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
