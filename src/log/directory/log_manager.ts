/**
 * A node's data directories behind one face: `log.dirs`, each a {@linkcode DataDirectory} with its own
 * lock, identity and checkpoints. A partition is used where it lies; a new one goes where the fewest
 * are, so that disks fill alike.
 *
 * One directory holds the metadata log. Without it the node can do nothing: it does not start, and
 * ends when that disk fails, as Apache Kafka halts. Any other directory may go out of service alone.
 * Its partitions take no records until the next start, and are read as far as their files can be.
 * A partition that lies, or may lie, in a directory that is out of service is never made anew in
 * another one: that would pass an empty log for the one with the records (KIP-858).
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../protocol/uuid.ts";
import { FileError } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import { DataDirectory, type DataDirectoryOptions } from "./data_directory.ts";
import { META_PROPERTIES, readClusterId } from "./meta_properties.ts";
import { OpenSegments } from "../segments/open_segments.ts";
import type { PartitionLog } from "../partition_log.ts";
import { PendingWork } from "../pending_work.ts";

/** How the directories are opened. */
export interface LogManagerOptions
  extends Pick<DataDirectoryOptions, "runtime" | "nodeId" | "onRecovery" | "onLoss"> {
  /** At least one; each is made when it is missing. */
  readonly directories: readonly string[];
  /** The one among them that holds the metadata log: the first unless told. */
  readonly metadataDirectory?: string;
  /** The metadata log's topic. */
  readonly metadataTopic: string;
  /**
   * Is told, in the next microtask, that a directory has gone out of service. `isFatal`: it was the
   * one with the metadata log.
   */
  readonly onFailure?: (failure: KafkaError, isFatal: boolean) => void;
  /** The most segment files of all directories that are open at one time. */
  readonly maxOpenSegmentFiles?: number;
}

/** One of the directories. */
export interface DirectoryState {
  readonly path: string;
  /** Null when it could not even be opened. */
  readonly manager: DataDirectory | null;
  /** Why it is out of service, or null. */
  readonly failure: KafkaError | null;
}

/** Where a partition may be made. */
export interface Placement {
  /** The id of the directory that the cluster's metadata have for it; `ZERO_UUID` and such: none. */
  readonly directoryId?: string;
  /** Whether it was created just now, so that it lies nowhere yet. */
  readonly isNew: boolean;
}

/** All data directories of a node. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class LogManager {
  /** The cluster that they belong to. */
  readonly clusterId: string;
  readonly #options: LogManagerOptions;
  /** In the order in which they were named. */
  readonly #managers: readonly DataDirectory[];
  /** The directories that could not be opened, and why. */
  readonly #lost: ReadonlyMap<string, KafkaError>;
  readonly #metadata: DataDirectory;
  readonly #pendingWork = new PendingWork();
  readonly #openSegments: OpenSegments;

  private constructor(
    options: LogManagerOptions,
    managers: ReadonlyMap<string, DataDirectory>,
    metadata: DataDirectory,
    lost: ReadonlyMap<string, KafkaError>,
    openSegments: OpenSegments,
  ) {
    this.#openSegments = openSegments;
    this.#options = options;
    this.#managers = options.directories.flatMap((path) => managers.get(path) ?? []);
    this.#metadata = metadata;
    this.#lost = lost;
    this.clusterId = metadata.clusterId;
  }

  /**
   * Opens the directories and takes their locks. One whose disk fails or is full is left out of
   * service, unless it is the metadata log's. Throws KAFKA_STORAGE_ERROR, with one sentence that says
   * what to do, for any other: one that another process has, that belongs to another node or cluster,
   * that cannot be read or written; for a partition that is in two of them; and when the metadata log
   * is in another directory than it should be, or is missing although there are partitions.
   */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const { directories, metadataDirectory = directories[0]! } = options;
    refuseRepeated(directories);
    if (!directories.includes(metadataDirectory)) {
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `Cannot keep the metadata log in "${metadataDirectory}": metadata.log.dir must be one of ` +
          `the data directories, ${listed(directories)}`,
      );
    }
    const managers = new Map<string, DataDirectory>();
    const lost = new Map<string, KafkaError>();
    const openSegments = new OpenSegments(options.maxOpenSegmentFiles);
    const open = (directory: string, clusterId: string | undefined) =>
      openOne(options, directory, clusterId, openSegments);
    try {
      const metadata = open(metadataDirectory, clusterIdOfAny(options));
      managers.set(metadataDirectory, metadata);
      for (const directory of directories) {
        if (directory === metadataDirectory) continue;
        try {
          managers.set(directory, open(directory, metadata.clusterId));
        } catch (error) {
          if (!isDiskFailure(error)) throw error;
          lost.set(directory, error);
        }
      }
      refuseTwice(managers);
      refuseWithoutMetadata(options.metadataTopic, metadata, managers);
      return new LogManager(options, managers, metadata, lost, openSegments);
    } catch (error) {
      // Why it is refused matters more than what else fails then.
      await Promise.allSettled([...managers.values()].map((manager) => manager.close()));
      throw error;
    }
  }

  /** Every directory, in the order in which they were named. */
  directories(): DirectoryState[] {
    return this.#options.directories.map((path) => {
      const manager = this.#managers.find(({ directory }) => directory === path) ?? null;
      return { path, manager, failure: manager?.failure ?? this.#lost.get(path) ?? null };
    });
  }

  /** Those that could be opened, with the ones that have gone out of service since. */
  get managers(): readonly DataDirectory[] {
    return this.#managers;
  }

  /** The ids of the directories in service, in a fixed order. */
  get onlineIds(): string[] {
    return this.#managers.filter(({ failure }) => failure === null)
      .map(({ directoryId }) => directoryId).sort();
  }

  /** Whether some directory is out of service. */
  get isDegraded(): boolean {
    return this.directories().some(({ failure }) => failure !== null);
  }

  /** Why the node cannot go on, or null: the directory of the metadata log is out of service. */
  get fatalFailure(): KafkaError | null {
    return this.#metadata.failure;
  }

  /** Whether the process that used the directories last ended cleanly. */
  get wasShutDownCleanly(): boolean {
    return this.#managers.every(({ wasShutDownCleanly }) => wasShutDownCleanly);
  }

  /** Whether there is a metadata log. */
  get hasMetadataLog(): boolean {
    return this.#metadata.has(this.#options.metadataTopic, 0);
  }

  /** Whether there is any other log, open or not. */
  get hasPartitions(): boolean {
    const { metadataTopic } = this.#options;
    return this.#managers.some((manager) =>
      manager.names().some((name) => name !== `${metadataTopic}-0`)
    );
  }

  /** Opens the metadata log, or begins it. */
  openMetadataLog(topicId: string, config: LogConfig): PartitionLog {
    return this.#metadata.create(this.#options.metadataTopic, 0, topicId, config);
  }

  /** As {@linkcode DataDirectory.openAll}, in every directory. */
  openAll(configOf: (topic: string) => LogConfig): void {
    for (const manager of this.#managers) manager.openAll(configOf);
  }

  /**
   * Opens the log where it lies, or makes it: in the directory that it is assigned to, else where
   * the fewest are. Throws as {@linkcode DataDirectory.create}, and KAFKA_STORAGE_ERROR when it may lie
   * in a directory that is out of service or is not named any more.
   */
  create(
    topic: string,
    partition: number,
    topicId: string | null,
    config: LogConfig,
    placement: Placement = { isNew: true },
  ): PartitionLog {
    const manager = this.#holderOf(topic, partition) ??
      this.#placeFor(`${topic}-${partition}`, placement);
    return manager.create(topic, partition, topicId, config);
  }

  /** The log, if it is open. */
  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#holderOf(topic, partition)?.get(topic, partition);
  }

  /** Every open log, the metadata log among them. */
  *logs(): Generator<PartitionLog> {
    for (const manager of this.#managers) yield* manager.logs();
  }

  /** The id of the directory that has the log, or null. */
  directoryIdOf(topic: string, partition: number): string | null {
    return this.#holderOf(topic, partition)?.directoryId ?? null;
  }

  /** As {@linkcode DataDirectory.delete}, wherever the log lies. */
  delete(topic: string, partition: number): void {
    this.#holderOf(topic, partition)?.delete(topic, partition);
  }

  /** As {@linkcode DataDirectory.setAside}, wherever the log lies. */
  setAside(topic: string, partition: number): string {
    return this.#holderOf(topic, partition)!.setAside(topic, partition);
  }

  /** As {@linkcode DataDirectory.flush}, in every directory that is in service. */
  async flush(): Promise<void> {
    await this.#each((manager) => manager.flush());
  }

  /** As {@linkcode DataDirectory.flushMended}, in every directory that is in service. */
  async flushMended(): Promise<void> {
    await this.#each((manager) => manager.flushMended());
  }

  /** As {@linkcode DataDirectory.checkpoint}, in every directory that is in service. */
  async checkpoint(): Promise<void> {
    await this.#each((manager) => manager.checkpoint());
  }

  /** As {@linkcode DataDirectory.removeDeleted}, in every directory that is in service. */
  removeDeleted(): void {
    for (const manager of this.#managers) {
      if (manager.failure === null) manager.removeDeleted();
    }
  }

  /** As {@linkcode DataDirectory.highWatermarkOf}, for every directory. */
  set highWatermarkOf(highWatermarkOf: (log: PartitionLog) => number) {
    for (const manager of this.#managers) manager.highWatermarkOf = highWatermarkOf;
  }

  /** As {@linkcode DataDirectory.flushDirectory}, for every directory that is in service. */
  async flushDirectory(): Promise<void> {
    await this.#each((manager) => manager.flushDirectory());
  }

  /** As {@linkcode DataDirectory.close}, for every directory, once no work in several of them is under way. */
  async close(): Promise<void> {
    await this.#pendingWork.settled();
    const ends = await Promise.allSettled(this.#managers.map((manager) => manager.close()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /**
   * Closes segment files that are not in use, for a socket that has got no descriptor. Returns whether
   * there were any.
   */
  makeRoom(): boolean {
    return this.#openSegments.makeRoom();
  }

  /** Runs `work` in every directory in service. Only what the metadata log's meets is thrown. */
  #each(work: (manager: DataDirectory) => Promise<void>): Promise<void> {
    return this.#pendingWork.track(this.#inEach(work));
  }

  async #inEach(work: (manager: DataDirectory) => Promise<void>): Promise<void> {
    for (const manager of this.#managers) {
      if (manager.failure !== null) continue;
      try {
        await work(manager);
      } catch (error) {
        // The others' own failures have been told, and they are out of service.
        if (manager === this.#metadata || manager.failure === null) throw error;
      }
    }
  }

  #holderOf(topic: string, partition: number): DataDirectory | undefined {
    return this.#managers.find((manager) => manager.has(topic, partition));
  }

  /** How many partitions a directory has. The metadata log is none. */
  #countIn(manager: DataDirectory): number {
    return manager.count - (manager === this.#metadata ? 1 : 0);
  }

  /** The directory in which a log that lies nowhere is made. */
  #placeFor(name: string, { directoryId = ZERO_UUID, isNew }: Placement): DataDirectory {
    if (!isNew) {
      const assigned = this.#managers.find((manager) => manager.directoryId === directoryId);
      if (assigned !== undefined) return assigned;
      const lost = [...this.#lost].map(([path, { message }]) => `${path} (${message})`);
      const isAssigned = directoryId !== ZERO_UUID && directoryId !== UNASSIGNED_DIRECTORY;
      // A directory that failed later is known to have no such log.
      if (isAssigned || lost.length > 0) {
        throw new KafkaError(
          ErrorCode.KAFKA_STORAGE_ERROR,
          lost.length > 0
            ? `Cannot open ${name}: it may lie in ${lost.join(", ")}; mend that directory and ` +
              `start again`
            : `Cannot open ${name}: it lies in the data directory with the id ${directoryId}, ` +
              `which is not among ${listed(this.#options.directories)}; name that one too`,
        );
      }
    }
    let best: DataDirectory | undefined;
    for (const manager of this.#managers) {
      if (manager.failure !== null) continue;
      if (best === undefined || this.#countIn(manager) < this.#countIn(best)) best = manager;
    }
    if (best !== undefined) return best;
    throw this.fatalFailure!;
  }
}

function openOne(
  { runtime, nodeId, onRecovery, onLoss, onFailure, directories, metadataDirectory }:
    LogManagerOptions,
  directory: string,
  clusterId: string | undefined,
  openSegments: OpenSegments,
): DataDirectory {
  const isFatal = directory === (metadataDirectory ?? directories[0]);
  return DataDirectory.open({
    runtime,
    directory,
    nodeId,
    openSegments,
    ...(clusterId !== undefined && { clusterId }),
    ...(onRecovery && { onRecovery }),
    ...(onLoss && { onLoss }),
    // Whoever met the fault is in the middle of something.
    onFailure: (failure) => queueMicrotask(() => onFailure?.(failure, isFatal)),
  });
}

/** The cluster that a directory which is in use already belongs to. */
function clusterIdOfAny({ runtime, directories }: LogManagerOptions): string | undefined {
  for (const directory of directories) {
    const id = readClusterId(runtime.files, `${directory}/${META_PROPERTIES}`);
    if (id !== null) return id;
  }
}

function isDiskFailure(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.cause instanceof FileError &&
    (error.cause.reason === "io" || error.cause.reason === "no-space");
}

function refuseRepeated(directories: readonly string[]): void {
  const plain = directories.map((path) => path.replace(/(?!^)\/+$/, ""));
  const again = plain.find((path, i) => plain.indexOf(path) !== i);
  if (again === undefined) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Cannot use the data directory ${again} twice: name each one once`,
  );
}

function refuseTwice(managers: ReadonlyMap<string, DataDirectory>): void {
  if (managers.size < 2) return;
  const found = new Map<string, string>();
  for (const [directory, manager] of managers) {
    for (const name of manager.names()) {
      const other = found.get(name);
      if (other === undefined) {
        found.set(name, directory);
        continue;
      }
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `Cannot use the data directories ${other} and ${directory} together: both hold ${name}; ` +
          `move the one that is not wanted away`,
      );
    }
  }
}

/** An empty metadata log beside partitions would make them all belong to nobody. */
function refuseWithoutMetadata(
  topic: string,
  metadata: DataDirectory,
  managers: ReadonlyMap<string, DataDirectory>,
): void {
  if (metadata.has(topic, 0)) return;
  const holder = [...managers.values()].find((manager) => manager.has(topic, 0)) ??
    [...managers.values()].find((manager) => manager.names().length > 0);
  if (holder === undefined) return;
  throw new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    holder.has(topic, 0)
      ? `Cannot use the data directory ${metadata.directory} for the metadata log: it lies in ` +
        `${holder.directory}; name that one first, or as metadata.log.dir`
      : `Cannot start: ${holder.directory} holds partitions, and ${metadata.directory} has no ` +
        `metadata log ${topic}-0, which says whose they are; bring it back from a copy, or name ` +
        `another data directory`,
  );
}

function listed(directories: readonly string[]): string {
  return directories.join(", ");
}
