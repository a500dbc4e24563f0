/**
 * A data directory in Apache Kafka's layout, owned by this process alone: its lock, its identity and
 * the logs of all partitions in it.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import {
  type DirectoryLock,
  type DiskSpace,
  FileError,
  isDescriptorShortage,
  type Runtime,
} from "../../runtime/runtime.ts";
import { DirectoryFiles } from "./directory_files.ts";
import { CleanerCheckpoint } from "../compaction/cleaner_checkpoint.ts";
import { claim, parseName, unusable } from "./directory_identity.ts";
import { deletedName, isDeletedName, parentsOfMissing, strayName } from "./directory_names.ts";
import { DeletedLogs } from "./deleted_logs.ts";
import { inTurns, retryForDescriptors } from "./flush_logs.ts";
import type { LogConfig } from "../log_config.ts";
import { META_PROPERTIES, type MetaProperties } from "./meta_properties.ts";
import { OpenSegments } from "../segments/open_segments.ts";
import { PartitionLog } from "../partition_log.ts";
import { PARTITION_METADATA } from "../partition_metadata.ts";
import { PendingWork } from "../pending_work.ts";
import { RecoveryPoints } from "./recovery_point_checkpoint.ts";
import type { RecoveryReport } from "../opening/segment_recovery.ts";
import { SparingFiles } from "./sparing_files.ts";
import { StartOffsets } from "./log_start_checkpoint.ts";
import { storageError } from "../storage_error.ts";
import { replaceTextFile, syncFile } from "../text_file.ts";

const LOCK = ".lock";
const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";

/** How a data directory is opened. */
export interface DataDirectoryOptions {
  /** Files, time, chance and compressors. */
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The data directory, made when missing. */
  readonly directory: string;
  /** The id of this node, which the directory must belong to. */
  readonly nodeId: number;
  /** The cluster it must belong to. Absent: the one it belongs to, or for a new directory a new one. */
  readonly clusterId?: string;
  /**
   * The settings of a topic's logs. When given, every log in the directory is opened at once;
   * otherwise by {@linkcode DataDirectory.openAll}, once the settings are known.
   */
  readonly configOf?: (topic: string) => LogConfig;
  /** Is told what was mended. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** Is told, in a sentence, what else was lost and can be done without. */
  readonly onLoss?: (sentence: string) => void;
  /**
   * Is told when the disk has taken the whole directory out of service, while the operation that met
   * the fault is under way: see `directory_files.ts` for what does that. Must not throw.
   */
  readonly onFailure?: (failure: KafkaError) => void;
  /** Keeps count of open segment files. Defaults to a count of the directory's own. */
  readonly openSegments?: OpenSegments;
}

/** A data directory with its logs. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class DataDirectory {
  /** The data directory. */
  readonly directory: string;
  /** The cluster that it belongs to. */
  readonly clusterId: string;
  /** The directory's own id (KIP-858). */
  readonly directoryId: string;
  /** Whether the process that used the directory last ended cleanly. */
  readonly wasShutDownCleanly: boolean;

  readonly #options: DataDirectoryOptions;
  readonly #lock: DirectoryLock;
  #failure: KafkaError | null = null;
  readonly #files: DirectoryFiles;
  readonly #logs = new Map<string, PartitionLog>();
  readonly #failures = new Map<string, KafkaError>();
  /** Logs that were not there and have not been made whole. */
  readonly #unmade = new Set<string>();
  readonly #startOffsets: StartOffsets;
  /** Up to where logs have been compacted. */
  readonly #cleaned: CleanerCheckpoint;
  readonly #recoveryPoints: RecoveryPoints;
  readonly #openSegments: OpenSegments;
  readonly #pendingWork = new PendingWork();
  readonly #deleted: DeletedLogs;
  #isClosed = false;
  /** Whether every log of the directory has been opened, or has been found damaged. */
  #isOpened = false;
  /** Whether `meta.properties` may not be on the disk yet. */
  #identityIsDirty: boolean;
  /** How many logs have gone, and of how many of them the checkpoints on the disk say nothing more. */
  #gone = 0;
  #forgotten = 0;
  /** Directories in which this process has made the data directory or a parent of it. */
  #parentsToSync: readonly string[];

  private constructor(
    options: DataDirectoryOptions,
    lock: DirectoryLock,
    properties: MetaProperties,
    parentsToSync: readonly string[],
    openSegments: OpenSegments,
  ) {
    this.#openSegments = openSegments;
    const files = new DirectoryFiles(options.runtime.files, (fault) => this.#fail(fault));
    this.#files = files;
    this.#options = { ...options, runtime: { ...options.runtime, files } };
    this.#lock = lock;
    this.directory = options.directory;
    this.clusterId = properties.clusterId;
    this.directoryId = properties.directoryId;
    const marker = this.#path(CLEAN_SHUTDOWN);
    this.wasShutDownCleanly = files.exists(marker);
    files.remove(marker);
    this.#identityIsDirty = !this.wasShutDownCleanly;
    this.#parentsToSync = parentsToSync;
    this.#startOffsets = new StartOffsets({
      files,
      directory: options.directory,
      logs: this.#logs,
      names: this.names(),
      wasShutDownCleanly: this.wasShutDownCleanly,
      onLoss: options.onLoss ?? (() => {}),
      pendingWork: this.#pendingWork,
    });
    this.#deleted = new DeletedLogs(files);
    this.#recoveryPoints = new RecoveryPoints(
      files,
      options.directory,
      this.#logs,
      this.names(),
      !this.wasShutDownCleanly && this.names().length === 0,
      options.onLoss ?? (() => {}),
      this.#pendingWork,
    );
    this.#cleaned = new CleanerCheckpoint(
      files,
      options.directory,
      options.onLoss ?? (() => {}),
    );
    this.#cleaned.keepOnly(this.names());
  }

  /**
   * Opens the directory and takes its lock. Throws KAFKA_STORAGE_ERROR, with one sentence that says
   * what to do, when another process has it, when it belongs to another node or cluster, and when it
   * cannot be read or written. Await {@linkcode DataDirectory.flushDirectory} before anything is written.
   */
  static open(given: DataDirectoryOptions): DataDirectory {
    const { directory, openSegments = new OpenSegments() } = given;
    const files = new SparingFiles(given.runtime.files, () => openSegments.makeRoom());
    const runtime = { ...given.runtime, files };
    const options = { ...given, runtime };
    let lock: DirectoryLock | null;
    let made: string[];
    try {
      made = parentsOfMissing(runtime.files, directory);
      if (made.length > 0) runtime.files.makeDirectory(directory);
      lock = runtime.files.tryLock(`${directory}/${LOCK}`);
    } catch (error) {
      throw unusable(directory, error);
    }
    if (lock === null) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `Cannot use the data directory ${directory}: another process has it open; stop that ` +
          `process, or name another directory`,
      );
    }
    try {
      const manager = new DataDirectory(options, lock, claim(options), made, openSegments);
      manager.#removeDeleted();
      if (options.configOf) manager.openAll(options.configOf);
      return manager;
    } catch (error) {
      lock.release();
      throw error instanceof FileError ? unusable(directory, error) : error;
    }
  }

  /**
   * Opens every log of the directory that is not open. One that is damaged stays closed:
   * {@linkcode DataDirectory.failures} has it, and the others are not held up.
   */
  openAll(configOf: (topic: string) => LogConfig): void {
    for (const name of this.#list()) {
      const place = parseName(name);
      if (place === null || this.#logs.has(name)) continue;
      try {
        this.#open(place.topic, place.partition, configOf(place.topic));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#failures.set(name, error);
      }
    }
    this.#isOpened = true;
    this.#recoveryPoints.know(this.#failures.keys());
  }

  /**
   * Opens the log, or makes it when it does not exist. `topicId` must be the one that an existing
   * log has; a log that lost its `partition.metadata` gets it; without it that file tells. Throws INCONSISTENT_TOPIC_ID, and
   * KAFKA_STORAGE_ERROR for a log that is damaged.
   */
  create(
    topic: string,
    partition: number,
    topicId: string | null,
    config: LogConfig,
  ): PartitionLog {
    const name = `${topic}-${partition}`;
    const failure = this.#failures.get(name) ?? this.#failure;
    // One that got no descriptor may get one now.
    if (failure && !isDescriptorShortage(failure)) throw failure;
    if (this.#isClosed) {
      throw storageError(`Cannot open ${name}`, new Error("the data directory has been closed"));
    }
    const existing = this.#logs.get(name);
    if (existing === undefined) {
      if (!this.#options.runtime.files.exists(this.#path(name))) this.#unmade.add(name);
      return this.#open(topic, partition, config, topicId);
    }
    if (topicId !== null && existing.topicId === ZERO_UUID) existing.assignTopicId(topicId);
    if (topicId !== null && existing.topicId !== topicId) {
      throw new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `Cannot create ${name}: it exists with the topic id ${existing.topicId}, not ${topicId}; ` +
          `correct ${this.#path(name)}/${PARTITION_METADATA}, or move the directory away`,
      );
    }
    return existing;
  }

  /** Whether the directory has the log, open or not. */
  has(topic: string, partition: number): boolean {
    const name = `${topic}-${partition}`;
    return this.#logs.has(name) || this.#options.runtime.files.exists(this.#path(name));
  }

  /** The log, if it is open. */
  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`);
  }

  /** Every open log. */
  logs(): IterableIterator<PartitionLog> {
    return this.#logs.values();
  }

  /** Why the disk has taken the directory out of service, or null: logs are read, not written. */
  get failure(): KafkaError | null {
    return this.#failure;
  }

  /** How many logs it has, open or damaged. */
  get count(): number {
    return this.#logs.size + this.#failures.size;
  }

  /** The names of the logs that the directory has, open or not. */
  names(): string[] {
    return this.#list().filter((name) => parseName(name) !== null);
  }

  /** How much room its disk has, or null when the host does not tell. Rejects with a `FileError`. */
  async space(): Promise<DiskSpace | null> {
    return await this.#options.runtime.files.space?.(this.directory) ?? null;
  }

  /** Logs that could not be opened, by name, and why. */
  get failures(): ReadonlyMap<string, KafkaError> {
    return this.#failures;
  }

  /**
   * Deletes a log, open or damaged, with all its records: closes its files and puts the directory out
   * of the way; it is removed by {@linkcode DataDirectory.removeDeleted} after `file.delete.delay.ms`.
   * Does nothing when there is none. Await {@linkcode DataDirectory.flushDirectory} before another log of
   * this name is made, or a crash may have that begin, or be found too short, where the old one was.
   */
  delete(topic: string, partition: number): void {
    const name = `${topic}-${partition}`;
    const { files, random, clock } = this.#options.runtime;
    const log = this.#logs.get(name);
    this.#logs.delete(name);
    this.#failures.delete(name);
    this.#unmade.delete(name);
    this.#gone++;
    try {
      this.#recoveryPoints.forget(name);
      // First: a log that is made anew under this name must not pass for compacted.
      this.#cleaned.remove(name);
      if (files.exists(this.#path(name))) {
        const doomed = this.#path(deletedName(name, random));
        const move = () => files.rename(this.#path(name), doomed);
        if (log === undefined) {
          move();
          files.remove(doomed);
        } else {
          log.retire(doomed, move);
          this.#deleted.add(log, clock.now() + log.config.fileDeleteDelayMs);
          this.removeDeleted();
        }
      }
      this.#startOffsets.forget(name);
    } catch (error) {
      // It is in nobody's hands any more.
      if (log !== undefined) this.#closeLog(log);
      throw storageError(`Cannot delete ${name}`, error);
    }
  }

  /**
   * Removes the directories of logs that were deleted `file.delete.delay.ms` ago, unless answers on
   * their way carry records of them. To be called every now and then.
   */
  removeDeleted(): void {
    try {
      this.#deleted.remove(this.#options.runtime.clock.now());
    } catch (error) {
      throw storageError(`Cannot remove deleted logs from ${this.directory}`, error);
    }
  }

  /**
   * Takes a log out of service without deleting anything: its directory gets another name, ending in
   * `-stray`, which is returned.
   */
  setAside(topic: string, partition: number): string {
    const name = `${topic}-${partition}`;
    const { files, random } = this.#options.runtime;
    this.#logs.get(name)?.close();
    this.#logs.delete(name);
    this.#gone++;
    this.#recoveryPoints.forget(name);
    const place = strayName(name, random);
    try {
      this.#cleaned.remove(name);
      files.rename(this.#path(name), this.#path(place));
      this.#startOffsets.forget(name);
    } catch (error) {
      throw storageError(`Cannot set ${name} aside`, error);
    }
    return place;
  }

  /**
   * Closes every log and the directory. Waits until all is on the disk and then says so in the
   * directory, so that the next start need not check; not so when a log has failed, or was not opened
   * after a crash. Rejects when a last write fails, with the directory closed all the same.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (this.#failure !== null) return;
      await retryForDescriptors(this.#options.runtime, async () => {
        const shortage = await this.#flushThose((log) => log.isDirty);
        if (shortage !== null) throw shortage;
      });
      // A log that nobody has opened since a crash has not been checked yet.
      const isClean = (this.#isOpened || this.wasShutDownCleanly) && this.#failures.size === 0 &&
        [...this.#logs.values()].every((log) => log.failure === null);
      if (isClean) this.#store();
      // Before old files go: while those may come back, it must be known that they are old.
      await this.#startOffsets.save();
      for (const log of this.#logs.values()) log.close();
      await this.#recoveryPoints.save();
      if (!isClean) return;
      // The marker says that all else is on the disk.
      await this.#options.runtime.files.syncDirectory(this.directory);
      replaceTextFile(
        this.#options.runtime.files,
        this.#path(CLEAN_SHUTDOWN),
        `{"version":0,"brokerEpoch":-1}`,
      );
    } catch (error) {
      throw error instanceof FileError
        ? storageError(`Cannot close the data directory ${this.directory}`, error)
        : error;
    } finally {
      // Work under way ends before its files are closed; closing them may begin the last of it.
      await this.#pendingWork.settled();
      this.#closeLogs();
      await this.#pendingWork.settled();
      await this.#files.settle();
      this.#files.close();
      this.#lock.release();
    }
  }

  /** Has the logs write down what the next start would else read from them; it can do without. */
  #store(): void {
    for (const log of this.#logs.values()) {
      try {
        log.store();
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
      }
    }
  }

  #closeLogs(): void {
    for (const log of this.#logs.values()) this.#closeLog(log);
    try {
      this.#deleted.remove(Infinity);
    } catch (error) {
      // They go at the next start.
      if (!(error instanceof FileError)) throw error;
    }
  }

  #closeLog(log: PartitionLog): void {
    try {
      log.close();
    } catch (error) {
      // Old files that cannot be removed now are removed at the next start.
      if (!(error instanceof FileError || error instanceof KafkaError)) throw error;
    }
  }

  /** Nothing in the directory is written any more. */
  #fail(fault: FileError): void {
    this.#failure = storageError(
      `The data directory ${this.directory} is out of service until the next start, ` +
        `check its disk`,
      fault,
    );
    for (const log of this.#logs.values()) log.takeOffline(this.#failure);
    this.#options.onFailure?.(this.#failure);
  }

  #open(
    topic: string,
    partition: number,
    config: LogConfig,
    topicId?: string | null,
  ): PartitionLog {
    const { runtime, onRecovery } = this.#options;
    const name = `${topic}-${partition}`;
    const recoveryPoint = this.#recoveryPoints.stored(name);
    const log = PartitionLog.open({
      runtime,
      directory: this.#path(name),
      topic,
      partition,
      config,
      logStartOffset: this.#startOffsets.of(name),
      isNew: this.#unmade.has(name),
      cleanedOffset: this.#cleaned.get(name),
      onCleanedOffset: (offset) => this.#cleaned.set(name, offset),
      wasShutDownCleanly: this.wasShutDownCleanly,
      onLogStartOffset: () => {
        const saved = this.#startOffsets.save();
        saved.catch(() => {});
        return saved;
      },
      openSegments: this.#openSegments,
      pendingWork: this.#pendingWork,
      onRecoveryPoint: (isLowered) => {
        if (isLowered) this.#recoveryPoints.lower();
        const saved = this.#recoveryPoints.save();
        saved.catch(() => {});
        return saved;
      },
      ...(recoveryPoint !== undefined && { recoveryPoint }),
      ...(topicId != null && { topicId }),
      ...(onRecovery && { onRecovery }),
    });
    if (this.#failure !== null) log.takeOffline(this.#failure);
    this.#logs.set(name, log);
    this.#unmade.delete(name);
    this.#failures.delete(name);
    return log;
  }

  /**
   * Resolves when the directory's identity and all logs are on the disk. A log that fails says so by
   * its own `failure`, and the others go on. Rejects when the identity cannot be written.
   */
  async flush(): Promise<void> {
    await this.#flushThose((log) => log.isDirty);
  }

  #flushThose(isChosen: (log: PartitionLog) => boolean): Promise<KafkaError | null> {
    return this.#pendingWork.track(this.#flushAll(isChosen));
  }

  /** Resolves with the error of a log that got no descriptor, and can be flushed later, or null. */
  async #flushAll(isChosen: (log: PartitionLog) => boolean): Promise<KafkaError | null> {
    const errors = await inTurns(this.#working(isChosen), (log) => log.flush());
    await this.flushDirectory();
    return errors.find(isDescriptorShortage) as KafkaError | undefined ?? null;
  }

  #working(isChosen: (log: PartitionLog) => boolean): PartitionLog[] {
    return [...this.#logs.values()].filter((log) => log.failure === null && isChosen(log));
  }

  /**
   * As {@linkcode DataDirectory.flush}, for the logs that something was cut off when they were opened, or
   * perhaps before: it must not come back when the power goes once more.
   */
  async flushMended(): Promise<void> {
    await this.#flushThose((log) => log.wasMended);
    if (this.#recoveryPoints.wasMissing) await this.checkpoint();
  }

  /**
   * Resolves when recovery points and high watermarks are written down as they are now: what lies
   * below the ones need not be read after a crash. So it is with the names of the segments that hold
   * records. Rejects with KAFKA_STORAGE_ERROR.
   */
  async checkpoint(): Promise<void> {
    if (this.#isClosed || this.#failure !== null) return;
    await this.#pendingWork.track(this.#checkpoint());
  }

  async #checkpoint(): Promise<void> {
    try {
      const unnamed = this.#working((log) =>
        log.names.isUnnamed && log.logEndOffset > log.logStartOffset
      );
      await inTurns(unnamed, (log) => log.names.syncDirectory());
      await this.#recoveryPoints.save();
    } catch (error) {
      throw storageError(`Cannot write the checkpoints of ${this.directory}`, error);
    }
  }

  /** Who knows the high watermarks, for their checkpoint. Without one they are the logs' ends. */
  set highWatermarkOf(highWatermarkOf: (log: PartitionLog) => number) {
    this.#recoveryPoints.highWatermarkOf = highWatermarkOf;
  }

  /** The high watermark that the last process wrote down for a log, or -1. */
  storedHighWatermark(topic: string, partition: number): number {
    return this.#recoveryPoints.storedHighWatermark(`${topic}-${partition}`);
  }

  /**
   * Resolves when the directory's identity and the names in it are on the disk: without them nothing
   * that is flushed later can be found again, and what an orderly end left would pass for the end of
   * a process that lost its power. Nothing there speaks of logs that are gone then. Rejects with
   * KAFKA_STORAGE_ERROR.
   */
  flushDirectory(): Promise<void> {
    return this.#pendingWork.track(this.#flushDirectory());
  }

  async #flushDirectory(): Promise<void> {
    const { files } = this.#options.runtime;
    const gone = this.#gone;
    const mustForget = gone > this.#forgotten;
    try {
      if (this.#identityIsDirty) await syncFile(files, this.#path(META_PROPERTIES));
      if (this.#identityIsDirty || mustForget) await this.#recoveryPoints.save();
      if (this.#identityIsDirty || mustForget) await this.#cleaned.sync();
      if (mustForget) await this.#startOffsets.save();
      else if (this.#identityIsDirty) await this.#startOffsets.establish();
      this.#identityIsDirty = false;
      this.#forgotten = Math.max(this.#forgotten, gone);
      await files.syncDirectory(this.directory);
      for (const parent of this.#parentsToSync) await files.syncDirectory(parent);
      this.#parentsToSync = [];
    } catch (error) {
      throw this.#failure ?? unusable(this.directory, error);
    }
  }

  /** What an interrupted deletion left. */
  #removeDeleted(): void {
    for (const name of this.#list()) {
      if (isDeletedName(name)) this.#options.runtime.files.remove(this.#path(name));
    }
  }

  #list(): string[] {
    return this.#options.runtime.files.list(this.directory)
      .filter((entry) => entry.isDirectory).map((entry) => entry.name);
  }

  #path(name: string): string {
    return `${this.directory}/${name}`;
  }
}
