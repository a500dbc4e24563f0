/**
 * A data directory in Apache Kafka's layout, which one process has locked: its identity and the logs
 * of all partitions in it.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  atOnce,
  type Pause,
  type Steps,
  withPauses,
} from "../../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { type DiskSpace, FileError, isDescriptorShortage } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import { PartitionLog } from "../partition_log.ts";
import { PARTITION_METADATA } from "../partition_metadata.ts";
import { PendingWork } from "../pending_work.ts";
import { pauseBetweenSlices } from "../sliced_work.ts";
import { OpenSegments } from "../segments/open_segments.ts";
import { storageError } from "../storage_error.ts";
import { DeletedLogs } from "./deleted_logs.ts";
import type { DataDirectoryOptions } from "./data_directory_options.ts";
import { DirectoryCheckpoints } from "./directory_checkpoints.ts";
import { DirectoryFiles } from "./directory_files.ts";
import {
  claim,
  DirectoryIdentity,
  lockDirectory,
  type LockedDirectory,
  logNames,
  parseName,
  unusable,
} from "./directory_identity.ts";
import { strayName } from "./directory_names.ts";
import { closeLog, forEach, inTurns, retryForDescriptors, writeIndexes } from "./flush_logs.ts";
import { LogFlushes } from "./log_flushes.ts";
import { SparingFiles } from "./sparing_files.ts";
import { truncateLogs } from "./truncate_logs.ts";

/** A data directory with its logs. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class DataDirectory {
  /** The path. */
  readonly path: string;
  readonly #options: DataDirectoryOptions;
  /** Its node, its cluster and its last process. */
  readonly identity: DirectoryIdentity;
  #failure: KafkaError | null = null;
  readonly #files: DirectoryFiles;
  readonly #logs = new Map<string, PartitionLog>();
  readonly #failures = new Map<string, KafkaError>();
  /** Logs that did not exist and whose creation has not succeeded yet. */
  readonly #incomplete = new Set<string>();
  /** Logs whose directories exist, or may exist. */
  readonly #names: Set<string>;
  readonly #checkpoints: DirectoryCheckpoints;
  readonly #pendingWork = new PendingWork();
  readonly #flushes: LogFlushes;
  readonly #deleted: DeletedLogs;
  #isClosed = false;
  /** Whether every log of the directory has been opened, or has been found damaged. */
  #isOpened = false;

  private constructor(
    options: DataDirectoryOptions,
    locked: LockedDirectory,
    openSegments: OpenSegments,
  ) {
    const { entries } = locked;
    const files = new DirectoryFiles(options.runtime.files, (fault) => this.#fail(fault));
    this.#flushes = new LogFlushes(this.#logs, () => this.flushDirectory(), this.#pendingWork);
    this.#files = files;
    this.#options = { ...options, openSegments, runtime: { ...options.runtime, files } };
    this.path = options.directory;
    this.identity = new DirectoryIdentity(files, this.path, locked, claim(options, entries));
    this.#names = new Set(logNames(entries));
    this.#deleted = new DeletedLogs(this.#options.runtime, files, this.path, entries);
    this.#checkpoints = new DirectoryCheckpoints({
      files,
      directory: this.path,
      logs: this.#logs,
      wasShutDownCleanly: this.wasShutDownCleanly,
      onLoss: options.onLoss ?? (() => {}),
      pendingWork: this.#pendingWork,
      ...(options.highWatermarkOf && { highWatermarkOf: options.highWatermarkOf }),
    });
  }

  /**
   * Opens the directory and locks it. Throws KAFKA_STORAGE_ERROR, with one sentence that says what to do,
   * when another process has locked it, when it belongs to another node or cluster, and when it cannot be
   * read or written. Await {@linkcode DataDirectory.flushDirectory} before anything is written.
   */
  static open(given: DataDirectoryOptions): DataDirectory {
    return atOnce(DataDirectory.openInSteps(given));
  }

  /** As {@linkcode DataDirectory.open}. */
  static *openInSteps(given: DataDirectoryOptions): Steps<DataDirectory> {
    const { directory, openSegments = new OpenSegments() } = given;
    const files = new SparingFiles(given.runtime.files, () => openSegments.makeRoom());
    const options = { ...given, runtime: { ...given.runtime, files } };
    const locked = yield* lockDirectory(files, directory);
    try {
      yield;
      const opened = new DataDirectory(options, locked, openSegments);
      yield* opened.#checkpoints.read(opened.#names);
      if (options.configOf) opened.openAll(options.configOf);
      return opened;
    } catch (error) {
      locked.lock.release();
      throw error instanceof FileError ? unusable(directory, error) : error;
    }
  }

  /** The cluster that it belongs to. */
  get clusterId(): string {
    return this.identity.clusterId;
  }

  /** The directory's own id (KIP-858). */
  get directoryId(): string {
    return this.identity.directoryId;
  }

  /** Whether the process that used the directory last shut down cleanly. */
  get wasShutDownCleanly(): boolean {
    return this.identity.wasShutDownCleanly;
  }

  /**
   * Opens every log of the directory that is not open. A damaged one stays closed and is listed in
   * {@linkcode DataDirectory.failures}; the others are opened all the same.
   */
  openAll(configOf: (topic: string) => LogConfig): void {
    atOnce(this.#openAll(configOf));
  }

  /** As {@linkcode DataDirectory.openAll}, awaiting `pause` between two logs, and within a long one. */
  async openAllInSteps(configOf: (topic: string) => LogConfig, pause: Pause): Promise<void> {
    await withPauses(this.#openAll(configOf), pause);
  }

  *#openAll(configOf: (topic: string) => LogConfig): Steps<void> {
    for (const name of this.names()) {
      const { topic, partition } = parseName(name)!;
      if (this.#logs.has(name)) continue;
      try {
        yield* this.#open(topic, partition, configOf(topic));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#failures.set(name, error);
      }
      yield;
    }
    this.#isOpened = true;
    this.#checkpoints.recoveryPoints.markComplete(this.#failures.keys());
  }

  /**
   * Opens the log, or creates it when it does not exist. `topicId` must be the one that an existing
   * log has; a log without `partition.metadata` gets it, and for null that file is read. Throws
   * INCONSISTENT_TOPIC_ID, and KAFKA_STORAGE_ERROR for a log that is damaged.
   */
  create(
    topic: string,
    partition: number,
    topicId: string | null,
    config: LogConfig,
  ): PartitionLog {
    const name = `${topic}-${partition}`;
    const failure = this.#failures.get(name) ?? this.#failure;
    // A log that got no descriptor may get one now.
    if (failure && !isDescriptorShortage(failure)) throw failure;
    if (this.#isClosed) {
      throw storageError(`Cannot open ${name}`, new Error("the data directory has been closed"));
    }
    const existing = this.#logs.get(name);
    if (existing === undefined) {
      if (!this.#names.has(name)) this.#incomplete.add(name);
      return atOnce(this.#open(topic, partition, config, topicId));
    }
    if (topicId !== null && existing.topicId === ZERO_UUID) existing.assignTopicId(topicId);
    if (topicId !== null && existing.topicId !== topicId) {
      throw new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `Cannot create ${name}: it exists with the topic id ${existing.topicId}, not ${topicId}; ` +
          `correct ${this.#pathOf(name)}/${PARTITION_METADATA}, or move the directory away`,
      );
    }
    return existing;
  }

  /** Whether the directory has the log, open or not. */
  has(topic: string, partition: number): boolean {
    return this.#names.has(`${topic}-${partition}`);
  }

  /** The log, if it is open. */
  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`);
  }

  /** Every open log. */
  logs(): IterableIterator<PartitionLog> {
    return this.#logs.values();
  }

  /** The disk fault that took the directory out of service, or null. Logs can still be read. */
  get failure(): KafkaError | null {
    return this.#failure;
  }

  /** The number of logs, open or damaged. */
  get count(): number {
    return this.#logs.size + this.#failures.size;
  }

  /** The names of the logs that the directory has, open or not. */
  names(): string[] {
    return [...this.#names];
  }

  /** The space of its disk, or null when the host does not report it. Rejects with a `FileError`. */
  async space(): Promise<DiskSpace | null> {
    return await this.#files.space(this.path);
  }

  /** Logs that could not be opened, by name, and why. */
  get failures(): ReadonlyMap<string, KafkaError> {
    return this.#failures;
  }

  /**
   * Deletes a log, open or damaged, with all its records: closes its files and renames its directory,
   * which {@linkcode DataDirectory.removeDeleted} removes after `file.delete.delay.ms`. Does nothing
   * when there is no such log. Await {@linkcode DataDirectory.flushDirectory} before another log of
   * this name is created: until then a crash may apply the checkpoints of the old one to it.
   */
  delete(topic: string, partition: number): void {
    const name = `${topic}-${partition}`;
    const log = this.#logs.get(name);
    this.#logs.delete(name);
    this.#failures.delete(name);
    this.#incomplete.delete(name);
    try {
      this.#checkpoints.remove(name, () => {
        if (this.#files.exists(this.#pathOf(name))) this.#deleted.add(name, log);
      });
    } catch (error) {
      // No other reference exists, so close it here, even if it was already on its way out.
      if (log !== undefined) closeLog(log);
      log?.discard();
      throw storageError(`Cannot delete ${name}`, error);
    } finally {
      this.#forgetMissing(name);
    }
  }

  /** Removes the directories of deleted logs that are due and that no response reads. Call periodically. */
  removeDeleted(): void {
    this.#deleted.removeDue();
  }

  /** Takes a log out of service: renames its directory to a name that ends in `-stray`, and returns it. */
  quarantine(topic: string, partition: number): string {
    const name = `${topic}-${partition}`;
    this.#logs.get(name)?.close();
    this.#logs.delete(name);
    const stray = strayName(name, this.#options.runtime.random);
    const move = () => this.#files.rename(this.#pathOf(name), this.#pathOf(stray));
    try {
      this.#checkpoints.remove(name, move);
    } catch (error) {
      throw storageError(`Cannot quarantine ${name}`, error);
    } finally {
      this.#forgetMissing(name);
    }
    return stray;
  }

  /**
   * Closes every log and the directory. Flushes everything and then marks the directory as shut down
   * cleanly, so that the next start need not recover; not so when a log has failed, or was not opened
   * after a crash. Rejects when a last write fails; the directory is closed all the same.
   */
  async close(pause: Pause = pauseBetweenSlices(this.#options.runtime.clock)): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (this.#failure !== null) return;
      await retryForDescriptors(this.#options.runtime, async () => {
        const shortage = await this.#flushes.flush((log) => log.isDirty);
        if (shortage !== null) throw shortage;
      });
      // A log that has not been opened since a crash has not been checked yet.
      const isClean = (this.#isOpened || this.wasShutDownCleanly) && this.#failures.size === 0 &&
        [...this.#logs.values()].every((log) => log.failure === null && !log.isTruncating);
      if (isClean) await forEach(this.#logs.values(), writeIndexes, pause);
      // Do this before old files are removed: if some of them reappear, the start offset excludes
      // their records.
      await this.#checkpoints.saveLogStartOffsets();
      await forEach(this.#logs.values(), (log) => log.close(), pause);
      await this.#checkpoints.recoveryPoints.save();
      if (!isClean) return;
      // The marker promises that everything else is durable.
      await this.#files.syncDirectory(this.path);
      this.identity.markCleanShutdown();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw storageError(`Cannot close the data directory ${this.path}`, error);
    } finally {
      // Pending work ends before its files are closed; closing them may begin the last of it.
      await this.#pendingWork.settled();
      await forEach(this.#logs.values(), closeLog, pause);
      await this.#deleted.removeAll(pause);
      await this.#pendingWork.settled();
      await this.#files.settle();
      this.#files.close();
      this.identity.release();
    }
  }

  /** The directory of `name` was to be removed or renamed: forgets it unless that has failed. */
  #forgetMissing(name: string): void {
    if (!this.#files.exists(this.#pathOf(name))) this.#names.delete(name);
  }

  /** Takes the directory out of service: nothing in it is written from now on. */
  #fail(fault: FileError): void {
    const what = `The data directory ${this.path} is out of service until the next start`;
    this.#failure = storageError(`${what}, check its disk`, fault);
    for (const log of this.#logs.values()) log.takeOffline(this.#failure);
    this.#options.onFailure?.(this.#failure);
  }

  *#open(
    topic: string,
    partition: number,
    config: LogConfig,
    topicId?: string | null,
  ): Steps<PartitionLog> {
    const { runtime, onRecovery } = this.#options;
    const name = `${topic}-${partition}`;
    const directoryExists = this.#names.has(name);
    // A creation that failed may have made the directory.
    const isKnown = !directoryExists || !this.#incomplete.has(name);
    this.#names.add(name);
    const log = yield* PartitionLog.openInSteps({
      ...(isKnown && { directoryExists }),
      runtime,
      directory: this.#pathOf(name),
      topic,
      partition,
      config,
      isNew: this.#incomplete.has(name),
      wasShutDownCleanly: this.wasShutDownCleanly,
      openSegments: this.#options.openSegments!,
      pendingWork: this.#pendingWork,
      ...this.#checkpoints.entriesOf(name),
      ...(topicId != null && { topicId }),
      ...(onRecovery && { onRecovery }),
    });
    if (this.#failure !== null) log.takeOffline(this.#failure);
    this.#logs.set(name, log);
    this.#incomplete.delete(name);
    this.#failures.delete(name);
    return log;
  }

  /**
   * Flushes all logs and the directory's identity. A log that fails reports it in its own `failure`,
   * and the others are flushed all the same. Rejects when the identity cannot be written.
   */
  async flush(): Promise<void> {
    await this.#flushes.flush((log) => log.isDirty);
  }

  /** As {@linkcode DataDirectory.flush}, for the logs whose end a start has truncated, or may have. */
  async flushRepaired(): Promise<void> {
    await this.#flushes.flushRepaired();
    if (this.#checkpoints.recoveryPoints.wasMissing) await this.checkpoint();
  }

  /**
   * Like {@linkcode DataDirectory.flush}, for the logs that an earlier start may have truncated, in
   * the background. A log that receives a record before its turn is flushed then.
   */
  async flushUncertain(): Promise<void> {
    await this.#flushes.flushUncertain(() => this.#isClosed);
  }

  /**
   * Writes recovery points, below which a start need not read after a crash, and high watermarks, and
   * syncs the names of segments that hold records. Rejects with KAFKA_STORAGE_ERROR.
   */
  async checkpoint(): Promise<void> {
    if (this.#isClosed || this.#failure !== null) return;
    await this.#pendingWork.track(this.#checkpoint());
  }

  async #checkpoint(): Promise<void> {
    try {
      await inTurns(this.#flushes.working((log) => log.hasUnsyncedNames), (log) => log.syncNames());
      await this.#checkpoints.recoveryPoints.save();
    } catch (error) {
      throw storageError(`Cannot write the checkpoints of ${this.path}`, error);
    }
  }

  /**
   * Truncates the logs among `offsets` as {@linkcode PartitionLog.truncateTo} does, and writes the
   * recovery points once. Returns the logs that could not be truncated, and why.
   */
  async truncateAll(
    offsets: ReadonlyMap<PartitionLog, number>,
  ): Promise<Map<PartitionLog, KafkaError>> {
    const own = new Map([...offsets].filter(([log]) => this.#logs.get(log.name) === log));
    return await this.#pendingWork.track(truncateLogs(own, this.#checkpoints.recoveryPoints));
  }

  /** The high watermark that the last process wrote for a log, or -1. */
  storedHighWatermark(topic: string, partition: number): number {
    return this.#checkpoints.recoveryPoints.storedHighWatermark(`${topic}-${partition}`);
  }

  /**
   * Makes the directory's identity and the names in it durable, so that what is flushed later can be
   * found again. No file mentions deleted logs then. Rejects with KAFKA_STORAGE_ERROR.
   */
  flushDirectory(): Promise<void> {
    return this.#pendingWork.track(this.#flushDirectory());
  }

  async #flushDirectory(): Promise<void> {
    this.#deleted.removeDue();
    try {
      await this.identity.syncProperties();
      await this.#checkpoints.flush();
      await this.identity.syncNames();
    } catch (error) {
      throw this.#failure ?? unusable(this.path, error);
    }
  }

  #pathOf(name: string): string {
    return `${this.path}/${name}`;
  }
}
