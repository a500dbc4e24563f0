/**
 * Decisions that put brokers out of service or back in service, with the partitions they lead.
 *
 * The records of a broker with many partitions exceed one batch, and a controller may fail between
 * two batches. Therefore a broker's partitions move away before the record that fences or
 * unregisters it, and partitions without a leader get one after the record that unfences it. No
 * prefix leaves a fenced broker as a leader, and repeating the decision completes it.
 *
 * @module
 */
import type { BrokerImage, MetadataImage, PartitionImage } from "../../metadata/image.ts";
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  electionOf,
  type MayLead,
  mayLeadIn,
  NO_LEADER,
  partitionChange,
} from "../partition_change.ts";
import { changeRegistration } from "./registration_change.ts";

/**
 * Records to append in order, in batches of any size, without another decision in between. They are
 * computed while they are consumed.
 */
export type RecordSequence = Iterable<MetadataRecordInput>;

/** Fences a broker. Returns no records if it is not registered or fenced already. */
export function* decideFence(brokerId: number, image: MetadataImage): RecordSequence {
  const broker = image.broker(brokerId);
  if (broker === undefined || broker.fenced) return;
  yield* moveLeaders(brokerId, image);
  yield changeRegistration(broker, image, { fenced: true });
}

/**
 * Unfences a broker and elects it leader of partitions that no other broker could lead. Returns no records if it is
 * not registered or not fenced.
 */
export function* decideUnfence(brokerId: number, image: MetadataImage): RecordSequence {
  const broker = image.broker(brokerId);
  if (broker === undefined || !broker.fenced) return;
  yield changeRegistration(broker, image, { fenced: false });
  yield* electLeaderless(image, mayLeadIn(image, { with: brokerId }));
}

/**
 * Begins the controlled shutdown of a broker: others lead its partitions as far as they have in-sync
 * replicas, and it leaves the ISR of all others. Returns only the missing records if a part of them
 * is in the log.
 */
export function* decideControlledShutdown(brokerId: number, image: MetadataImage): RecordSequence {
  const broker = image.broker(brokerId);
  if (broker === undefined) return;
  if (!broker.inControlledShutdown) {
    yield changeRegistration(broker, image, { inControlledShutdown: true });
  }
  yield* moveLeaders(brokerId, image);
}

/** Removes a broker from the cluster. Throws BROKER_ID_NOT_REGISTERED. */
export function decideUnregister(brokerId: number, image: MetadataImage): RecordSequence {
  const broker = image.broker(brokerId);
  if (broker === undefined) {
    throw new KafkaError(
      ErrorCode.BROKER_ID_NOT_REGISTERED,
      `Cannot unregister broker ${brokerId}: no such broker is registered`,
    );
  }
  return unregister(broker, image);
}

function* unregister({ id, epoch }: BrokerImage, image: MetadataImage): RecordSequence {
  yield* moveLeaders(id, image);
  yield { name: "UnregisterBrokerRecord", value: { brokerId: id, brokerEpoch: epoch } };
}

/** Which replicas of a broker leave the ISR, and why. */
export interface MoveOptions {
  /**
   * The broker may have lost records that it had not flushed, so it is not an eligible leader replica
   * any longer. Defaults to false.
   */
  readonly isUnclean?: boolean;
  /** Only replicas in these log directories. Defaults to all replicas. */
  readonly directoryIds?: ReadonlySet<string>;
}

/**
 * Removes a broker from every ISR and elects other leaders. The last member of an ISR remains in it;
 * its partition has no leader.
 */
export function* moveLeaders(
  brokerId: number,
  image: MetadataImage,
  { isUnclean = false, directoryIds }: MoveOptions = {},
): RecordSequence {
  const mayLead = mayLeadIn(image, { without: brokerId });
  for (const { id, name, partitions } of image.topics()) {
    for (const partition of partitions) {
      const { leader, isr, eligibleLeaderReplicas: eligible } = partition;
      const leavesElr = isUnclean && eligible.includes(brokerId);
      if (leader !== brokerId && !isr.includes(brokerId) && !leavesElr) continue;
      if (directoryIds !== undefined && !isIn(directoryIds, partition, brokerId)) continue;
      const record = partitionChange(
        id,
        partition,
        {
          isr: isr.filter((replica) => replica !== brokerId),
          ...(leavesElr
            ? { eligibleLeaderReplicas: eligible.filter((replica) => replica !== brokerId) }
            : {}),
        },
        { mayLead, election: electionOf(name, image) },
      );
      if (record !== null) yield record;
    }
  }
}

function isIn(directoryIds: ReadonlySet<string>, partition: PartitionImage, id: number): boolean {
  const directory = partition.directories[partition.replicas.indexOf(id)];
  return directory !== undefined && directoryIds.has(directory);
}

/** Returns whether a broker leads at least one partition. */
export function leadsAny(brokerId: number, image: MetadataImage): boolean {
  for (const { partitions } of image.topics()) {
    if (partitions.some(({ leader }) => leader === brokerId)) return true;
  }
  return false;
}

/**
 * Elects leaders of partitions that have none. A new active controller does so for all brokers in
 * service, since its predecessor may have failed between unfencing a broker and the elections.
 */
export function* electLeaderless(
  image: MetadataImage,
  mayLead: MayLead = mayLeadIn(image),
): RecordSequence {
  for (const { id, name, partitions } of image.topics()) {
    for (const partition of partitions) {
      if (partition.leader !== NO_LEADER) continue;
      const record = partitionChange(id, partition, {}, {
        mayLead,
        election: electionOf(name, image),
      });
      if (record !== null) yield record;
    }
  }
}

/**
 * Handles failed log directories of a broker: its replicas in them leave the ISR and lead nothing.
 * Returns no records unless a directory is registered. The broker must keep another directory.
 */
export function* decideOfflineDirectories(
  broker: BrokerImage,
  offlineIds: readonly string[],
  image: MetadataImage,
): RecordSequence {
  const offline = new Set(offlineIds);
  const failed = new Set(broker.logDirs.filter((directory) => offline.has(directory)));
  if (failed.size === 0) return;
  yield* moveLeaders(broker.id, image, { directoryIds: failed });
  // Last, so that a new active controller repeats the rest if it is missing.
  const logDirs = broker.logDirs.filter((directory) => !failed.has(directory));
  yield changeRegistration(broker, image, { logDirs });
}

/** Returns whether a broker that registered log directories has none left. */
export function isWithoutDirectory(
  { logDirs }: BrokerImage,
  offlineIds: readonly string[],
): boolean {
  if (logDirs.length === 0) return false;
  const offline = new Set(offlineIds);
  return logDirs.every((directory) => offline.has(directory));
}
