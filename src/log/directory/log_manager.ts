/**
 * All data directories of a node, `log.dirs`: each a {@linkcode DataDirectory} with its own lock,
 * identity and checkpoints. A partition stays in the directory that holds it; a new one is created in
 * the directory with the fewest partitions, so that disks fill alike.
 *
 * One directory holds the metadata log. Without it the node does not start, and when its disk fails
 * the node stops, as Apache Kafka halts. Any other directory may go out of service alone. Its
 * partitions accept no records until the next start, and are read as far as their files can be.
 * A partition that is, or may be, in a directory out of service is never created again in another
 * one: an empty log would then replace the one with the records (KIP-858).
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { type Steps, withPauses } from "../../protocol/records/compression/steps.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../protocol/uuid.ts";
import { FileError } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import { DataDirectory } from "./data_directory.ts";
import type { DataDirectoryOptions } from "./data_directory_options.ts";
import { META_PROPERTIES, readClusterId } from "./meta_properties.ts";
import { OpenSegments } from "../segments/open_segments.ts";
import type { PartitionLog } from "../partition_log.ts";
import { PendingWork } from "../pending_work.ts";
import { pauseAtStart, pauseBetweenSlices } from "../sliced_work.ts";

/** How the directories are opened. */
export interface LogManagerOptions extends
  Pick<
    DataDirectoryOptions,
    "runtime" | "nodeId" | "clusterId" | "onRecovery" | "onLoss" | "highWatermarkOf"
  > {
  /** At least one; each is created when it is missing. */
  readonly directories: readonly string[];
  /** The one among them that holds the metadata log. Defaults to the first. */
  readonly metadataDirectory?: string;
  /** The metadata log's topic. */
  readonly metadataTopic: string;
  /**
   * Whether other nodes have all of the metadata log, so that a missing one is no reason to reject
   * directories with partitions. Defaults to false.
   */
  readonly fetchesMetadata?: boolean;
  /**
   * Called, in the next microtask, when a directory has gone out of service. `isFatal`: it holds the
   * metadata log.
   */
  readonly onFailure?: (failure: KafkaError, isFatal: boolean) => void;
  /** Counts the open segment files of all directories together. Defaults to a count of its own. */
  readonly openSegments?: OpenSegments;
}

/** One of the directories that were named. */
export interface DirectoryState {
  readonly path: string;
  /** Null when it could not be opened. */
  readonly directory: DataDirectory | null;
  /** Why it is out of service, or null. */
  readonly failure: KafkaError | null;
}

/** Where a partition may be created. */
export interface Placement {
  /** The directory id in the cluster's metadata; absent, zero or unassigned when there is none. */
  readonly directoryId?: string;
  /** Whether the partition was just created, so that no directory can hold it yet. */
  readonly isNew: boolean;
}

/** All data directories of a node. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class LogManager {
  /** The cluster that the directories belong to. */
  readonly clusterId: string;
  /** The directories that could be opened, in the order in which they were named. */
  readonly directories: readonly DataDirectory[];
  readonly #options: LogManagerOptions;
  /** The directories that could not be opened, and why. */
  readonly #lost: ReadonlyMap<string, KafkaError>;
  readonly #metadata: DataDirectory;
  readonly #pendingWork = new PendingWork();
  readonly #openSegments: OpenSegments;

  private constructor(
    options: LogManagerOptions,
    opened: ReadonlyMap<string, DataDirectory>,
    metadata: DataDirectory,
    lost: ReadonlyMap<string, KafkaError>,
    openSegments: OpenSegments,
  ) {
    this.#openSegments = openSegments;
    this.#options = options;
    this.directories = options.directories.flatMap((path) => opened.get(path) ?? []);
    this.#metadata = metadata;
    this.#lost = lost;
    this.clusterId = metadata.clusterId;
  }

  /**
   * Opens the directories and takes their locks. One whose disk fails or is full is left out of
   * service, unless it holds the metadata log. Throws KAFKA_STORAGE_ERROR, with one sentence that says
   * what to do, for any other: one that another process has locked, that belongs to another node or
   * cluster, that cannot be read or written; for a partition that two of them hold; and when the
   * metadata log is in another directory than it should be, or is missing although there are
   * partitions.
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
    const clusterId = options.clusterId ?? clusterIdOfAny(options);
    // The start of a process has used much of this turn of the event loop, and to lock a directory that
    // exists takes 10 ms.
    if (clusterId !== undefined) await options.runtime.clock.yieldToLoop();
    const opened = new Map<string, DataDirectory>();
    const lost = new Map<string, KafkaError>();
    const { openSegments = new OpenSegments() } = options;
    const pause = pauseAtStart(options.runtime.clock);
    const open = (directory: string, clusterId: string | undefined) =>
      withPauses(openOne(options, directory, clusterId, openSegments), pause);
    try {
      const metadata = await open(metadataDirectory, clusterId);
      opened.set(metadataDirectory, metadata);
      for (const path of directories) {
        if (path === metadataDirectory) continue;
        try {
          opened.set(path, await open(path, metadata.clusterId));
        } catch (error) {
          if (!isDiskFailure(error)) throw error;
          lost.set(path, error);
        }
      }
      refuseTwice(opened);
      refuseWithoutMetadata(options, metadata, opened);
      return new LogManager(options, opened, metadata, lost, openSegments);
    } catch (error) {
      // The reason for the refusal matters more than a failure to close.
      await Promise.allSettled([...opened.values()].map((directory) => directory.close()));
      throw error;
    }
  }

  /** Every directory that was named, in that order, with its state. */
  states(): DirectoryState[] {
    return this.#options.directories.map((path) => {
      const directory = this.directories.find((one) => one.path === path) ?? null;
      return { path, directory, failure: directory?.failure ?? this.#lost.get(path) ?? null };
    });
  }

  /** The directories in service. */
  get online(): DataDirectory[] {
    return this.directories.filter(({ failure }) => failure === null);
  }

  /** The ids of the directories in service, in a fixed order. */
  get onlineIds(): string[] {
    return this.online.map(({ directoryId }) => directoryId).sort();
  }

  /** Whether some directory is out of service. */
  get isDegraded(): boolean {
    return this.states().some(({ failure }) => failure !== null);
  }

  /** Why the node must stop, or null: the directory of the metadata log is out of service. */
  get fatalFailure(): KafkaError | null {
    return this.#metadata.failure;
  }

  /** Whether the process that used the directories last shut down cleanly. */
  get wasShutDownCleanly(): boolean {
    return this.directories.every(({ wasShutDownCleanly }) => wasShutDownCleanly);
  }

  /** The id of the directory that has the metadata log. */
  get metadataDirectoryId(): string {
    return this.#metadata.directoryId;
  }

  /**
   * The broker epoch of the process that used the directories last, or -1 unless all of them were shut
   * down cleanly by the same one: then it has lost no record since (KIP-966).
   */
  get previousBrokerEpoch(): number {
    const epochs = this.states().map(({ directory }) =>
      directory?.identity.previousBrokerEpoch ?? -1
    );
    return epochs.every((epoch) => epoch === epochs[0]) ? epochs[0]! : -1;
  }

  /** Sets the broker epoch of this process, which is stored by {@linkcode LogManager.close}. */
  set brokerEpoch(epoch: number) {
    for (const { identity } of this.directories) identity.brokerEpoch = epoch;
  }

  /** Whether there is a metadata log. */
  get hasMetadataLog(): boolean {
    return this.#metadata.has(this.#options.metadataTopic, 0);
  }

  /** Whether there is any other log, open or not. */
  get hasPartitions(): boolean {
    const { metadataTopic } = this.#options;
    return this.directories.some((directory) =>
      directory.names().some((name) => name !== `${metadataTopic}-0`)
    );
  }

  /** Opens the metadata log, or creates it. */
  openMetadataLog(topicId: string, config: LogConfig): PartitionLog {
    return this.#metadata.create(this.#options.metadataTopic, 0, topicId, config);
  }

  /**
   * Opens the log in the directory that holds it, or creates it: in the directory that it is assigned
   * to, otherwise in the one with the fewest partitions. Throws as {@linkcode DataDirectory.create},
   * and KAFKA_STORAGE_ERROR when it may be in a directory that is out of service or no longer named.
   */
  create(
    topic: string,
    partition: number,
    topicId: string | null,
    config: LogConfig,
    placement: Placement = { isNew: true },
  ): PartitionLog {
    const directory = this.holderOf(topic, partition) ??
      this.#placeFor(`${topic}-${partition}`, placement);
    return directory.create(topic, partition, topicId, config);
  }

  /** The log, if it is open. */
  get(topic: string, partition: number): PartitionLog | undefined {
    return this.holderOf(topic, partition)?.get(topic, partition);
  }

  /** Every open log, the metadata log among them. */
  *logs(): Generator<PartitionLog> {
    for (const directory of this.directories) yield* directory.logs();
  }

  /** The directory that has the log, open or not. */
  holderOf(topic: string, partition: number): DataDirectory | undefined {
    return this.directories.find((directory) => directory.has(topic, partition));
  }

  /**
   * Runs `work` in one directory in service after the other. Rejects only with an error of the
   * metadata log's directory, or of one that stays in service: the owner of any other directory has
   * been notified by `onFailure`.
   */
  each(work: (directory: DataDirectory) => Promise<void>): Promise<void> {
    return this.#pendingWork.track(this.#inEach(work));
  }

  async #inEach(work: (directory: DataDirectory) => Promise<void>): Promise<void> {
    for (const directory of this.directories) {
      if (directory.failure !== null) continue;
      try {
        await work(directory);
      } catch (error) {
        if (directory === this.#metadata || directory.failure === null) throw error;
      }
    }
  }

  /**
   * Truncates each log to its offset, as {@linkcode PartitionLog.truncateTo} does, but writes the
   * recovery points of each directory once. Returns the logs that could not be truncated, and why.
   */
  async truncateAll(
    offsets: ReadonlyMap<PartitionLog, number>,
  ): Promise<Map<PartitionLog, KafkaError>> {
    const failures = await Promise.all(
      this.directories.map((directory) => directory.truncateAll(offsets)),
    );
    return new Map(failures.flatMap((one) => [...one]));
  }

  /** Closes every directory, once no work in several of them is under way. */
  async close(): Promise<void> {
    await this.#pendingWork.settled();
    const pause = pauseBetweenSlices(this.#options.runtime.clock);
    const ends = await Promise.allSettled(
      this.directories.map((directory) => directory.close(pause)),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /**
   * Closes idle segment files, so that a socket can get a descriptor. Returns whether there were any.
   */
  makeRoom(): boolean {
    return this.#openSegments.makeRoom();
  }

  /** The number of partitions in the directory, without the metadata log. */
  #countIn(directory: DataDirectory): number {
    return directory.count - (directory === this.#metadata ? 1 : 0);
  }

  /** The directory in which a log is created that no directory holds. */
  #placeFor(name: string, { directoryId = ZERO_UUID, isNew }: Placement): DataDirectory {
    if (!isNew) {
      const assigned = this.directories.find((directory) => directory.directoryId === directoryId);
      if (assigned !== undefined) return assigned;
      const lost = [...this.#lost].map(([path, { message }]) => `${path} (${message})`);
      const isAssigned = directoryId !== ZERO_UUID && directoryId !== UNASSIGNED_DIRECTORY;
      // A directory that failed after it was opened is known to have no such log.
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
    for (const directory of this.online) {
      if (best === undefined || this.#countIn(directory) < this.#countIn(best)) best = directory;
    }
    if (best !== undefined) return best;
    throw this.fatalFailure!;
  }
}

function openOne(
  options: LogManagerOptions,
  directory: string,
  clusterId: string | undefined,
  openSegments: OpenSegments,
): Steps<DataDirectory> {
  const { runtime, nodeId, onRecovery, onLoss, onFailure, highWatermarkOf } = options;
  const { directories, metadataDirectory } = options;
  const isFatal = directory === (metadataDirectory ?? directories[0]);
  return DataDirectory.openInSteps({
    runtime,
    directory,
    nodeId,
    openSegments,
    ...(clusterId !== undefined && { clusterId }),
    ...(onRecovery && { onRecovery }),
    ...(onLoss && { onLoss }),
    ...(highWatermarkOf && { highWatermarkOf }),
    // Deferred: the operation that met the fault is still running.
    onFailure: (failure) => queueMicrotask(() => onFailure?.(failure, isFatal)),
  });
}

/** The cluster id of the first directory that has one. */
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

function refuseTwice(opened: ReadonlyMap<string, DataDirectory>): void {
  if (opened.size < 2) return;
  const found = new Map<string, string>();
  for (const [path, directory] of opened) {
    for (const name of directory.names()) {
      const other = found.get(name);
      if (other === undefined) {
        found.set(name, path);
        continue;
      }
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `Cannot use the data directories ${other} and ${path} together: both hold ${name}; ` +
          `move the one that is not wanted away`,
      );
    }
  }
}

/** Throws when partitions exist without a metadata log: a new, empty one would disown them all. */
function refuseWithoutMetadata(
  { metadataTopic: topic, fetchesMetadata = false }: LogManagerOptions,
  metadata: DataDirectory,
  opened: ReadonlyMap<string, DataDirectory>,
): void {
  if (metadata.has(topic, 0)) return;
  const holder = [...opened.values()].find((directory) => directory.has(topic, 0)) ??
    [...opened.values()].find((directory) => directory.names().length > 0);
  if (holder === undefined) return;
  if (fetchesMetadata && !holder.has(topic, 0)) return;
  throw new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    holder.has(topic, 0)
      ? `Cannot use the data directory ${metadata.path} for the metadata log: it lies in ` +
        `${holder.path}; name that one first, or as metadata.log.dir`
      : `Cannot start: ${holder.path} holds partitions, and ${metadata.path} has no ` +
        `metadata log ${topic}-0, which says whose they are; bring it back from a copy, or name ` +
        `another data directory`,
  );
}

function listed(directories: readonly string[]): string {
  return directories.join(", ");
}
