/**
 * Appends batches that a follower has fetched from its leader: they keep the offsets and the leader
 * epochs that the leader gave them.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  readBaseOffset,
  readBatchSize,
  readLastOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  RecordError,
} from "../../protocol/records/batch.ts";
import { appendError } from "./append_error.ts";
import { isControlBatch, takeFetchedBatches } from "./append_validation.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type { LogState } from "../log_state.ts";
import type { AppendedRange } from "../log_types.ts";
import { checkMarkers } from "../producers/batch_replay.ts";

/** Appends to one log as a follower. */
export class FollowerAppender {
  readonly #state: LogState;
  readonly #writer: BatchWriter;

  constructor(state: LogState, writer: BatchWriter) {
    this.#state = state;
    this.#writer = writer;
  }

  /**
   * As `PartitionLog.appendAsFollower`. The batches are copied before this returns, and stored with one
   * write for each segment that they go to: on a throw, those before the end of a segment may be stored,
   * as `logEndOffset` shows. Throws OFFSET_OUT_OF_RANGE for a first batch below the log's end,
   * FENCED_LEADER_EPOCH for one of an older epoch than the records before it, CORRUPT_MESSAGE for a
   * damaged batch and for offsets that do not rise, NOT_LEADER_OR_FOLLOWER while the log is being
   * truncated, and KAFKA_STORAGE_ERROR.
   */
  append(records: Uint8Array, leaderEpoch: number): AppendedRange | null {
    const state = this.#state;
    state.checkAppendable();
    assert(!state.mustFlushFirst, "a log must be flushed before a follower appends to it");
    try {
      state.segments.active.prepareAppend();
      const { arena, length } = takeFetchedBatches(records, leaderEpoch);
      if (length === 0) return null;
      const bytes = arena.memory;
      const lastOffset = this.#checkOrder(bytes, length);
      const baseOffset = readBaseOffset(bytes, 0);
      this.#store(bytes, length, state.runtime.clock.now());
      return { baseOffset, lastOffset };
    } catch (error) {
      throw appendError(state.name, error);
    }
  }

  /** Throws unless the batches follow the log's end, and one another. Returns the last offset. */
  #checkOrder(bytes: Uint8Array, length: number): number {
    const { logEndOffset, epochs } = this.#state;
    let last = logEndOffset - 1;
    let epoch = epochs.epochForOffset(last);
    for (let at = 0; at < length; at += readBatchSize(bytes, at)) {
      const baseOffset = readBaseOffset(bytes, at);
      if (at === 0 && baseOffset <= last) {
        throw new KafkaError(
          ErrorCode.OFFSET_OUT_OF_RANGE,
          `the first batch begins at offset ${baseOffset}, and the log ends at ${logEndOffset}`,
        );
      }
      if (baseOffset <= last) {
        throw new RecordError(
          `the batch at byte ${at} begins at offset ${baseOffset}, behind offset ${last}`,
          "corrupt",
        );
      }
      const batchEpoch = readPartitionLeaderEpoch(bytes, at);
      // Recovery would take such a batch for one that a lost truncation brought back.
      if (batchEpoch >= 0 && batchEpoch < epoch) {
        throw new KafkaError(
          ErrorCode.FENCED_LEADER_EPOCH,
          `the batch at offset ${baseOffset} is of leader epoch ${batchEpoch}, behind records of ` +
            `${epoch}; truncate the log to where it parts from the leader's`,
        );
      }
      if (isControlBatch(bytes, at)) checkMarkers(bytes, at);
      epoch = Math.max(epoch, batchEpoch);
      last = readLastOffset(bytes, at);
    }
    return last;
  }

  /** Writes the batches with one system call for each segment that they go to. */
  #store(bytes: Uint8Array, length: number, nowMs: number): void {
    const writer = this.#writer;
    this.#dropEmptyEpochs();
    let start = 0;
    for (let at = 0; at < length;) {
      const size = readBatchSize(bytes, at);
      const timestamp = readMaxTimestamp(bytes, at);
      const lastOffset = readLastOffset(bytes, at);
      if (start < at && writer.mustRoll(at - start, size, timestamp, lastOffset, nowMs)) {
        this.#write(bytes, start, at, nowMs);
        start = at;
      }
      if (start === at && writer.mustRoll(0, size, timestamp, lastOffset, nowMs)) {
        writer.roll(readBaseOffset(bytes, at), lastOffset);
      }
      at += size;
    }
    this.#write(bytes, start, length, nowMs);
  }

  #write(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const { epochs } = this.#state;
    for (let at = start; at < end; at += readBatchSize(bytes, at)) {
      const epoch = readPartitionLeaderEpoch(bytes, at);
      if (epoch > epochs.latestEpoch) epochs.assign(epoch, readBaseOffset(bytes, at));
    }
    this.#writer.write(bytes, start, end, nowMs);
  }

  /** Removes leader epochs that begin at the log's end: their leaders appended nothing. */
  #dropEmptyEpochs(): void {
    const { epochs, logEndOffset } = this.#state;
    const latest = epochs.entries().at(-1);
    if (latest !== undefined && latest.startOffset >= logEndOffset) {
      epochs.truncateFromEnd(logEndOffset);
    }
  }
}
