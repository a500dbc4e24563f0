/**
 * The data directories of a node and the topics in them: opened as a broker does, each partition held
 * against its model, while a directory may fail, be missing, or still hold what was deleted.
 *
 * The scenario itself remembers the metadata of the cluster: the topics and the directories of their
 * partitions. A broker has stored them before it acts.
 *
 * @module
 */
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { LogManager } from "../../../src/log/directory/log_manager.ts";
import type { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { DiskOperation } from "../../../src/simulator/simulated_disk.ts";
import type { World } from "../world.ts";
import { Machine, NODE_ID, type Place } from "./machine.ts";
import { PartitionModel } from "./models/partition_model.ts";

/** The metadata log's topic. */
export const METADATA_TOPIC = "__cluster_metadata";
/** The suffix of the name of a directory while it is missing. */
const AWAY = ".away";

/** A partition that the node hosts. */
export interface Hosted extends Place {
  readonly topicId: string;
  /** The data directory that it lies in, and that one's id. */
  readonly path: string;
  readonly directoryId: string;
  /** Its directory did not start with this process. */
  isOut: boolean;
}

/** A topic that exists. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly config: LogConfig;
}

/** A node's data directories; the first holds the metadata log. */
export abstract class NodeDirectories extends Machine<Hosted> {
  readonly topics: Topic[] = [];
  /** The ids of the topics that were deleted. */
  readonly deletedIds: Set<string> = new Set();
  /** The names that they had. */
  readonly deletedNames: Set<string> = new Set();
  /** The directory that is missing for now, or null. */
  missing: string | null = null;
  /** The deletions of this process: no other change of the metadata comes before they have ended. */
  settling: Promise<void> = Promise.resolve();
  protected opened: LogManager | null = null;
  /** Directories whose disk was made to fail since the last end. */
  protected readonly sick: Set<string> = new Set();

  constructor(world: World, readonly directories: readonly string[]) {
    super(world);
  }

  /** The open directories. */
  get logs(): LogManager {
    return this.opened!;
  }

  override truncateAll(
    offsets: ReadonlyMap<PartitionLog, number>,
  ): Promise<ReadonlyMap<PartitionLog, KafkaError>> {
    return this.logs.truncateAll(offsets);
  }

  /** The partitions of topics that can be worked with. */
  get hosted(): Hosted[] {
    return this.places.slice(1).filter(({ isOut }) => !isOut);
  }

  /** The metadata log. */
  get metadata(): Hosted {
    return this.places[0]!;
  }

  /** Whether the node has to end: its metadata's disk has failed. */
  get isOver(): boolean {
    return this.logs.fatalFailure !== null;
  }

  override mayHaveFailed(place?: Hosted): boolean {
    return this.hasFailed && (place === undefined || this.sick.has(place.path));
  }

  /** Makes the next `operation` below `part` of `directory` fail. */
  hurt(directory: string, operation: DiskOperation, part = ""): void {
    this.sick.add(directory);
    this.disk.failNext(operation, "io", `${directory}/${part}`);
  }

  /** Fills the disk, or frees it again. */
  fill(): void {
    for (const directory of this.directories) this.sick.add(directory);
    this.disk.isFull = !this.disk.isFull;
  }

  /** Removes a directory while no process runs. */
  takeAway(directory: string): void {
    this.missing = directory;
    this.disk.tree.rename(directory, directory + AWAY);
    this.disk.syncNames(this.disk.tree.root);
  }

  /** Restores the missing directory, in place of one that was created meanwhile. */
  bringBack(): void {
    const { missing, disk } = this;
    if (missing === null) return;
    this.missing = null;
    if (disk.tree.exists(missing)) disk.tree.remove(missing);
    disk.tree.rename(missing + AWAY, missing);
    disk.syncNames(disk.tree.root);
  }

  /** Opens the directories, as a broker does. Rejects with a `KafkaError` when that fails. */
  async open(): Promise<void> {
    this.beginLife();
    const { simulation } = this.world;
    const logs = this.opened = await LogManager.open({
      runtime: this.runtime,
      directories: this.directories,
      metadataTopic: METADATA_TOPIC,
      nodeId: NODE_ID,
      onRecovery: ({ name, logEndOffset, reason }) =>
        simulation.trace(`recovered ${name} to ${logEndOffset}: ${reason}`),
      onLoss: (sentence) => simulation.trace(sentence),
      highWatermarkOf: ({ logEndOffset }) => logEndOffset,
    });
    await logs.each((directory) => directory.flushDirectory());
    const isNew = !logs.hasMetadataLog;
    const metadata = logs.openMetadataLog(METADATA_TOPIC_ID, DEFAULT_LOG_CONFIG);
    if (isNew || !logs.wasShutDownCleanly) {
      await logs.each((directory) => directory.flushDirectory());
    }
    if (this.places.length === 0) {
      const model = new PartitionModel(METADATA_TOPIC, 0, false, 0);
      this.places.push(this.placeOf(model, METADATA_TOPIC_ID, DEFAULT_LOG_CONFIG, metadata));
      await metadata.flush();
    }
    for (const directory of logs.directories) {
      directory.openAll((topic) =>
        this.topics.find(({ name }) => name === topic)?.config ?? DEFAULT_LOG_CONFIG
      );
    }
    for (const place of this.places.slice(1)) this.#host(place);
    this.#quarantineStrays();
    if (logs.wasShutDownCleanly) return;
    await logs.each((directory) => directory.flushRepaired());
    void logs.each((directory) => directory.flushUncertain());
  }

  protected placeOf(
    model: PartitionModel,
    topicId: string,
    config: LogConfig,
    log: PartitionLog,
  ): Hosted {
    const directoryId = this.logs.holderOf(model.topic, model.partition)!.directoryId;
    const { path } = this.directoryOf(directoryId)!;
    const state = { isOut: false, ending: "clean" as const };
    return { model, topicId, config, log, directoryId, path, ...state };
  }

  protected directoryOf(id: string): DataDirectory | undefined {
    return this.logs.directories.find(({ directoryId }) => directoryId === id);
  }

  #host(place: Hosted): void {
    const { model: { topic, partition, name }, topicId, config, directoryId } = place;
    const open = () =>
      this.logs.create(topic, partition, topicId, config, { directoryId, isNew: false });
    place.isOut = false;
    try {
      const found = this.logs.get(topic, partition);
      if (found !== undefined && this.deletedIds.has(found.topicId)) {
        this.#mustRefuse(name, open);
        // The operator moves it away, as the message says.
        this.logs.holderOf(topic, partition)!.quarantine(topic, partition);
        this.world.count("deleted logs met again");
      }
      place.log = open();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.world.simulation.trace(`${name} is out of service: ${error.message}`);
      place.isOut = true;
    }
    if (place.isOut || this.logs.holderOf(topic, partition)?.directoryId === directoryId) return;
    this.world.fail(`${name} was recreated outside of ${place.path}`);
  }

  #mustRefuse(name: string, open: () => PartitionLog): void {
    try {
      open();
      this.world.fail(`${name} was deleted, and its records are served as the new topic's`);
    } catch (error) {
      if (error instanceof KafkaError && error.code === ErrorCode.INCONSISTENT_TOPIC_ID) return;
      throw error;
    }
  }

  /** Quarantines logs without a topic, which must be those of deleted topics. */
  #quarantineStrays(): void {
    const known = new Set(this.places.map(({ model }) => model.name));
    for (const log of [...this.logs.logs()]) {
      if (known.has(log.name)) continue;
      if (!this.deletedIds.has(log.topicId) && log.topicId !== ZERO_UUID) {
        this.world.fail(`${log.name} with the id ${log.topicId} belongs to no topic`);
      }
      try {
        this.logs.holderOf(log.topic, log.partition)!.quarantine(log.topic, log.partition);
        this.world.count("deleted logs met again");
      } catch (error) {
        this.expectFault(`cannot quarantine ${log.name}`, error);
      }
    }
  }
}
