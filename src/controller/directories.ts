/**
 * Decisions about a broker's log directories (KIP-858): in which one each of its partitions lies, and
 * which of them are in service.
 *
 * A partition whose directory goes out of service keeps its leader: there is no other replica that
 * could lead, and this one can still be read where its files can. Apache Kafka leaves it without one.
 *
 * @module
 */
import type { MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";

/** A partition is in a directory. */
export interface DirectoryAssignment {
  readonly topicId: string;
  readonly partition: number;
  /** The directory's id. */
  readonly directoryId: string;
}

/** The records that say where broker `nodeId` has partitions, for those where it is news. */
export function decideDirectoryAssignments(
  nodeId: number,
  assignments: readonly DirectoryAssignment[],
  image: MetadataImage,
): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  for (const { topicId, partition, directoryId } of assignments) {
    const found = image.topicById(topicId)?.partitions[partition];
    const replica = found?.replicas.indexOf(nodeId) ?? -1;
    // Deleted meanwhile, or moved to other brokers.
    if (found === undefined || replica < 0 || found.directories[replica] === directoryId) continue;
    const directories = found.replicas.map((_, i) =>
      i === replica ? directoryId : found.directories[i] ?? ZERO_UUID
    );
    records.push({
      name: "PartitionChangeRecord",
      value: { partitionId: partition, topicId, directories },
    });
  }
  return records;
}

/** The record that says which directories of broker `nodeId` are in service, or none when it is known. */
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
