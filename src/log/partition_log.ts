/**
 * The log of one partition: a directory of segments in Apache Kafka's layout, appended to at its end,
 * read anywhere, and truncated at either end. All of it is synchronous, through the host's page cache;
 * only {@linkcode PartitionLog.flush} waits for the disk.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { atOnce, type Steps } from "../protocol/records/compression/steps.ts";
import { LogCompaction } from "./compaction/log_compaction.ts";
import type { EpochEnd, EpochStart } from "./leader_epochs.ts";
import { BatchWriter } from "./append/batch_writer.ts";
import { FollowerAppender } from "./append/follower_appender.ts";
import { LogAppender } from "./append/log_appender.ts";
import type { LogConfig } from "./log_config.ts";
import { LogDeletion } from "./log_deletion.ts";
import { LogDurability } from "./log_durability.ts";
import { LogStart } from "./log_start.ts";
import { LogState } from "./log_state.ts";
import { LogTruncation, type Truncation } from "./log_truncation.ts";
import type {
  AppendedRange,
  AppendOptions,
  AppendResult,
  PartitionLogOptions,
  ReadOptions,
} from "./log_types.ts";
import { finishInterrupted, openDirectory } from "./opening/leftover_files.ts";
import { LogOpening } from "./opening/log_opening.ts";
import { PARTITION_METADATA } from "./partition_metadata.ts";
import type { ActiveProducer } from "./producers/producer_state.ts";
import { type LogRecords, NO_RECORDS } from "./segments/log_records.ts";
import {
  type LargeBatch,
  lookUpTimestamp,
  type TimestampedOffset,
  type TimestampQuery,
} from "./segments/timestamp_lookup.ts";
import type { AbortedTransaction } from "./segments/transaction_index_format.ts";
import { asKafkaError } from "./storage_error.ts";

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
  /** Appends batches. */
  readonly appender: LogAppender;
  /** The part of the log that compaction works on. */
  readonly compaction: LogCompaction;
  readonly #state: LogState;
  readonly #start: LogStart;
  readonly #durability: LogDurability;
  readonly #follower: FollowerAppender;
  readonly #deletion: LogDeletion;
  readonly #truncation: LogTruncation;
  #directory: string;
  #wasRepaired = false;

  private constructor(options: PartitionLogOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#directory = options.directory;
    const state = this.#state = new LogState(options);
    this.#start = new LogStart(state);
    this.compaction = new LogCompaction(state, options.cleanedOffset ?? 0);
    this.#durability = new LogDurability(state, this.compaction, options.pendingWork);
    const writer = new BatchWriter(state, this.#durability);
    this.appender = new LogAppender(state, writer, () => this.flush());
    this.#follower = new FollowerAppender(state, writer);
    this.#deletion = new LogDeletion(state, this.#durability, this.#start);
    this.#truncation = new LogTruncation(state, this.#durability, this.compaction, this.#start);
  }

  /**
   * Opens the log in `options.directory`, or creates a new one there. What a crash has torn above the
   * recovery point is cut off and reported. Throws KAFKA_STORAGE_ERROR for any other damage, naming
   * file, offset and remedy, and INCONSISTENT_TOPIC_ID when the directory belongs to another topic.
   */
  static open(options: PartitionLogOptions): PartitionLog {
    return atOnce(PartitionLog.openInSteps(options));
  }

  /** Opens the log as {@linkcode PartitionLog.open}, in steps of half a megabyte read at most. */
  static *openInSteps(options: PartitionLogOptions): Steps<PartitionLog> {
    let log: PartitionLog | null = null;
    try {
      const { files } = options.runtime;
      const { directory, directoryExists } = options;
      const { isNew, found } = openDirectory(files, directory, directoryExists);
      log = new PartitionLog(options);
      log.#state.metadata.identify(options, found.has(PARTITION_METADATA));
      const names = finishInterrupted(files, directory, found);
      yield* log.#open(options, names, isNew || options.isNew === true);
      return log;
    } catch (error) {
      if (log !== null) log.#end();
      log?.discard();
      throw asKafkaError(`Cannot open ${options.topic}-${options.partition}`, error);
    }
  }

  /** The directory's name, such as `events-0`. */
  get name(): string {
    return this.#state.name;
  }

  /** The path of the directory, which is renamed when the topic is deleted. */
  get directory(): string {
    return this.#directory;
  }

  /** The topic's id, or `ZERO_UUID` when neither the caller nor `partition.metadata` had it. */
  get topicId(): string {
    return this.#state.metadata.topicId;
  }

  /** The log's settings. */
  get config(): LogConfig {
    return this.#state.config;
  }

  /** The offset of the first record that may be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  /** The size of all segments, bytes. */
  get sizeInBytes(): number {
    return this.#state.segments.sizeInBytes;
  }

  /** The number of segments. */
  get segmentCount(): number {
    return this.#state.segments.all.length;
  }

  /** The first offset in the files that exist; below the log start offset after a deletion. */
  get firstFileOffset(): number {
    return this.#state.segments.firstFileOffset;
  }

  /** Why the log accepts no more records, or null while it does. */
  get failure(): KafkaError | null {
    return this.#state.health.failure;
  }

  /** Everything below this offset is durable. */
  get recoveryPoint(): number {
    return this.#durability.recoveryPoint;
  }

  /** Whether a power failure could lose the directory entry of a segment with records. */
  get hasUnsyncedNames(): boolean {
    return !this.#state.segments.active.hasDurableName && this.logEndOffset > this.logStartOffset;
  }

  /** Makes the directory entries of the log's files durable. Rejects with a `FileError`. */
  async syncNames(): Promise<void> {
    await this.#state.segments.syncDirectory();
  }

  /** Whether something was cut off when the log was opened: flush it before it is used. */
  get wasRepaired(): boolean {
    return this.#wasRepaired || this.compaction.hasPendingSwaps;
  }

  /**
   * Whether an earlier process may have truncated the log without making that durable. Then it is flushed
   * before it takes a client's batch, which a power failure could mix with the truncated ones.
   */
  get mustFlushFirst(): boolean {
    return this.#state.mustFlushFirst;
  }

  /** Accepts no more records from now on, because of `failure`. Its records can still be read. */
  takeOffline(failure: KafkaError): void {
    this.#state.health.takeOffline(failure);
  }

  /** The newest leader epoch, or -1. */
  get latestEpoch(): number {
    return this.#state.epochs.latestEpoch;
  }

  /** Every leader epoch with its first offset, oldest first. The last ones may have no record. */
  get epochs(): readonly EpochStart[] {
    return this.#state.epochs.entries();
  }

  /** Returns the epoch of the record at `offset`, or -1 when it is not known. */
  epochForOffset(offset: number): number {
    return this.#state.epochs.epochForOffset(offset);
  }

  /** Returns where `epoch` ended in this log, as OffsetForLeaderEpoch does (KIP-101, KIP-279). */
  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.#state.epochs.endOffsetFor(epoch, this.logEndOffset);
  }

  /** Starts the leader epoch `epoch` at the log's end, before its first record is read. */
  assignEpoch(epoch: number): void {
    const { health, epochs } = this.#state;
    this.#state.checkAppendable();
    health.change("assign a leader epoch to", () => epochs.assign(epoch, this.logEndOffset));
  }

  /** Replaces the settings. */
  updateConfig(config: LogConfig): void {
    this.#state.config = config;
  }

  /** Writes the topic's id to `partition.metadata`, for a log that was opened without it. */
  assignTopicId(topicId: string): void {
    this.#state.health.change("write the topic id of", () => this.#state.metadata.assign(topicId));
  }

  /**
   * Appends `records` and returns the offsets that they got. They are copied before this returns. On a
   * throw nothing has been stored: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE,
   * RECORD_LIST_TOO_LARGE (larger than a segment may be), INVALID_TIMESTAMP,
   * UNSUPPORTED_COMPRESSION_TYPE, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
   * INVALID_TXN_STATE, KAFKA_STORAGE_ERROR.
   */
  append(records: Uint8Array, options: AppendOptions): AppendResult {
    return this.appender.append(records, options);
  }

  /**
   * Appends batches that a follower has fetched, with their offsets and leader epochs. The first offset
   * may be above the log's end: compaction of the leader's log leaves gaps. Stops before a batch of an
   * epoch above `leaderEpoch`, that of the leader fetched from, and before one that is cut off. Returns
   * the offsets, or null when no batch was appended. Producers and transactions are tracked; the rest was
   * the leader's to check. Flush first if {@linkcode PartitionLog.mustFlushFirst}. For what it throws see
   * {@linkcode FollowerAppender.append}.
   */
  appendAsFollower(
    records: Uint8Array,
    { leaderEpoch }: { readonly leaderEpoch: number },
  ): AppendedRange | null {
    return this.#follower.append(records, leaderEpoch);
  }

  /**
   * Returns whole batches of one segment, which are read from the file when they are copied. Empty when
   * there is nothing between `fetchOffset` and `endOffset`. Throws OFFSET_OUT_OF_RANGE outside of the
   * log.
   */
  read(options: ReadOptions): LogRecords {
    const { fetchOffset } = options;
    const { health, segments, logStartOffset, logEndOffset, name } = this.#state;
    if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot read ${name} at offset ${fetchOffset}: it has ${logStartOffset} to ${logEndOffset}`,
      );
    }
    const endOffset = Math.min(options.endOffset, logEndOffset);
    if (fetchOffset >= endOffset) return NO_RECORDS;
    try {
      return segments.read(endOffset === options.endOffset ? options : { ...options, endOffset });
    } catch (error) {
      throw health.failed("read", error);
    }
  }

  /**
   * Returns where a read of committed records ends, never before the log's start: the start of the
   * first transaction that is open, or whose marker is not below `highWatermark`.
   */
  lastStableOffset(highWatermark: number): number {
    const start = Math.min(highWatermark, this.logStartOffset);
    return Math.max(start, this.#state.producers.lastStableOffset(highWatermark));
  }

  /** Returns aborted transactions with records in `[fetchOffset, endOffset)`, in marker order. */
  abortedTransactions(fetchOffset: number, endOffset: number): AbortedTransaction[] {
    return this.#state.abortedTransactions(fetchOffset, endOffset);
  }

  /** Returns the record that `query` asks for, or null; or the batch to search, if that takes long. */
  lookUpTimestamp(query: TimestampQuery): TimestampedOffset | LargeBatch | null {
    const { health, segments, logStartOffset } = this.#state;
    return health.guard("search", () => lookUpTimestamp(segments.all, query, logStartOffset));
  }

  /**
   * Raises the log start offset: records before `offset` can no longer be read, and segments that hold
   * nothing else are deleted. Does nothing below the log start offset. Throws OFFSET_OUT_OF_RANGE
   * beyond the log's end.
   */
  deleteRecordsBefore(offset: number): void {
    this.#deletion.deleteRecordsBefore(offset);
  }

  /**
   * Deletes what retention and the log start offset allow, and removes the files of segments that
   * were deleted `file.delete.delay.ms` ago. Nothing from `highWatermark` on is touched. Returns how
   * many segments were deleted. `nowMs` is ms since 1970.
   */
  applyRetention(nowMs: number, highWatermark: number = this.logEndOffset): number {
    return this.#deletion.applyRetention(nowMs, highWatermark);
  }

  /** Resolves when the log start offset is durable: deleted records do not reappear. Rejects if it fails. */
  async logStartOffsetSaved(): Promise<void> {
    try {
      await this.#start.saved();
    } catch (error) {
      throw this.#state.health.failed("write down the start of", error);
    }
  }

  /** Removes producers that are inactive for `producer.id.expiration.ms`. Returns their number. */
  expireProducers(nowMs: number, expirationMs: number): number {
    return this.#state.producers.expire(nowMs, expirationMs);
  }

  /** Returns the state of every producer, for DescribeProducers. */
  activeProducers(): ActiveProducer[] {
    return this.#state.producers.active();
  }

  /**
   * Cuts the log back so that it ends at `offset`, or if that lies within a batch, before that batch.
   * Resolves when that is durable. Until then the log can be read, and methods that change it throw
   * NOT_LEADER_OR_FOLLOWER; another truncation waits for this one. At the log's end only leader epochs
   * without records are dropped, and beyond it nothing happens. The caller ensures that no committed
   * record is cut.
   * Rejects with KAFKA_STORAGE_ERROR: `log_truncation.ts` says what the log accepts then.
   */
  async truncateTo(offset: number): Promise<void> {
    await this.#truncation.truncateTo(offset);
  }

  /** Like {@linkcode PartitionLog.truncateTo}, but removes every record: the log starts and ends at `offset`. */
  async truncateFully(offset: number): Promise<void> {
    await this.#truncation.truncateFully(offset);
  }

  /**
   * Begins a truncation to `offset`, whose caller saves the recovery points of many logs together. Null
   * when there is nothing to cut. Throws NOT_LEADER_OR_FOLLOWER while the log is being truncated.
   */
  beginTruncation(offset: number): Truncation | null {
    return this.#truncation.begin(offset);
  }

  /** Whether a truncation is running, or has failed and must be repeated before the next append. */
  get isTruncating(): boolean {
    return this.#state.truncation !== null;
  }

  /** Closes the active segment and begins another, unless it is empty. */
  roll(): void {
    this.#state.checkAppendable();
    if (this.#state.segments.active.size === 0) return;
    this.#state.health.change("roll", () => this.#durability.roll());
  }

  /**
   * Resolves when everything appended before the call is durable. When it rejects, what is durable is
   * unknown, and the log accepts no more records until it is opened again; after a lack of descriptors
   * nothing was synced, and the caller may retry.
   */
  async flush(): Promise<void> {
    const { health } = this.#state;
    health.check();
    try {
      await this.#start.lowered();
      await this.#durability.flush();
    } catch (error) {
      throw health.flushFailed(error);
    }
    this.#state.mustFlushFirst = false;
    // The sync of a closed segment may have failed meanwhile.
    health.checkFailure();
  }

  /** Whether {@linkcode PartitionLog.flush} has anything to do. */
  get isDirty(): boolean {
    return this.#durability.isDirty;
  }

  /** Writes indexes and a producer snapshot at a clean shutdown, which spares the next start their rebuild. */
  writeIndexes(): void {
    this.#state.health.guard("store the indexes of", () => this.#state.writeIndexes());
  }

  /** Closes the files. Batches that were read and not yet copied cannot be copied any more. */
  close(): void {
    const { health, segments } = this.#state;
    if (health.isClosed) return;
    this.#end();
    segments.close();
    if (this.#start.isSaved) segments.removeRetired(Infinity);
  }

  /**
   * Takes the log of a deleted topic out of service: `move` renames the directory to `directory`.
   * Batches that were read before can still be copied; call {@linkcode PartitionLog.discard} later.
   */
  retire(directory: string, move: () => void): void {
    const { segments } = this.#state;
    this.#end();
    segments.closeFiles();
    move();
    this.#directory = directory;
    segments.moveTo(directory);
  }

  /** Whether a response that is being sent carries batches of it. */
  get isHeld(): boolean {
    return this.#state.segments.isHeld;
  }

  /** Closes a log that was retired or not opened, and leaves its files as they are. */
  discard(): void {
    this.#state.segments.abandon();
  }

  #end(): void {
    this.#state.health.close();
    this.#durability.closeFiles();
  }

  *#open(options: PartitionLogOptions, names: ReadonlySet<string>, isNew: boolean): Steps<void> {
    const opened = yield* new LogOpening(this.#state, {
      ...options,
      names,
      isNew,
      recoveryPoint: isNew ? 0 : options.recoveryPoint,
    }).run();
    this.compaction.adopt(this.#state.segments.all);
    this.#durability.recoveryPoint = opened.recoveryPoint;
    this.#wasRepaired = opened.wasRepaired;
  }
}
