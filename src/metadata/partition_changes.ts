/**
 * Applies metadata records to a partition.
 *
 * @module
 */
import type { PartitionImage } from "./image.ts";
import type { PartitionChangeRecord, PartitionRecord } from "./records/topics.ts";

const LEADER_STAYS = -2;

/** Returns the partition described by a PartitionRecord. */
export function newPartition(record: PartitionRecord): PartitionImage {
  return {
    partition: record.partitionId,
    replicas: record.replicas,
    isr: record.isr,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    leaderRecoveryState: record.leaderRecoveryState,
    directories: record.directories,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
  };
}

/** Returns the partition after a PartitionChangeRecord, which contains only changed fields. */
export function changePartition(
  before: PartitionImage,
  record: PartitionChangeRecord,
): PartitionImage {
  const hasLeader = record.leader !== LEADER_STAYS;
  return {
    partition: before.partition,
    replicas: record.replicas ?? before.replicas,
    isr: record.isr ?? before.isr,
    removingReplicas: record.removingReplicas ?? before.removingReplicas,
    addingReplicas: record.addingReplicas ?? before.addingReplicas,
    leader: hasLeader ? record.leader : before.leader,
    leaderEpoch: hasLeader ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState: record.leaderRecoveryState < 0
      ? before.leaderRecoveryState
      : record.leaderRecoveryState,
    directories: record.directories ?? before.directories,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: record.lastKnownElr ?? before.lastKnownElr,
  };
}
