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
import type { Pause } from "../protocol/records/compression/steps.ts";
import { isDescriptorShortage } from "../runtime/runtime.ts";
import {
  type ClientBatchRules,
  isControlBatch,
  newestTimestamp,
  readProducedBatch,
  SHORT_TURN,
  stampClientBatch,
  takeClientBatch,
  takeInternalBatches,
} from "./append_validation.ts";
import { checkClientBatchInSteps, type CheckedBatch } from "./append_validation_in_steps.ts";
import type { LogConfig } from "./log_config.ts";
import type { LogDurability } from "./log_durability.ts";
import type { LogState } from "./log_state.ts";
import type { AppendOptions, AppendResult } from "./log_types.ts";
import type { ProducedBatch, ProducerState } from "./producers/producer_state.ts";
import { RejectedRecordsError } from "./record_rules.ts";
import { LogReplay } from "./producers/batch_replay.ts";
import { returnArena } from "./segments/scratch.ts";
import type { Segment } from "./segments/segment.ts";
import type { SegmentList } from "./segments/segment_list.ts";
import { asKafkaError, storageError } from "./storage_error.ts";
import type { AbortedTransaction } from "./segments/transaction_index_format.ts";

const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

/** What a client's append says beside its records. */
export type ClientAppend = Pick<AppendOptions, "leaderEpoch" | "allowZstd">;

/**
 * Appends to one log. A client's batch is appended by {@linkcode LogAppender.appendSmall}, or, where
 * that leaves it alone, by {@linkcode LogAppender.appendInSteps}.
 */
export class LogAppender {
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #flush: () => Promise<void>;
  readonly #name: string;
  readonly #segments: SegmentList;
  readonly #producers: ProducerState;
  readonly #produced: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** An appender to the log of `state`, which `flush` flushes. */
  constructor(state: LogState, durability: LogDurability, flush: () => Promise<void>) {
    this.#state = state;
    this.#flush = flush;
    this.#durability = durability;
    this.#name = state.name;
    this.#segments = state.segments;
    this.#producers = state.producers;
  }

  /** As `PartitionLog.append`. */
  append(records: Uint8Array, options: AppendOptions): AppendResult {
    if (options.origin === "client") return this.#appendClient(records, options, false)!;
    return this.#guard(() => {
      const { config } = this.#state;
      const nowMs = this.#state.runtime.clock.now();
      this.#segments.active.prepareAppend();
      const bytes = takeInternal(records, options, config, nowMs);
      return this.#appendTaken(bytes, records.length, options, config, nowMs);
    });
  }

  /**
   * Appends a client's batch as `PartitionLog.append` does. Returns null, with nothing stored, when its
   * checks would take too long for one turn of the event loop, or the log must be flushed first.
   */
  appendSmall(records: Uint8Array, options: ClientAppend): AppendResult | null {
    if (this.#state.mustFlushFirst) return null;
    return this.#appendClient(records, options, true);
  }

  /**
   * Appends a client's batch of any size, awaiting `pause` between two parts of its checks. `records`
   * must not change meanwhile. `leaderEpoch` is asked for between the checks and the append. Rejects as
   * `PartitionLog.append` throws, and as `pause` and `leaderEpoch` do.
   */
  async appendInSteps(
    records: Uint8Array,
    { allowZstd }: Pick<ClientAppend, "allowZstd">,
    pause: Pause,
    leaderEpoch: () => number,
  ): Promise<AppendResult> {
    if (this.#state.mustFlushFirst) await this.#flush();
    const { arena, newest } = await this.#checkInSteps(records, allowZstd, pause);
    try {
      const options = { leaderEpoch: leaderEpoch() };
      return this.#guard(() => {
        const { config } = this.#state;
        const nowMs = this.#state.runtime.clock.now();
        this.#segments.active.prepareAppend();
        stampClientBatch(arena, newest, config, nowMs);
        const bytes = arena.memory;
        return this.#appendTaken(bytes, readBatchSize(bytes, 0), options, config, nowMs, true);
      });
    } finally {
      returnArena(arena);
    }
  }

  async #checkInSteps(
    records: Uint8Array,
    allowZstd: boolean | undefined,
    pause: Pause,
  ): Promise<CheckedBatch> {
    try {
      this.#throwFailure();
      return await checkClientBatchInSteps(records, this.#rules(allowZstd), async () => {
        await pause();
        this.#throwFailure();
      });
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  #appendClient(
    records: Uint8Array,
    options: ClientAppend,
    mustBeSmall: boolean,
  ): AppendResult | null {
    // Every batch comes this way: no closure for it.
    this.#throwFailure();
    try {
      this.#segments.active.prepareAppend();
      const rules = this.#rules(options.allowZstd);
      const arena = takeClientBatch(records, rules, mustBeSmall ? SHORT_TURN : undefined);
      if (arena === null) return null;
      const bytes = arena.memory;
      const length = readBatchSize(bytes, 0);
      return this.#appendTaken(bytes, length, options, rules.config, rules.nowMs, true);
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  #rules(allowZstd = true): ClientBatchRules {
    const { config, runtime, codecs } = this.#state;
    return { config, allowZstd, nowMs: runtime.clock.now(), codecs };
  }

  #throwFailure(): void {
    const { failure } = this.#state.health;
    if (failure !== null) throw failure;
  }

  /** Runs what appends, and says of its errors where they happened. */
  #guard<Result>(run: () => Result): Result {
    this.#throwFailure();
    try {
      return run();
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** Appends the checked batches `bytes[0..length)`. */
  #appendTaken(
    bytes: Uint8Array,
    length: number,
    { leaderEpoch }: Pick<AppendOptions, "leaderEpoch">,
    config: LogConfig,
    nowMs: number,
    isClient = false,
  ): AppendResult {
    if (length > config.segmentBytes) {
      throw new KafkaError(
        ErrorCode.RECORD_LIST_TOO_LARGE,
        `${length} bytes are more than segment.bytes, ${config.segmentBytes}`,
      );
    }
    return this.#checkProducers(bytes, length, isClient, config) ??
      this.#store(bytes, length, leaderEpoch, config, nowMs);
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
    const { epochs } = this.#state;
    if (leaderEpoch > epochs.latestEpoch) epochs.assign(leaderEpoch, baseOffset);
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
      this.#durability.roll();
    }
  }

  /** The marker is stored already: a list that cannot be kept up to date stops the log. */
  #keepAborted(segment: Segment, aborted: AbortedTransaction): void {
    try {
      const isNew = segment.aborted.append(aborted, segment.baseOffset, aborted.lastOffset + 1);
      if (isNew) this.#segments.markDirectoryDirty();
    } catch (error) {
      this.#cannotRestore(error);
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
      this.#cannotRestore(second);
    }
    return error;
  }

  #cannotRestore(error: unknown): void {
    this.#state.health.fail(`Cannot restore the end of ${this.#name}`, error);
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
