/**
 * Decisions about a broker's log directories (KIP-858): the directory of each partition, and which
 * directories are online.
 *
 * A partition whose directory goes offline keeps its leader, unlike in Apache Kafka: no other
 * replica could lead it, and intact files can still be read.
 *
 * @module
 */
import type { MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";

/** The assignment of a partition to a directory. */
export interface DirectoryAssignment {
  readonly topicId: string;
  readonly partition: number;
  /** The directory id. */
  readonly directoryId: string;
}

/**
 * Returns records for the directories of broker `nodeId`'s partitions that differ from the image.
 */
export function decideDirectoryAssignments(
  nodeId: number,
  assignments: readonly DirectoryAssignment[],
  image: MetadataImage,
): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  for (const { topicId, partition, directoryId } of assignments) {
    const found = image.topicById(topicId)?.partitions[partition];
    const replica = found?.replicas.indexOf(nodeId) ?? -1;
    // The topic was deleted meanwhile, or the partition moved to other brokers.
    if (found === undefined || replica < 0 || found.directories[replica] === directoryId) continue;
    const directories = withDirectory(found, nodeId, directoryId);
    records.push({
      name: "PartitionChangeRecord",
      value: { partitionId: partition, topicId, directories },
    });
  }
  return records;
}

/** Returns the directories of a partition's replicas, with a new one of the replica on a broker. */
export function withDirectory(
  { replicas, directories }: PartitionImage,
  brokerId: number,
  directoryId: string,
): string[] {
  return replicas.map((id, i) => id === brokerId ? directoryId : directories[i] ?? ZERO_UUID);
}

/**
 * Returns the record with the online directories of broker `nodeId`, or nothing if they are
 * unchanged.
 */
export function decideOnlineDirectories(
  nodeId: number,
  onlineIds: readonly string[],
  image: MetadataImage,
): MetadataRecordInput[] {
  const broker = image.broker(nodeId);
  const isKnown = broker === undefined || onlineIds.length === 0 ||
    JSON.stringify(broker.logDirs) === JSON.stringify(onlineIds);
  if (isKnown) return [];
  return [{
    name: "BrokerRegistrationChangeRecord",
    value: { brokerId: nodeId, brokerEpoch: broker.epoch, logDirs: onlineIds },
  }];
}
