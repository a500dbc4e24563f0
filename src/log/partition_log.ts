/**
 * The log of one partition: a directory of segments in Apache Kafka's layout, appended to at its end,
 * read anywhere, and cut at either end. All of it is synchronous, through the host's page cache;
 * only {@linkcode PartitionLog.flush} waits for the disk.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import { LogCompaction } from "./compaction/log_compaction.ts";
import { openDirectory, settleFiles } from "./opening/leftover_files.ts";
import { type EpochEnd, LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "./leader_epochs.ts";
import { LogAppender } from "./log_appender.ts";
import type { LogConfig } from "./log_config.ts";
import { type LogRecords, NO_RECORDS } from "./segments/log_records.ts";
import type { AppendOptions, AppendResult, PartitionLogOptions, ReadOptions } from "./log_types.ts";
import { PARTITION_METADATA, readTopicId, writePartitionMetadata } from "./partition_metadata.ts";
import { type ActiveProducer, ProducerState } from "./producers/producer_state.ts";
import { LogStart } from "./log_start.ts";
import { LogDurability } from "./log_durability.ts";
import { LogHealth } from "./log_health.ts";
import { LogOpening } from "./opening/log_opening.ts";
import { OpenSegments } from "./segments/open_segments.ts";
import { ProducerSnapshots } from "./producers/producer_snapshot_storage.ts";
import { abortedTransactions, loadProducers } from "./opening/rebuild_from_segments.ts";
import { countDeletable } from "./segments/retention.ts";
import { SegmentList } from "./segments/segment_list.ts";
import { asKafkaError } from "./storage_error.ts";
import { DurableFile } from "./text_file.ts";
import { lookUpTimestamp } from "./segments/timestamp_lookup.ts";
import type { LargeBatch, TimestampedOffset, TimestampQuery } from "./segments/timestamp_lookup.ts";
import type { AbortedTransaction } from "./segments/transaction_index_format.ts";

export type { AppendOptions, AppendResult, PartitionLogOptions, ReadOptions } from "./log_types.ts";

/**
 * One partition's log. Open it with {@linkcode PartitionLog.open}. Its methods throw a `KafkaError`
 * and nothing else; KAFKA_STORAGE_ERROR when the disk fails.
 */
export class PartitionLog {
  /** The topic. */
  readonly topic: string;
  /** The partition's number. */
  readonly partition: number;
  /** The directory's name, such as `events-0`. */
  readonly name: string;
  readonly #runtime: PartitionLogOptions["runtime"];
  readonly #start: LogStart;
  readonly #epochs: LeaderEpochs;
  readonly #producers = new ProducerState();
  readonly #segments: SegmentList;
  readonly #snapshots: ProducerSnapshots;
  readonly #metadata: DurableFile;
  readonly #durability: LogDurability;
  /** Appends clients' batches. */
  readonly appender: LogAppender;
  /** What compaction works on. */
  readonly compaction: LogCompaction;
  #directory: string;
  #wasRepaired = false;
  #topicId: string = ZERO_UUID;
  #config: LogConfig;
  #logStartOffset: number;
  readonly #health: LogHealth;

  private constructor(options: PartitionLogOptions) {
    const { runtime, runtime: { files }, directory } = options;
    this.topic = options.topic;
    this.partition = options.partition;
    this.name = `${options.topic}-${options.partition}`;
    this.#health = new LogHealth(this.name);
    this.#directory = directory;
    this.#runtime = runtime;
    this.#config = options.config;
    this.#logStartOffset = options.logStartOffset ?? 0;
    this.#start = new LogStart({
      write: () => options.checkpoints?.saveLogStartOffset(),
      onSaved: () => {
        if (this.#health.failure === null) this.#segments.removeRetired(runtime.clock.now());
      },
      onFailed: () => {
        if (this.#health.failure === null) this.#segments.removeRetiredIndexes();
      },
    });
    this.#segments = new SegmentList(
      runtime,
      directory,
      options.openSegments ?? new OpenSegments(),
      (closed) => this.#durability.settle(closed),
    );
    this.#snapshots = new ProducerSnapshots(files, directory);
    this.#epochs = new LeaderEpochs(files, `${directory}/${LEADER_EPOCH_CHECKPOINT}`);
    this.#metadata = new DurableFile(files, `${directory}/${PARTITION_METADATA}`);
    this.#durability = new LogDurability({
      segments: this.#segments,
      epochs: this.#epochs,
      snapshots: this.#snapshots,
      producers: this.#producers,
      metadata: this.#metadata,
      onRecoveryPoint: (isLowered) =>
        isLowered
          ? options.checkpoints?.lowerRecoveryPoint()
          : options.checkpoints?.saveRecoveryPoint(),
      onFailure: (error) => {
        if (!this.#health.isClosed) this.#health.flushFailed(error);
      },
      pendingWork: options.pendingWork,
    });
    const parts = {
      name: this.name,
      segments: this.#segments,
      config: () => this.#config,
      nowMs: () => runtime.clock.now(),
      codecs: () => runtime.codecs(),
    };
    this.appender = new LogAppender({
      ...parts,
      producers: this.#producers,
      epochs: this.#epochs,
      failure: () => this.#health.failure,
      onBroken: (error) => void this.#health.fail(`Cannot restore the end of ${this.name}`, error),
    });
    this.compaction = new LogCompaction({
      ...parts,
      files,
      logStartOffset: () => this.#logStartOffset,
      isWritable: () => this.#health.failure === null,
      lastProduced: (producerId) => this.#producers.lastProduced(producerId),
      aborted: (startOffset, endOffset) => this.abortedTransactions(startOffset, endOffset),
      cleanedOffset: options.cleanedOffset ?? 0,
      onCleanedOffset: (offset) => options.checkpoints?.saveCleanedOffset(offset),
    });
    this.#durability.compaction = this.compaction;
  }

  /**
   * Opens the log in `options.directory`, or makes a new one there. What a crash has torn above the
   * recovery point is cut and reported. Throws KAFKA_STORAGE_ERROR for any other damage, naming file,
   * offset and remedy, and INCONSISTENT_TOPIC_ID when the directory belongs to another topic.
   */
  static open(options: PartitionLogOptions): PartitionLog {
    let log: PartitionLog | null = null;
    try {
      const { files } = options.runtime;
      const { isNew, found } = openDirectory(files, options.directory);
      log = new PartitionLog(options);
      log.#identify(options, found.has(PARTITION_METADATA));
      const names = settleFiles(files, options.directory, found);
      log.#open(options, names, isNew || options.isNew === true);
      return log;
    } catch (error) {
      if (log !== null) log.#abandon();
      throw asKafkaError(`Cannot open ${options.topic}-${options.partition}`, error);
    }
  }

  /** The directory. It gets another name when the topic is deleted. */
  get directory(): string {
    return this.#directory;
  }

  /** The topic's id, or `ZERO_UUID` when neither the opener nor `partition.metadata` had it. */
  get topicId(): string {
    return this.#topicId;
  }

  /** The log's settings. */
  get config(): LogConfig {
    return this.#config;
  }

  /** The offset of the first record that may be read. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#segments.active.nextOffset;
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes;
  }

  /** How many segments there are. */
  get segmentCount(): number {
    return this.#segments.all.length;
  }

  /** The first offset in the files that still exist; below the log start offset after a deletion. */
  get firstFileOffset(): number {
    return this.#segments.firstFileOffset;
  }

  /** Why the log takes no more records, or null while it does. */
  get failure(): KafkaError | null {
    return this.#health.failure;
  }

  /** Which of its segments' names are on the disk. */
  get names(): Pick<SegmentList, "isUnnamed" | "syncDirectory"> {
    return this.#segments;
  }

  /** Everything below this offset is on the disk. */
  get recoveryPoint(): number {
    return this.#durability.recoveryPoint;
  }

  /** Whether something was cut off when the log was opened: it should be flushed before it is used. */
  get wasRepaired(): boolean {
    return this.#wasRepaired || this.compaction.isUnsettled;
  }

  /** Takes no more records from now on, because of `failure`; what is there can be read. */
  takeOffline(failure: KafkaError): void {
    this.#health.takeOffline(failure);
  }

  /** The newest leader epoch, or -1. */
  get latestEpoch(): number {
    return this.#epochs.latestEpoch;
  }

  /** The epoch of the record at `offset`, or -1 when it is not known. */
  epochForOffset(offset: number): number {
    return this.#epochs.epochForOffset(offset);
  }

  /** Where `epoch` ended in this log, as OffsetForLeaderEpoch answers (KIP-101, KIP-279). */
  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOffsetFor(epoch, this.logEndOffset);
  }

  /** A leader of `epoch` begins at the log's end. Say so before its first record is read. */
  assignEpoch(epoch: number): void {
    this.#health.change(
      "assign a leader epoch to",
      () => this.#epochs.assign(epoch, this.logEndOffset),
    );
  }

  /** The settings from now on. */
  updateConfig(config: LogConfig): void {
    this.#config = config;
  }

  /** Remembers the topic's id in `partition.metadata`, for a log that was opened without it. */
  assignTopicId(topicId: string): void {
    this.#health.change("write the topic id of", () => {
      this.#metadata.letGo();
      writePartitionMetadata(this.#runtime.files, this.#metadata.path, topicId);
    });
    this.#metadata.isDirty = true;
    this.#topicId = topicId;
  }

  /**
   * Stores `records` at the log's end. They are copied before this returns. On a throw nothing has
   * been stored: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE (larger
   * than a segment may be), INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE,
   * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, KAFKA_STORAGE_ERROR.
   */
  append(records: Uint8Array, options: AppendOptions): AppendResult {
    return this.appender.append(records, options);
  }

  /**
   * Whole batches from one segment, in the file until they are copied. Empty when there is nothing
   * between `fetchOffset` and `endOffset`. Throws OFFSET_OUT_OF_RANGE outside of the log.
   */
  read(options: ReadOptions): LogRecords {
    const { fetchOffset } = options;
    const logEndOffset = this.logEndOffset;
    if (fetchOffset < this.#logStartOffset || fetchOffset > logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot read ${this.name} at offset ${fetchOffset}: it has ${this.#logStartOffset} to ` +
          `${logEndOffset}`,
      );
    }
    const endOffset = Math.min(options.endOffset, logEndOffset);
    if (fetchOffset >= endOffset) return NO_RECORDS;
    try {
      return this.#segments.read(
        endOffset === options.endOffset ? options : { ...options, endOffset },
      );
    } catch (error) {
      throw this.#health.failed("read", error);
    }
  }

  /**
   * Where reading ends for those who want committed records only, never before the log's start: where
   * the first transaction begins that is open, or whose marker is not below `highWatermark`.
   */
  lastStableOffset(highWatermark: number): number {
    const start = Math.min(highWatermark, this.#logStartOffset);
    return Math.max(start, this.#producers.lastStableOffset(highWatermark));
  }

  /** Aborted transactions that may have records in `[fetchOffset, endOffset)`, in marker order. */
  abortedTransactions(fetchOffset: number, endOffset: number): AbortedTransaction[] {
    return this.#health.guard(
      "look for aborted transactions in",
      () => abortedTransactions(this.#segments.all, this.#snapshots, fetchOffset, endOffset),
    );
  }

  /** The record that `query` asks for, or null; or the batch to look through, where that takes long. */
  lookUpTimestamp(query: TimestampQuery): TimestampedOffset | LargeBatch | null {
    return this.#health.guard(
      "search",
      () => lookUpTimestamp(this.#segments.all, query, this.#logStartOffset),
    );
  }

  /**
   * Records before `offset` can no longer be read, and segments that hold nothing else go. Does
   * nothing below the log start offset. Throws OFFSET_OUT_OF_RANGE beyond the log's end.
   */
  deleteRecordsBefore(offset: number): void {
    if (offset > this.logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot delete the records of ${this.name} before ${offset}: it ends at ` +
          `${this.logEndOffset}`,
      );
    }
    if (offset <= this.#logStartOffset) return;
    this.#health.change("delete records of", () => {
      this.#advance(offset, this.#segments.countBefore(offset), this.#runtime.clock.now());
    });
  }

  /**
   * Deletes what retention and the log start offset allow, and removes the files of segments that
   * were deleted `file.delete.delay.ms` ago. Nothing from `highWatermark` on is touched. Returns how
   * many segments were deleted. `nowMs` is ms since 1970.
   */
  applyRetention(nowMs: number, highWatermark: number = this.logEndOffset): number {
    return this.#health.change("delete old segments of", () => {
      this.#removeRetired(nowMs);
      // What is stable by now need not be remembered.
      this.#producers.lastStableOffset(highWatermark);
      const count = countDeletable({
        segments: this.#segments.all,
        config: this.#config,
        logStartOffset: this.#logStartOffset,
        highWatermark,
        nowMs,
      });
      if (count === 0) return 0;
      if (count === this.#segments.all.length) this.#segments.roll(this.#config);
      this.#advance(this.#segments.all[count]!.baseOffset, count, nowMs);
      return count;
    });
  }

  /**
   * Resolves when the log start offset is on the disk as it is now: what was deleted before it does
   * not come back. Rejects with KAFKA_STORAGE_ERROR.
   */
  async logStartOffsetSaved(): Promise<void> {
    try {
      await this.#start.saved();
    } catch (error) {
      throw this.#health.failed("write down the start of", error);
    }
  }

  /** Forgets idle producers: `producer.id.expiration.ms`. Returns how many. */
  expireProducers(nowMs: number, expirationMs: number): number {
    return this.#producers.expire(nowMs, expirationMs);
  }

  /** Every producer that the log remembers, for DescribeProducers. */
  activeProducers(): ActiveProducer[] {
    return this.#producers.active();
  }

  /**
   * Cuts the log back so that it ends at `offset`, or where that lies within a batch, before that
   * batch. Does nothing at or beyond the log's end. What a leader confirmed must not be cut: that is
   * the caller's to know. Await {@linkcode PartitionLog.lowerRecoveryPoint} first, or a loss of power
   * may find the log too short, which is taken for damage, and {@linkcode PartitionLog.flush} before
   * the next append, or old and new batches may be mixed.
   */
  truncateTo(offset: number): void {
    if (offset >= this.logEndOffset) return;
    if (offset <= this.#segments.all[0]!.baseOffset) return this.truncateFully(offset);
    this.#health.change("truncate", () => {
      this.#durability.lower(offset);
      this.compaction.onTruncated(offset);
      this.#segments.truncate(offset);
      this.#durability.lower(this.logEndOffset, true);
      if (this.#logStartOffset > this.logEndOffset) {
        this.#logStartOffset = this.logEndOffset;
        this.#start.save(true);
      }
      this.#epochs.truncateFromEnd(this.logEndOffset);
      this.#snapshots.removeAbove(this.logEndOffset);
      const nowMs = this.#runtime.clock.now();
      loadProducers(this.#segments.all, this.#snapshots, this.#producers, nowMs);
    }, true);
  }

  /** Removes every record: the log is empty and begins and ends at `offset`. */
  truncateFully(offset: number): void {
    this.#health.change("truncate", () => {
      this.#segments.unmark(0);
      this.#durability.lower(offset);
      this.compaction.onTruncated(offset);
      this.#segments.clear();
      this.#snapshots.removeAbove(-1);
      this.#segments.add(offset, this.#config);
      const isLowered = offset < this.#logStartOffset;
      this.#logStartOffset = offset;
      this.#start.save(isLowered);
      this.#producers.clear();
      this.#epochs.truncateFromEnd(0);
    }, true);
  }

  /**
   * Resolves when nothing on the disk says any more that records from `offset` on are there. Rejects
   * with a `FileError`.
   */
  async lowerRecoveryPoint(offset: number): Promise<void> {
    await this.#durability.lower(offset);
  }

  /** Closes the active segment and begins another, unless it is empty. */
  roll(): void {
    if (this.#segments.active.size === 0) return;
    this.#health.change("roll", () => this.#segments.roll(this.#config));
  }

  /**
   * Resolves when everything appended before the call is on the disk. When it rejects, what is there
   * is not known, and the log takes no more records until it is opened again, unless it was for want
   * of a descriptor: then nothing was synced, and the caller may try again.
   */
  async flush(): Promise<void> {
    this.#health.check();
    try {
      await this.#start.lowered();
      await this.#durability.flush();
    } catch (error) {
      throw this.#health.flushFailed(error);
    }
    // A segment's own sync at a roll may have failed meanwhile.
    this.#health.checkFailure();
  }

  /** Whether {@linkcode PartitionLog.flush} has anything to do. */
  get isDirty(): boolean {
    return this.#durability.isDirty;
  }

  /**
   * Writes down what the next start would otherwise have to read from the log: indexes and producers.
   * For a process that ends in an orderly way, after the last append.
   */
  store(): void {
    this.#health.guard("store the indexes of", () => {
      this.#segments.storeIndexes();
      if (this.logEndOffset > this.#logStartOffset || this.#producers.size > 0) {
        this.#snapshots.take(this.logEndOffset, this.#producers);
      }
      this.#snapshots.removeObsolete(this.#segments.all.map(({ baseOffset }) => baseOffset));
    });
  }

  /** Closes the files. Batches that were read and not yet copied cannot be copied any more. */
  close(): void {
    if (this.#health.isClosed) return;
    this.#end();
    this.#segments.close();
    if (this.#start.isSaved) this.#segments.removeRetired(Infinity);
  }

  /**
   * The topic was deleted: `move` gives the directory the name `directory`, and nothing more is
   * written. What was read before can still be copied; call {@linkcode PartitionLog.discard} later.
   */
  retire(directory: string, move: () => void): void {
    this.#end();
    this.#segments.closeFiles();
    move();
    this.#directory = directory;
    this.#segments.moveTo(directory);
  }

  /** Whether answers on their way carry batches of it. */
  get isHeld(): boolean {
    return this.#segments.isHeld;
  }

  /** Closes a log that was retired, whose directory is about to be removed. */
  discard(): void {
    this.#segments.abandon();
  }

  /** Closes the files of a log whose opening failed, and leaves them as they are. */
  #abandon(): void {
    this.#end();
    this.#segments.abandon();
  }

  #end(): void {
    this.#health.close();
    this.#durability.letGo();
  }

  /** Finds out whose records these are, or writes it down. */
  #identify(options: PartitionLogOptions, hasFile: boolean): void {
    const stored = hasFile ? readTopicId(this.#metadata, options) : null;
    if (stored !== null) this.#topicId = stored;
    else if (options.topicId !== undefined) this.assignTopicId(options.topicId);
  }

  #open(options: PartitionLogOptions, names: ReadonlySet<string>, isNew: boolean): void {
    this.#snapshots.find(names);
    const opening = new LogOpening({
      ...options,
      name: this.name,
      names,
      recoveryPoint: isNew ? 0 : options.recoveryPoint,
      openSegments: options.openSegments ?? new OpenSegments(),
      logStartOffset: this.#logStartOffset,
      epochs: this.#epochs,
      producers: this.#producers,
      snapshots: this.#snapshots,
    });
    const segments = opening.openSegments();
    const wasClean = options.wasShutDownCleanly === true;
    this.#segments.adopt(segments, isNew ? "new" : wasClean ? "clean" : "unclean");
    this.compaction.adopt(segments);
    if (segments.length === 0 || this.logEndOffset < this.#logStartOffset) {
      // What was deleted must not come back because the log's end was lost, producers' records among it.
      this.#segments.clear();
      this.#segments.add(this.#logStartOffset, this.#config).closeFile();
      this.#producers.clear();
      this.#snapshots.removeAbove(-1);
    }
    this.#logStartOffset = Math.max(this.#logStartOffset, this.#segments.all[0]!.baseOffset);
    const safeOffset = wasClean && !opening.wasRepaired ? Infinity : opening.safeOffset;
    this.#durability.recoveryPoint = Math.min(safeOffset, this.logEndOffset);
    // The last process may have cut the log where it ends now, and not brought that to the disk.
    const mayBeCut = !isNew && !wasClean;
    this.#segments.active.isDirty ||= mayBeCut;
    this.#wasRepaired = opening.wasRepaired || mayBeCut && opening.mayBeUnsynced(this.logEndOffset);
    opening.finish(this.#segments.all, this.#logStartOffset);
  }

  /** The log begins at `offset`: the oldest `count` segments go, and then this is written down. */
  #advance(offset: number, count: number, nowMs: number): void {
    const rises = offset > this.#logStartOffset;
    if (rises) this.#logStartOffset = offset;
    this.#segments.retire(count, nowMs + this.#config.fileDeleteDelayMs);
    if (rises) this.#start.save(false);
    this.#removeRetired(nowMs);
    this.#snapshots.removeObsolete(this.#segments.all.map(({ baseOffset }) => baseOffset));
    if (rises) this.#epochs.truncateFromStart(offset);
  }

  /** Removes the files of segments whose time has come, once it is known that the log begins later. */
  #removeRetired(nowMs: number): void {
    if (this.#start.isSaved) this.#segments.removeRetired(nowMs);
    else this.#start.retry();
  }
}
