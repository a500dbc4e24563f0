/**
 * Decisions at node start: the first records of a new metadata log and the broker's registration.
 *
 * @module
 */
import {
  METADATA_VERSION_FEATURE,
  registerBrokerVersion,
  SUPPORTED_FEATURES,
} from "../metadata/features.ts";
import type { BrokerImage, EndpointImage, MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { electLeaderless } from "./brokers/fencing.ts";
import { initialFeatureLevels } from "./features.ts";

/** A broker's registration data. */
export interface BrokerRegistration {
  readonly nodeId: number;
  /** Changes with each start. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  /** The ids of its log directories. */
  readonly logDirs: readonly string[];
}

/**
 * Returns the first records of a new metadata log: its feature levels. Returns nothing if the log
 * has them.
 */
export function decideBootstrap(image: MetadataImage): MetadataRecordInput[] {
  if (image.features.has(METADATA_VERSION_FEATURE)) return [];
  return initialFeatureLevels();
}

/**
 * Returns the record that registers the broker as active, or nothing if its registration is
 * unchanged. `offset` is the offset of the record, which becomes the broker epoch.
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
    version: registerBrokerVersion(image),
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
 * Elects the broker leader of partitions that have no leader and whose committed records it has: it
 * is in the ISR, or the ISR is empty and it is an eligible leader replica (KIP-966). Apache Kafka
 * leaves partitions in either state when its last broker shuts down.
 */
export function decideElections(nodeId: number, image: MetadataImage): MetadataRecordInput[] {
  return [...electLeaderless(image, (brokerId) => brokerId === nodeId)];
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
