/**
 * The way of batches into a log: checked, given their offsets, written with one system call, and
 * counted in. Nothing of a batch is visible before all of it is written.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { type Int64, subtractInt64 } from "../protocol/int64.ts";
import {
  readBaseOffset,
  readBatchSize,
  readLastOffsetDelta,
  readMaxTimestamp,
  writeBaseOffset,
  writePartitionLeaderEpoch,
} from "../protocol/records/batch.ts";
import { type HostCodecs, isDescriptorShortage } from "../runtime/runtime.ts";
import {
  isControlBatch,
  newestTimestamp,
  readProducedBatch,
  takeClientBatch,
  takeInternalBatches,
} from "./append_validation.ts";
import type { LeaderEpochs } from "./leader_epochs.ts";
import type { LogConfig } from "./log_config.ts";
import type { AppendOptions, AppendResult } from "./log_types.ts";
import type { ProducedBatch, ProducerState } from "./producer_state.ts";
import { RejectedRecordsError } from "./record_rules.ts";
import { LogReplay } from "./replay.ts";
import type { Segment } from "./segment.ts";
import type { SegmentList } from "./segment_list.ts";
import { asKafkaError, storageError } from "./storage_error.ts";
import type { AbortedTransaction } from "./transaction_index.ts";

/** The most that a compressed batch may decompress to when its records are checked. */
const MAX_DECOMPRESSED_BYTES = 134_217_728;
const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

/** What an appender works on. */
export interface AppenderOptions {
  /** The log, such as `events-0`. */
  readonly name: string;
  /** Where the batches go. */
  readonly segments: SegmentList;
  /** Who may write what next. */
  readonly producers: ProducerState;
  /** Is told when a leader's first batch comes. */
  readonly epochs: LeaderEpochs;
  /** The host's compressors, asked for when the first compressed batch comes. */
  readonly codecs: () => HostCodecs;
  /** Is told when the end of the log could not be restored after a failed write. */
  readonly onBroken: (error: unknown) => void;
}

/** Appends to one log. */
export class LogAppender {
  readonly #name: string;
  readonly #segments: SegmentList;
  readonly #producers: ProducerState;
  readonly #epochs: LeaderEpochs;
  readonly #onBroken: (error: unknown) => void;
  readonly #deepCheck: { codecs: () => HostCodecs; maxDecompressedBytes: number };
  readonly #produced: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** An appender over the parts of a log. */
  constructor(options: AppenderOptions) {
    this.#name = options.name;
    this.#segments = options.segments;
    this.#producers = options.producers;
    this.#epochs = options.epochs;
    this.#onBroken = options.onBroken;
    this.#deepCheck = {
      codecs: options.codecs,
      maxDecompressedBytes: MAX_DECOMPRESSED_BYTES,
    };
  }

  /** As `PartitionLog.append`, at the time `nowMs`. */
  append(
    records: Uint8Array,
    options: AppendOptions,
    config: LogConfig,
    nowMs: number,
  ): AppendResult {
    const isClient = options.origin === "client";
    try {
      this.#segments.active.prepareAppend();
      const bytes = isClient
        ? takeClientBatch(records, config, options.allowZstd ?? true, nowMs, this.#deepCheck).memory
        : takeInternal(records, options, config, nowMs);
      // A client's batch is one, and may have been compressed anew.
      const length = isClient ? readBatchSize(bytes, 0) : records.length;
      if (length > config.segmentBytes) {
        throw new KafkaError(
          ErrorCode.RECORD_LIST_TOO_LARGE,
          `${length} bytes are more than segment.bytes, ${config.segmentBytes}`,
        );
      }
      return this.#checkProducers(bytes, length, isClient, config) ??
        this.#store(bytes, length, options.leaderEpoch, config, nowMs);
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** Throws unless the producers of the batches may write them now. The earlier result for a repeated batch. */
  #checkProducers(
    bytes: Uint8Array,
    length: number,
    isClient: boolean,
    config: LogConfig,
  ): AppendResult | null {
    const batch = this.#produced;
    for (let at = 0; at < length; at += readBatchSize(bytes, at)) {
      const hasProducer = readProducedBatch(bytes, at, batch);
      if (isControlBatch(bytes, at)) continue;
      if (hasProducer && isClient) {
        const duplicate = this.#producers.findDuplicate(batch);
        if (duplicate !== null) {
          const stamped = config.messageTimestampType === "LogAppendTime";
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
      if (hasProducer) this.#producers.check(batch, isClient, `Cannot append to ${this.#name}`);
    }
    return null;
  }

  /** Gives the checked batches their offsets and writes them. */
  #store(
    bytes: Uint8Array,
    length: number,
    leaderEpoch: number,
    config: LogConfig,
    nowMs: number,
  ): AppendResult {
    const baseOffset = this.#segments.active.nextOffset;
    let nextOffset = baseOffset;
    for (let at = 0; at < length; at += readBatchSize(bytes, at)) {
      writeBaseOffset(bytes, at, nextOffset);
      writePartitionLeaderEpoch(bytes, at, leaderEpoch);
      nextOffset += readLastOffsetDelta(bytes, at) + 1;
    }
    this.#rollIfNeeded(length, newestTimestamp(bytes, length), nextOffset - 1, config, nowMs);
    if (leaderEpoch > this.#epochs.latestEpoch) this.#epochs.assign(leaderEpoch, baseOffset);
    const segment = this.#segments.active;
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
        const aborted = LogReplay.track(this.#producers, this.#produced, bytes, at, nowMs);
        if (aborted !== null) this.#keepAborted(segment, aborted);
      }
      at += size;
    }
    return {
      baseOffset,
      lastOffset: nextOffset - 1,
      logAppendTimeMs: config.messageTimestampType === "LogAppendTime" ? nowMs : -1,
      duplicate: false,
    };
  }

  #rollIfNeeded(
    length: number,
    maxTimestamp: Int64,
    lastOffset: number,
    config: LogConfig,
    nowMs: number,
  ): void {
    const segment = this.#segments.active;
    if (segment.size === 0) return;
    const age = segment.firstTimestamp >= 0
      ? subtractInt64(maxTimestamp, segment.firstTimestamp)
      : nowMs - segment.createdMs;
    if (
      segment.size + length > config.segmentBytes ||
      age > config.segmentMs - segment.rollJitterMs ||
      lastOffset - segment.baseOffset > LARGEST_RELATIVE_OFFSET
    ) {
      this.#segments.roll(config);
    }
  }

  /** The marker is stored already: a list that cannot be kept up to date stops the log. */
  #keepAborted(segment: Segment, aborted: AbortedTransaction): void {
    try {
      const isNew = segment.aborted.append(aborted, segment.baseOffset, aborted.lastOffset + 1);
      if (isNew) this.#segments.noteName();
    } catch (error) {
      this.#onBroken(error);
    }
  }

  /**
   * A write failed: what it may have left is cut off, and where even that fails, the log stops. A file
   * that could not be opened for want of a descriptor was not written to.
   */
  #writeFailed(segment: Segment, cause: unknown): KafkaError {
    const error = storageError(`Cannot append to ${this.#name}`, cause);
    if (isDescriptorShortage(cause)) return error;
    try {
      segment.dropUnfinished();
    } catch (second) {
      this.#onBroken(second);
    }
    return error;
  }

  #refusal(error: unknown): unknown {
    const where = `Cannot append to ${this.#name}`;
    if (error instanceof RejectedRecordsError) {
      const { code, message, records } = error;
      return new RejectedRecordsError(code, `${where}: ${message}`, records, { cause: error });
    }
    if (error instanceof KafkaError) {
      return error.message.startsWith("Cannot")
        ? error
        : new KafkaError(error.code, `${where}: ${error.message}`, { cause: error });
    }
    return asKafkaError(where, error);
  }
}

function takeInternal(
  records: Uint8Array,
  options: AppendOptions,
  config: LogConfig,
  nowMs: number,
): Uint8Array {
  const isRaft = options.origin === "raft";
  const stamps = !isRaft && config.messageTimestampType === "LogAppendTime";
  const maxBatchBytes = isRaft ? Infinity : config.maxMessageBytes;
  return takeInternalBatches(records, maxBatchBytes, stamps ? nowMs : null).memory;
}
