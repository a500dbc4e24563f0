/**
 * The log of one partition: a directory of segments in Apache Kafka's layout, appended to at its end,
 * read anywhere, and cut at either end. All of it is synchronous, through the host's page cache;
 * only {@linkcode PartitionLog.flush} waits for the disk.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  readBaseOffset,
  readBatchSize,
  readLastOffsetDelta,
  readMaxTimestamp,
  writeBaseOffset,
  writePartitionLeaderEpoch,
} from "../protocol/records/batch.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { RecordsSource } from "../protocol/wire.ts";
import type { HostCodecs, Runtime } from "../runtime/runtime.ts";
import {
  isControlBatch,
  newestTimestamp,
  readProducedBatch,
  takeClientBatch,
  takeInternalBatches,
} from "./append_validation.ts";
import { BatchScanner, WALK_WINDOW } from "./batch_scanner.ts";
import { type EpochEnd, LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "./leader_epochs.ts";
import type { LogConfig } from "./log_config.ts";
import {
  PARTITION_METADATA,
  readPartitionMetadata,
  writePartitionMetadata,
} from "./partition_metadata.ts";
import { type ActiveProducer, type ProducedBatch, ProducerState } from "./producer_state.ts";
import { openSegments, type RecoveryReport } from "./recovery.ts";
import { LogReplay } from "./replay.ts";
import { countDeletable } from "./retention.ts";
import { NO_RECORDS, Segment, segmentFileName } from "./segment.ts";
import { asKafkaError, storageError } from "./storage_error.ts";
import { findByTimestamp, maxTimestampFrom, type TimestampedOffset } from "./timestamp_lookup.ts";

/** Who appends, and as which leader. */
export interface AppendOptions {
  /** The epoch of this partition's leader, written into each batch. */
  readonly leaderEpoch: number;
  /**
   * `client`: exactly one batch, and everything about it is checked. `coordinator` (groups and
   * transactions) and `raft` (the metadata log): whole batches of our own making, any number.
   */
  readonly origin: "client" | "coordinator" | "raft";
  /** Whether zstd may be used, true unless told: Produce before version 7 must not. */
  readonly allowZstd?: boolean;
}

/** What became of an append. */
export interface AppendResult {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The broker's time that the records got, ms since 1970; -1 where they keep the producer's. */
  readonly logAppendTimeMs: number;
  /** True when the batch had been stored before: the offsets are those it got then. */
  readonly duplicate: boolean;
}

/** What to read. */
export interface ReadOptions {
  /** Where to begin: the batch that holds this offset comes first, whole. */
  readonly fetchOffset: number;
  /** The most bytes to return. */
  readonly maxBytes: number;
  /** Only batches before this offset: the high watermark, or the log end offset. */
  readonly endOffset: number;
  /** Whether the first batch is returned even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
}

/** How a log is opened. */
export interface PartitionLogOptions {
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The partition's own directory, made when missing. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  /** The topic's id; where absent, `partition.metadata` tells it. */
  readonly topicId?: string;
  readonly config: LogConfig;
  /** What `log-start-offset-checkpoint` has for this log; 0 unless told. */
  readonly logStartOffset?: number;
  /** Whether the process that wrote the log last ended cleanly: its tail need not be checked then. */
  readonly wasShutDownCleanly?: boolean;
  /** Is told what was mended. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** Is called when the log start offset has changed, to have it written down. */
  readonly onLogStartOffset?: () => void;
}

/** The most that a compressed batch may decompress to when its records are checked. */
const MAX_DECOMPRESSED_BYTES = 134_217_728;
const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

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
  /** The directory. */
  readonly directory: string;

  readonly #runtime: PartitionLogOptions["runtime"];
  readonly #deepCheck: { codecs: () => HostCodecs; maxDecompressedBytes: number };
  readonly #onLogStartOffset: () => void;
  readonly #epochs: LeaderEpochs;
  readonly #producers = new ProducerState();
  readonly #produced: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };
  /** Oldest first, never empty once open; the last one is appended to. */
  #segments: Segment[] = [];
  /** Deleted segments whose files go when their time has come. */
  #retired: { readonly segment: Segment; readonly dueMs: number }[] = [];
  /** Deleted by a cut or a roll since the directory was synced. */
  #directoryIsDirty = true;
  #topicId: string;
  #config: LogConfig;
  #logStartOffset: number;
  /** Why nothing more is appended, or null. */
  #failure: KafkaError | null = null;
  #isClosed = false;

  private constructor(options: PartitionLogOptions, topicId: string) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.name = `${options.topic}-${options.partition}`;
    this.directory = options.directory;
    this.#topicId = topicId;
    this.#runtime = options.runtime;
    this.#config = options.config;
    this.#logStartOffset = options.logStartOffset ?? 0;
    this.#onLogStartOffset = options.onLogStartOffset ?? (() => {});
    this.#deepCheck = {
      codecs: () => this.#runtime.codecs(),
      maxDecompressedBytes: MAX_DECOMPRESSED_BYTES,
    };
    this.#epochs = new LeaderEpochs(
      options.runtime.files,
      `${options.directory}/${LEADER_EPOCH_CHECKPOINT}`,
    );
  }

  /**
   * Opens the log in `options.directory`, or makes a new one there. A torn tail is cut and reported.
   * Throws KAFKA_STORAGE_ERROR for any other damage, naming file, offset and remedy, and
   * INCONSISTENT_TOPIC_ID when the directory belongs to another topic.
   */
  static open(options: PartitionLogOptions): PartitionLog {
    try {
      const { files } = options.runtime;
      if (!files.exists(options.directory)) files.makeDirectory(options.directory);
      const log = new PartitionLog(options, topicIdOf(options));
      log.#recover(options);
      return log;
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      throw asKafkaError(`Cannot open ${options.topic}-${options.partition}`, error);
    }
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
    return this.#active.nextOffset;
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  /** How many segments there are. */
  get segmentCount(): number {
    return this.#segments.length;
  }

  /** The first offset in the files that still exist; below the log start offset after a deletion. */
  get firstFileOffset(): number {
    return this.#retired[0]?.segment.baseOffset ?? this.#segments[0]!.baseOffset;
  }

  /** Why the log takes no more records, or null while it does. */
  get failure(): KafkaError | null {
    return this.#failure;
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
    this.#guard("assign a leader epoch to", () => this.#epochs.assign(epoch, this.logEndOffset));
  }

  /** The settings from now on. */
  updateConfig(config: LogConfig): void {
    this.#config = config;
  }

  /** Remembers the topic's id in `partition.metadata`, for a log that was opened without it. */
  assignTopicId(topicId: string): void {
    this.#guard("write the topic id of", () => {
      writePartitionMetadata(
        this.#runtime.files,
        `${this.directory}/${PARTITION_METADATA}`,
        topicId,
      );
    });
    this.#topicId = topicId;
  }

  /**
   * Stores `records` at the log's end. They are copied before this returns. On a throw nothing has
   * been stored: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE (larger
   * than a segment may be), INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE,
   * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, KAFKA_STORAGE_ERROR.
   */
  append(records: Uint8Array, options: AppendOptions): AppendResult {
    if (this.#failure !== null) throw this.#failure;
    const nowMs = this.#runtime.clock.now();
    const isClient = options.origin === "client";
    let bytes: Uint8Array;
    try {
      bytes = isClient
        ? takeClientBatch(records, this.#config, options.allowZstd ?? true, nowMs, this.#deepCheck)
          .memory
        : this.#takeInternal(records, options.origin, nowMs).memory;
      const { length } = records;
      if (length > this.#config.segmentBytes) {
        throw new KafkaError(
          ErrorCode.RECORD_LIST_TOO_LARGE,
          `${length} bytes are more than segment.bytes, ${this.#config.segmentBytes}`,
        );
      }
      const duplicate = this.#checkProducers(bytes, length, isClient);
      return duplicate ?? this.#store(bytes, length, nowMs, options.leaderEpoch);
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /**
   * Whole batches from one segment, in the file until they are copied. Empty when there is nothing
   * between `fetchOffset` and `endOffset`. Throws OFFSET_OUT_OF_RANGE outside of the log.
   */
  read(options: ReadOptions): RecordsSource {
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
      for (let i = this.#segmentFor(fetchOffset); i < this.#segments.length; i++) {
        const segment = this.#segments[i]!;
        if (segment.baseOffset >= endOffset) break;
        const start = segment.locate(fetchOffset);
        if (start === segment.size) continue;
        const end = segment.endOfRange(start, options.maxBytes, endOffset, options.minOneBatch);
        return end === start ? NO_RECORDS : segment.slice(start, end);
      }
    } catch (error) {
      throw this.#failed("read", error);
    }
    return NO_RECORDS;
  }

  /** The first record whose timestamp is at least `timestampMs`, or null. */
  offsetForTimestamp(timestampMs: number, codecs: HostCodecs): TimestampedOffset | null {
    return this.#guard("search", () => {
      for (const segment of this.#segments) {
        const found = findByTimestamp(segment, timestampMs, this.#logStartOffset, codecs);
        if (found !== null) return found;
      }
      return null;
    });
  }

  /** The record with the largest timestamp, the first of them where several have it, or null. */
  offsetOfMaxTimestamp(codecs: HostCodecs): TimestampedOffset | null {
    return this.#guard("search", () => {
      let max = -1;
      let holder: Segment | null = null;
      for (const segment of this.#segments) {
        const timestamp = maxTimestampFrom(segment, this.#logStartOffset);
        if (timestamp > max) {
          max = timestamp;
          holder = segment;
        }
      }
      return holder && findByTimestamp(holder, max, this.#logStartOffset, codecs);
    });
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
    this.#guard("delete records of", () => {
      this.#raiseLogStartOffset(offset);
      const nowMs = this.#runtime.clock.now();
      let count = 0;
      while ((this.#segments[count + 1]?.baseOffset ?? Infinity) <= offset) count++;
      this.#retire(count, nowMs);
    });
  }

  /**
   * Deletes what retention and the log start offset allow, and removes the files of segments that
   * were deleted `file.delete.delay.ms` ago. Nothing from `highWatermark` on is touched. Returns how
   * many segments were deleted. `nowMs` is ms since 1970.
   */
  applyRetention(nowMs: number, highWatermark: number = this.logEndOffset): number {
    return this.#guard("delete old segments of", () => {
      this.#removeRetired(nowMs);
      const count = countDeletable({
        segments: this.#segments,
        config: this.#config,
        logStartOffset: this.#logStartOffset,
        highWatermark,
        nowMs,
      });
      if (count === 0) return 0;
      if (count === this.#segments.length) this.#roll();
      this.#raiseLogStartOffset(this.#segments[count]!.baseOffset);
      this.#retire(count, nowMs);
      return count;
    });
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
   * the caller's to know.
   */
  truncateTo(offset: number): void {
    if (offset >= this.logEndOffset) return;
    if (offset <= this.#segments[0]!.baseOffset) return this.truncateFully(offset);
    this.#guard("truncate", () => {
      while (this.#active.baseOffset > offset) this.#drop(this.#segments.pop()!);
      this.#active.truncate(this.#active.locate(offset));
      if (this.#logStartOffset > this.logEndOffset) {
        this.#logStartOffset = this.logEndOffset;
        this.#onLogStartOffset();
      }
      this.#epochs.truncateFromEnd(this.logEndOffset);
      this.#rebuildProducers();
    });
  }

  /** Removes every record: the log is empty and begins and ends at `offset`. */
  truncateFully(offset: number): void {
    this.#guard("truncate", () => {
      for (const segment of this.#segments.splice(0)) this.#drop(segment);
      this.#segments.push(this.#newSegment(offset));
      this.#logStartOffset = offset;
      this.#onLogStartOffset();
      this.#producers.clear();
      this.#epochs.truncateFromEnd(0);
    });
  }

  /** Closes the active segment and begins another, unless it is empty. */
  roll(): void {
    if (this.#active.size > 0) this.#guard("roll", () => this.#roll());
  }

  /**
   * Resolves when everything appended before the call is on the disk. When it rejects, what is there
   * is not known: the log takes no more records until it is opened again.
   */
  async flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      for (const segment of [...this.#segments]) await segment.sync();
      if (this.#directoryIsDirty) {
        this.#directoryIsDirty = false;
        await this.#runtime.files.syncDirectory(this.directory);
      }
    } catch (error) {
      throw this.#fail(`Cannot flush ${this.name}`, error);
    }
  }

  /** Closes the files. Batches that were read and not yet copied cannot be copied any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failure ??= storageError(`Cannot use ${this.name}`, new Error("the log has been closed"));
    for (const segment of this.#segments) segment.close();
    this.#removeRetired(Infinity);
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  #recover(options: PartitionLogOptions): void {
    const { files, clock } = this.#runtime;
    const replay = new LogReplay(this.#producers);
    const report = options.onRecovery ?? (() => {});
    this.#segments = openSegments({
      files,
      directory: this.directory,
      name: this.name,
      nowMs: clock.now(),
      indexIntervalBytes: this.#config.indexIntervalBytes,
      logStartOffset: this.#logStartOffset,
      allowGaps: this.#config.compact,
      checkTail: options.wasShutDownCleanly !== true,
      visit: (scanner) => replay.visit(scanner),
      report,
    });
    if (this.#segments.length === 0 || this.logEndOffset < this.#logStartOffset) {
      // What was deleted must not come back because the end of the log was lost.
      for (const segment of this.#segments.splice(0)) this.#drop(segment);
      const first = this.#newSegment(this.#logStartOffset);
      first.release();
      this.#segments.push(first);
    }
    this.#logStartOffset = Math.max(this.#logStartOffset, this.#segments[0]!.baseOffset);
    replay.reconcileEpochs(this.#epochs, this.#logStartOffset, this.logEndOffset);
  }

  #takeInternal(
    records: Uint8Array,
    origin: "coordinator" | "raft" | "client",
    nowMs: number,
  ): ReturnType<typeof takeInternalBatches> {
    const isRaft = origin === "raft";
    const stamps = !isRaft && this.#config.messageTimestampType === "LogAppendTime";
    return takeInternalBatches(
      records,
      isRaft ? Infinity : this.#config.maxMessageBytes,
      stamps ? nowMs : null,
    );
  }

  /** Throws unless the producers of the batches may write them now. The earlier result for a repeated batch. */
  #checkProducers(bytes: Uint8Array, length: number, isClient: boolean): AppendResult | null {
    const batch = this.#produced;
    for (let at = 0; at < length; at += readBatchSize(bytes, at)) {
      const hasProducer = readProducedBatch(bytes, at, batch);
      if (isControlBatch(bytes, at)) continue;
      if (hasProducer && isClient) {
        const duplicate = this.#producers.findDuplicate(batch);
        if (duplicate !== null) {
          const stamped = this.#config.messageTimestampType === "LogAppendTime";
          return {
            baseOffset: duplicate.baseOffset,
            lastOffset: duplicate.lastOffset,
            logAppendTimeMs: stamped ? duplicate.timestamp : -1,
            duplicate: true,
          };
        }
      }
      if (
        isClient && batch.isTransactional &&
        !(hasProducer && this.#producers.hasOpenTransaction(batch.producerId))
      ) {
        throw new KafkaError(
          ErrorCode.INVALID_TXN_STATE,
          `producer ${batch.producerId} has no transaction open here`,
        );
      }
      if (hasProducer) this.#producers.check(batch, isClient, `Cannot append to ${this.name}`);
    }
    return null;
  }

  /** Gives the checked batches their offsets and writes them. */
  #store(bytes: Uint8Array, length: number, nowMs: number, leaderEpoch: number): AppendResult {
    const baseOffset = this.logEndOffset;
    let nextOffset = baseOffset;
    for (let at = 0; at < length; at += readBatchSize(bytes, at)) {
      writeBaseOffset(bytes, at, nextOffset);
      writePartitionLeaderEpoch(bytes, at, leaderEpoch);
      nextOffset += readLastOffsetDelta(bytes, at) + 1;
    }
    this.#rollIfNeeded(length, newestTimestamp(bytes, length), nextOffset - 1, nowMs);
    if (leaderEpoch > this.#epochs.latestEpoch) this.#epochs.assign(leaderEpoch, baseOffset);
    const segment = this.#active;
    try {
      segment.write(bytes.subarray(0, length));
    } catch (error) {
      throw this.#writeFailed(segment, error);
    }
    for (let at = 0; at < length;) {
      const size = readBatchSize(bytes, at);
      const batchOffset = readBaseOffset(bytes, at);
      const maxTimestamp = readMaxTimestamp(bytes, at);
      const lastOffset = batchOffset + readLastOffsetDelta(bytes, at);
      segment.addBatch(size, batchOffset, lastOffset, maxTimestamp);
      if (readProducedBatch(bytes, at, this.#produced)) {
        LogReplay.track(this.#producers, this.#produced, bytes, at);
      }
      at += size;
    }
    return {
      baseOffset,
      lastOffset: nextOffset - 1,
      logAppendTimeMs: this.#config.messageTimestampType === "LogAppendTime" ? nowMs : -1,
      duplicate: false,
    };
  }

  #rollIfNeeded(length: number, maxTimestamp: number, lastOffset: number, nowMs: number): void {
    const segment = this.#active;
    if (segment.size === 0) return;
    const age = segment.firstTimestamp >= 0
      ? maxTimestamp - segment.firstTimestamp
      : nowMs - segment.createdMs;
    if (
      segment.size + length > this.#config.segmentBytes ||
      age > this.#config.segmentMs - segment.rollJitterMs ||
      lastOffset - segment.baseOffset > LARGEST_RELATIVE_OFFSET
    ) {
      this.#roll();
    }
  }

  #roll(): void {
    const closed = this.#active;
    this.#segments.push(this.#newSegment(this.logEndOffset));
    closed.index.trim();
    this.#directoryIsDirty = true;
    // On the disk soon: after a loss of power only the last segment may have a torn tail.
    closed.sync().catch((error) => this.#fail(`Cannot flush ${closed.path}`, error));
  }

  #newSegment(baseOffset: number): Segment {
    const { files, clock, random } = this.#runtime;
    const segment = new Segment(
      files,
      `${this.directory}/${segmentFileName(baseOffset)}`,
      baseOffset,
      clock.now(),
      this.#config.indexIntervalBytes,
    );
    segment.rollJitterMs = this.#config.segmentJitterMs > 0
      ? random.below(this.#config.segmentJitterMs)
      : 0;
    // Made now, so that a directory without room for it is noticed before anything else happens.
    segment.file.truncate(0);
    return segment;
  }

  /** The number of the last segment that begins at or before `offset`. */
  #segmentFor(offset: number): number {
    for (let i = this.#segments.length - 1; i > 0; i--) {
      if (this.#segments[i]!.baseOffset <= offset) return i;
    }
    return 0;
  }

  #raiseLogStartOffset(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#epochs.truncateFromStart(offset);
    this.#onLogStartOffset();
  }

  /** Takes the oldest `count` segments out of the log; their files go later, for those who read them now. */
  #retire(count: number, nowMs: number): void {
    const dueMs = nowMs + this.#config.fileDeleteDelayMs;
    for (const segment of this.#segments.splice(0, count)) this.#retired.push({ segment, dueMs });
    this.#removeRetired(nowMs);
  }

  #removeRetired(nowMs: number): void {
    while (this.#retired.length > 0 && this.#retired[0]!.dueMs <= nowMs) {
      this.#drop(this.#retired.shift()!.segment);
    }
  }

  #drop(segment: Segment): void {
    segment.close();
    this.#runtime.files.remove(segment.path);
    this.#directoryIsDirty = true;
  }

  #rebuildProducers(): void {
    this.#producers.clear();
    const replay = new LogReplay(this.#producers);
    for (const segment of this.#segments) {
      const scanner = new BatchScanner(segment.file, 0, segment.size, WALK_WINDOW);
      while (scanner.next()) replay.visit(scanner);
    }
  }

  /** A write failed: what it may have left is cut off, and where even that fails, the log stops. */
  #writeFailed(segment: Segment, cause: unknown): KafkaError {
    const error = storageError(`Cannot append to ${this.name}`, cause);
    try {
      segment.dropUnfinished();
    } catch (second) {
      this.#fail(`Cannot restore the end of ${this.name}`, second);
    }
    return error;
  }

  #fail(what: string, cause: unknown): KafkaError {
    const error = storageError(what, cause);
    this.#failure ??= error;
    return error;
  }

  #refusal(error: unknown): unknown {
    const where = `Cannot append to ${this.name}`;
    if (error instanceof KafkaError) {
      return error.message.startsWith("Cannot")
        ? error
        : new KafkaError(error.code, `${where}: ${error.message}`, { cause: error });
    }
    return asKafkaError(where, error);
  }

  #failed(action: string, error: unknown): unknown {
    return error instanceof KafkaError
      ? error
      : asKafkaError(`Cannot ${action} ${this.name}`, error);
  }

  #guard<T>(action: string, run: () => T): T {
    if (this.#isClosed) throw this.#failure;
    try {
      return run();
    } catch (error) {
      throw this.#failed(action, error);
    }
  }
}

function topicIdOf(options: PartitionLogOptions): string {
  const { files } = options.runtime;
  const path = `${options.directory}/${PARTITION_METADATA}`;
  const stored = readPartitionMetadata(files, path);
  if (stored === null) {
    if (options.topicId === undefined) return ZERO_UUID;
    writePartitionMetadata(files, path, options.topicId);
    return options.topicId;
  }
  if (options.topicId !== undefined && options.topicId !== stored) {
    throw new KafkaError(
      ErrorCode.INCONSISTENT_TOPIC_ID,
      `Cannot open ${options.topic}-${options.partition}: ${path} belongs to the topic id ` +
        `${stored}, not ${options.topicId}; move the directory away`,
    );
  }
  return stored;
}
