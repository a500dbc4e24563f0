/**
 * Decisions at a node's start: what a new metadata log begins with, and the broker's registration.
 *
 * @module
 */
import {
  METADATA_VERSION,
  METADATA_VERSION_FEATURE,
  SUPPORTED_FEATURES,
} from "../metadata/features.ts";
import type { BrokerImage, EndpointImage, MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";

const NO_LEADER = -1;

/** What a broker says of itself at its start. */
export interface BrokerRegistration {
  readonly nodeId: number;
  /** New with each start. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  /** The ids of its log directories. */
  readonly logDirs: readonly string[];
}

/**
 * The records that a metadata log needs before anything else: the version it is written in. None
 * when it has them. The features of groups, transactions and sharing stay at level 0, which is not
 * written, until they are there.
 */
export function decideBootstrap(image: MetadataImage): MetadataRecordInput[] {
  if (image.features.has(METADATA_VERSION_FEATURE)) return [];
  return [{
    name: "FeatureLevelRecord",
    value: { name: METADATA_VERSION_FEATURE, featureLevel: METADATA_VERSION },
  }];
}

/**
 * The record that registers the broker in service, or none when it is registered just so.
 * `offset` is that which the record will have: it is the broker's epoch.
 */
export function decideRegistration(
  registration: BrokerRegistration,
  image: MetadataImage,
  offset: number,
): MetadataRecordInput[] {
  const before = image.broker(registration.nodeId);
  if (before !== undefined && isSame(before, registration)) return [];
  return [{
    name: "RegisterBrokerRecord",
    value: {
      brokerId: registration.nodeId,
      incarnationId: registration.incarnationId,
      brokerEpoch: offset,
      endPoints: registration.endpoints,
      features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
      rack: registration.rack,
      fenced: false,
      logDirs: registration.logDirs,
    },
  }];
}

/**
 * Makes the broker lead the partitions that have no leader although it has all that was committed:
 * it is in sync, or nobody is and it is eligible all the same (KIP-966). Apache Kafka leaves
 * partitions either way when its last broker shuts down.
 */
export function decideElections(nodeId: number, image: MetadataImage): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  for (const { id, partitions } of image.topics()) {
    for (const { partition, leader, isr, eligibleLeaderReplicas } of partitions) {
      if (leader !== NO_LEADER) continue;
      const election = { partitionId: partition, topicId: id, leader: nodeId };
      if (isr.includes(nodeId)) records.push({ name: "PartitionChangeRecord", value: election });
      else if (isr.length === 0 && eligibleLeaderReplicas.includes(nodeId)) {
        records.push({
          name: "PartitionChangeRecord",
          value: {
            ...election,
            isr: [nodeId],
            eligibleLeaderReplicas: eligibleLeaderReplicas.filter((replica) => replica !== nodeId),
            lastKnownElr: [],
          },
        });
      }
    }
  }
  return records;
}

function isSame(before: BrokerImage, registration: BrokerRegistration): boolean {
  return !before.fenced && !before.inControlledShutdown &&
    before.rack === registration.rack &&
    JSON.stringify([...before.features]) === JSON.stringify([...SUPPORTED_FEATURES]) &&
    JSON.stringify(before.logDirs) === JSON.stringify(registration.logDirs) &&
    JSON.stringify(before.endpoints.map(textOf)) ===
      JSON.stringify(registration.endpoints.map(textOf));
}

function textOf({ name, host, port, securityProtocol }: EndpointImage): string {
  return `${name} ${host} ${port} ${securityProtocol}`;
}
