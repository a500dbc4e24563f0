/**
 * The data directories of a node and the topics in them: opened as a broker does, each partition held
 * against its model, while a directory may fail, be missing, or still hold what was deleted.
 *
 * What the cluster's metadata say, which topics there are and where their partitions lie, is what the
 * scenario remembers: a broker has it on the disk before it acts.
 *
 * @module
 */
import { describeDamage } from "../../../src/inspect/findings.ts";
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { LogManager } from "../../../src/log/directory/log_manager.ts";
import type { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { DiskOperation } from "../../../src/simulator/simulated_disk.ts";
import { GivenUp, type World } from "../world.ts";
import { HOST, Machine, NODE_ID, type Place, textOf } from "./machine.ts";
import { type Ending, PartitionModel } from "./partition_model.ts";

/** The metadata log's topic. */
export const METADATA_TOPIC = "__cluster_metadata";
/** What the name of a directory gets while it is missing. */
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
export class NodeStore extends Machine<Hosted> {
  readonly topics: Topic[] = [];
  /** The ids of the topics that were deleted. */
  readonly deletedIds: Set<string> = new Set();
  /** The names that they had. */
  readonly deletedNames: Set<string> = new Set();
  /** The directory that is missing for now, or null. */
  missing: string | null = null;
  /** The deletions of this process: no other change of the metadata comes before they have ended. */
  settling: Promise<void> = Promise.resolve();
  #logs: LogManager | null = null;
  /** Directories whose disk was told to fail since the last end. */
  readonly #sick = new Set<string>();
  #hasLostPower = false;
  /** Whether all directories were closed well when the last process ended. */
  #wasClean = false;

  constructor(world: World, readonly directories: readonly string[]) {
    super(world);
  }

  /** The open directories. */
  get logs(): LogManager {
    return this.#logs!;
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
    return this.hasFailed && (place === undefined || this.#sick.has(place.path));
  }

  /** The disk of `directory` fails the next time that it is asked for `operation`, below `part` there. */
  hurt(directory: string, operation: DiskOperation, part = ""): void {
    this.#sick.add(directory);
    this.disk.failNext(operation, "io", `${directory}/${part}`);
  }

  /** There is no room left, or some again. */
  fill(): void {
    for (const directory of this.directories) this.#sick.add(directory);
    this.disk.isFull = !this.disk.isFull;
  }

  /** Somebody takes a directory away while no process runs. */
  takeAway(directory: string): void {
    this.missing = directory;
    this.disk.tree.rename(directory, directory + AWAY);
    this.disk.syncNames(this.disk.tree.root);
  }

  /** And brings it back, in the place of what was made meanwhile. */
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
    const logs = this.#logs = await LogManager.open({
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
      this.places.push(this.#placeOf(model, METADATA_TOPIC_ID, DEFAULT_LOG_CONFIG, metadata));
      await metadata.flush();
    }
    for (const directory of logs.directories) {
      directory.openAll((topic) =>
        this.topics.find(({ name }) => name === topic)?.config ?? DEFAULT_LOG_CONFIG
      );
    }
    for (const place of this.places.slice(1)) this.#host(place);
    this.#setStraysAside();
    if (!logs.wasShutDownCleanly) await logs.each((directory) => directory.flushRepaired());
  }

  #placeOf(
    model: PartitionModel,
    topicId: string,
    config: LogConfig,
    log: PartitionLog,
  ): Hosted {
    const directoryId = this.logs.holderOf(model.topic, model.partition)!.directoryId;
    const { path } = this.#directoryOf(directoryId)!;
    const state = { isOut: false, ending: "clean" as const };
    return { model, topicId, config, log, directoryId, path, ...state };
  }

  #directoryOf(id: string): DataDirectory | undefined {
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
        // As the sentence says, whoever runs the node moves it away.
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
    this.world.fail(`${name} was made anew in another directory than ${place.path}`);
  }

  #mustRefuse(name: string, open: () => PartitionLog): void {
    try {
      open();
      this.world.fail(`${name} was deleted, and what it held passes for the new topic's`);
    } catch (error) {
      if (error instanceof KafkaError && error.code === ErrorCode.INCONSISTENT_TOPIC_ID) return;
      throw error;
    }
  }

  /** What belongs to no topic is of one that was deleted. */
  #setStraysAside(): void {
    const known = new Set(this.places.map(({ model }) => model.name));
    for (const log of [...this.logs.logs()]) {
      if (known.has(log.name)) continue;
      if (!this.deletedIds.has(log.topicId) && log.topicId !== ZERO_UUID) {
        this.world.fail(`${log.name} with the id ${log.topicId} belongs to nobody`);
      }
      try {
        this.logs.holderOf(log.topic, log.partition)!.quarantine(log.topic, log.partition);
        this.world.count("deleted logs met again");
      } catch (error) {
        this.expectFault(`cannot set ${log.name} aside`, error);
      }
    }
  }

  /** Opens the directories, which must succeed, and compares every log with its model. */
  async openAndJudge(): Promise<void> {
    const { world } = this;
    try {
      await this.open();
    } catch (error) {
      world.fail(`the directories cannot be opened: ${textOf(error)}`);
      throw new GivenUp();
    }
    for (const place of this.places) this.#judge(place);
    this.#expectNoLeftovers();
    this.#wasClean = true;
    if (world.failures.length > 0) throw new GivenUp();
  }

  #judge(place: Hosted): void {
    const { topic, partition, name } = place.model;
    const isSick = this.mayHaveFailed(place) || place.path === this.missing;
    if (isSick && place !== this.metadata) {
      place.isOut = true;
      return this.world.count("partitions out of service");
    }
    const log = place.isOut ? undefined : this.logs.get(topic, partition);
    this.judge(
      place,
      log,
      () => this.#directoryOf(place.directoryId)?.failures.get(name)?.message ?? "",
    );
  }

  /** Nothing may be left of a deletion, of records, a segment or a topic, once a process has started. */
  #expectNoLeftovers(): void {
    const { tree } = this.disk;
    for (const { path: directory, failure } of this.logs.directories) {
      if (failure !== null || this.#sick.has(directory)) continue;
      for (const { name, isDirectory } of tree.list(directory)) {
        if (name.endsWith("-delete")) this.world.fail(`${directory}/${name} is left`);
        if (!isDirectory || name.endsWith("-stray")) continue;
        for (const file of tree.list(`${directory}/${name}`)) {
          if (!/\.(deleted|cleaned)$/.test(file.name)) continue;
          this.world.fail(`${directory}/${name}/${file.name} is left`);
        }
      }
    }
  }

  /** The directories that have gone out of service must be those whose disks have failed. */
  expectOthersGoOn(): void {
    for (const { path, failure } of this.logs.states()) {
      if (failure === null || (this.hasFailed && this.#sick.has(path))) continue;
      this.world.fail(`${path} is out of service: ${failure.message}`);
    }
  }

  /** Makes the partitions of a topic. Throws a `KafkaError`. */
  create(topic: Topic, partitions: number): Hosted[] {
    this.topics.push(topic);
    return Array.from({ length: partitions }, (_, partition) => {
      const { name, id, config } = topic;
      const log = this.logs.create(name, partition, id, config, { isNew: true });
      const model = new PartitionModel(name, partition, config.compact, config.deleteRetentionMs);
      const place = this.#placeOf(model, id, config, log);
      this.places.push(place);
      if (log.logStartOffset !== 0 || log.logEndOffset !== 0 || log.activeProducers().length > 0) {
        this.world.fail(`${log.name} is new, and has ${log.logStartOffset} to ${log.logEndOffset}`);
      }
      return place;
    });
  }

  /** Takes a topic out of the metadata and returns its partitions, which are to be deleted. */
  forget(topic: Topic): Hosted[] {
    this.topics.splice(this.topics.indexOf(topic), 1);
    this.deletedIds.add(topic.id);
    this.deletedNames.add(topic.name);
    const gone = this.places.filter(({ topicId }) => topicId === topic.id);
    for (const place of gone) {
      place.isGone = true;
      this.places.splice(this.places.indexOf(place), 1);
    }
    return gone;
  }

  /** Closes the directories in an orderly way. */
  async close(): Promise<void> {
    const marks = new Map(this.places.map((place) => [place, place.model.beginFlush()]));
    const failed = this.places.filter(({ isOut, log }) => isOut || log.failure !== null);
    const isWhole = !this.logs.isDegraded;
    this.isClosing = true;
    try {
      await this.logs.close();
    } catch (error) {
      this.expectFault("the directories cannot be closed", error);
      await this.world.expectEnd(HOST);
      return this.kill();
    }
    const clean = new Set(
      this.places.filter((place) =>
        !failed.includes(place) && !this.mayHaveFailed(place) && place.path !== this.missing
      ),
    );
    for (const place of clean) {
      marks.get(place)!();
      place.model.durableStart = place.model.startOffset;
    }
    await this.world.expectEnd(HOST);
    if (!isWhole || clean.size < this.places.length) this.#wasClean = false;
    this.end("clean", (place) => clean.has(place) ? "clean" : "kill");
  }

  /** Nothing may be found to be wrong with the files, which an orderly end has left. */
  async lookOver(): Promise<void> {
    if (!this.#wasClean || this.missing !== null) return;
    for (const directory of this.directories) {
      const { damages } = await verifyDataDirectory(directory, {
        runtime: this.runtime,
        deep: true,
      });
      this.world.count("looked over");
      for (const damage of damages) {
        // An orderly end does not wait for what the next start can do without.
        if (this.#hasLostPower && damage.file.endsWith(".snapshot")) continue;
        this.world.fail(`after an orderly end this is found: ${describeDamage(damage)}`);
      }
    }
  }

  protected override noteEnding(ending: Ending, endingOf: (place: Hosted) => Ending): void {
    this.#logs = null;
    this.settling = Promise.resolve();
    this.#sick.clear();
    if (ending !== "clean") this.#wasClean = false;
    if (ending === "power") this.#hasLostPower = true;
    super.noteEnding(ending, endingOf);
  }
}
