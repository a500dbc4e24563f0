/**
 * Decisions about a broker's log directories (KIP-858): the directory of each partition, and which
 * directories are online.
 *
 * A partition whose directory goes offline keeps its leader, unlike in Apache Kafka: no other
 * replica could lead it, and intact files can still be read.
 *
 * @module
 */
import { registrationChangeVersion } from "../metadata/features.ts";
import type { MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";

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
    version: registrationChangeVersion(image),
    value: { brokerId: nodeId, brokerEpoch: broker.epoch, logDirs: onlineIds },
  }];
}
