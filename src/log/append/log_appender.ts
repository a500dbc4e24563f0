/**
 * Appends batches as the leader: checks them, gives them their offsets, and writes them with one
 * system call.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  readBatchSize,
  readLastOffsetDelta,
  writeBaseOffset,
  writePartitionLeaderEpoch,
} from "../../protocol/records/batch.ts";
import type { Pause } from "../../protocol/records/compression/steps.ts";
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
import { appendError } from "./append_error.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type { LogConfig } from "../log_config.ts";
import type { LogState } from "../log_state.ts";
import type { AppendOptions, AppendResult } from "../log_types.ts";
import type { ProducedBatch, ProducerState } from "../producers/producer_state.ts";
import { returnArena } from "../segments/scratch.ts";
import type { SegmentList } from "../segments/segment_list.ts";

/** What a client's append says beside its records. */
export type ClientAppend = Pick<AppendOptions, "leaderEpoch" | "allowZstd">;

/**
 * Appends to one log. A client's batch is appended by {@linkcode LogAppender.appendSmall}, or, where
 * that leaves it alone, by {@linkcode LogAppender.appendInSteps}.
 */
export class LogAppender {
  readonly #state: LogState;
  readonly #writer: BatchWriter;
  readonly #flush: () => Promise<void>;
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
  constructor(state: LogState, writer: BatchWriter, flush: () => Promise<void>) {
    this.#state = state;
    this.#writer = writer;
    this.#flush = flush;
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
      this.#state.checkAppendable();
      return await checkClientBatchInSteps(records, this.#rules(allowZstd), async () => {
        await pause();
        this.#state.checkAppendable();
      });
    } catch (error) {
      throw appendError(this.#state.name, error);
    }
  }

  #appendClient(
    records: Uint8Array,
    options: ClientAppend,
    mustBeSmall: boolean,
  ): AppendResult | null {
    // Every batch comes this way: no closure for it.
    this.#state.checkAppendable();
    try {
      this.#segments.active.prepareAppend();
      const rules = this.#rules(options.allowZstd);
      const arena = takeClientBatch(records, rules, mustBeSmall ? SHORT_TURN : undefined);
      if (arena === null) return null;
      const bytes = arena.memory;
      const length = readBatchSize(bytes, 0);
      return this.#appendTaken(bytes, length, options, rules.config, rules.nowMs, true);
    } catch (error) {
      throw appendError(this.#state.name, error);
    }
  }

  #rules(allowZstd = true): ClientBatchRules {
    const { config, runtime, codecs } = this.#state;
    return { config, allowZstd, nowMs: runtime.clock.now(), codecs };
  }

  /** Runs `run`, which appends. Its errors name the log. */
  #guard<Result>(run: () => Result): Result {
    this.#state.checkAppendable();
    try {
      return run();
    } catch (error) {
      throw appendError(this.#state.name, error);
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

  /** Checks that the producers may write the batches now. Returns the earlier result of a duplicate. */
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
      if (hasProducer) {
        this.#producers.check(batch, isClient, `Cannot append to ${this.#state.name}`);
      }
    }
    return null;
  }

  /** Assigns offsets to the checked batches and writes them. */
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
    const writer = this.#writer;
    if (writer.mustRoll(0, length, newestTimestamp(bytes, length), nextOffset - 1, nowMs)) {
      writer.roll(baseOffset, nextOffset - 1);
    }
    const { epochs } = this.#state;
    if (leaderEpoch > epochs.latestEpoch) epochs.assign(leaderEpoch, baseOffset);
    writer.write(bytes, 0, length, nowMs);
    return {
      baseOffset,
      lastOffset: nextOffset - 1,
      logAppendTimeMs: config.messageTimestampType === "LogAppendTime" ? nowMs : -1,
      duplicate: false,
    };
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
