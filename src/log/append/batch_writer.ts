/**
 * Writes batches that have been checked, and have their offsets, at the end of a log. No batch is
 * visible before all of it is written.
 *
 * @module
 */
import { type Int64, subtractInt64 } from "../../protocol/int64.ts";
import {
  readBaseOffset,
  readBatchSize,
  readLastOffsetDelta,
  readMaxTimestamp,
} from "../../protocol/records/batch.ts";
import { isDescriptorShortage } from "../../runtime/runtime.ts";
import { readProducedBatch } from "./append_validation.ts";
import type { LogDurability } from "../log_durability.ts";
import type { LogState } from "../log_state.ts";
import { LogReplay } from "../producers/batch_replay.ts";
import type { ProducedBatch } from "../producers/producer_state.ts";
import type { Segment } from "../segments/segment.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";
import { storageError } from "../storage_error.ts";

/** The largest distance of an offset from its segment's first. */
const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

/** Writes to one log. */
export class BatchWriter {
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #produced: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** A writer to the log of `state`. */
  constructor(state: LogState, durability: LogDurability) {
    this.#state = state;
    this.#durability = durability;
  }

  /**
   * Whether `length` bytes need a new segment, by its size, its age and its offsets, once `pending`
   * bytes have been written to the active one.
   */
  mustRoll(
    pending: number,
    length: number,
    maxTimestamp: Int64,
    lastOffset: number,
    nowMs: number,
  ): boolean {
    const { config, segments: { active: segment } } = this.#state;
    if (lastOffset - segment.baseOffset > LARGEST_RELATIVE_OFFSET) return true;
    if (segment.size + pending === 0) return false;
    const age = segment.firstTimestamp >= 0
      ? subtractInt64(maxTimestamp, segment.firstTimestamp)
      : nowMs - segment.createdMs;
    return segment.size + pending + length > config.segmentBytes ||
      age > config.segmentMs - segment.rollJitterMs;
  }

  /**
   * Begins another segment for a batch with the offsets `baseOffset` to `lastOffset`: at the log's end,
   * or, when the gap between the two is too long for a segment's relative offsets, at `baseOffset`.
   */
  roll(baseOffset: number, lastOffset: number): void {
    const { logEndOffset } = this.#state;
    const isFar = lastOffset - logEndOffset > LARGEST_RELATIVE_OFFSET;
    this.#durability.roll(isFar ? baseOffset : logEndOffset);
  }

  /**
   * Writes the batches `bytes[start..end)` with one system call and makes them visible. On a throw
   * none of them is, unless the log has failed. Throws a KAFKA_STORAGE_ERROR.
   */
  write(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const segment = this.#state.segments.active;
    try {
      segment.write(bytes.subarray(start, end));
    } catch (error) {
      throw this.#writeFailed(segment, error);
    }
    for (let at = start; at < end;) {
      const size = readBatchSize(bytes, at);
      const baseOffset = readBaseOffset(bytes, at);
      const lastOffset = baseOffset + readLastOffsetDelta(bytes, at);
      segment.addBatch(size, baseOffset, lastOffset, readMaxTimestamp(bytes, at));
      if (readProducedBatch(bytes, at, this.#produced)) {
        const { producers } = this.#state;
        const aborted = LogReplay.track(producers, this.#produced, bytes, at, nowMs);
        if (aborted !== null) this.#keepAborted(segment, aborted);
      }
      at += size;
    }
  }

  /** Adds an aborted transaction to the index. Its marker is stored: if that fails, the log stops. */
  #keepAborted(segment: Segment, aborted: AbortedTransaction): void {
    try {
      const isNew = segment.aborted.append(aborted, segment.baseOffset, aborted.lastOffset + 1);
      if (isNew) this.#state.segments.markDirectoryDirty();
    } catch (error) {
      this.#cannotRestore(error);
    }
  }

  /**
   * Cuts off what a failed write may have left. The log stops when that fails too. A file that could
   * not be opened for want of a descriptor was not written.
   */
  #writeFailed(segment: Segment, cause: unknown): Error {
    const error = storageError(`Cannot append to ${this.#state.name}`, cause);
    if (isDescriptorShortage(cause)) return error;
    try {
      segment.dropUnfinished();
    } catch (second) {
      this.#cannotRestore(second);
    }
    return error;
  }

  #cannotRestore(error: unknown): void {
    const { health, name } = this.#state;
    health.fail(`Cannot restore the end of ${name}`, error);
  }
}
