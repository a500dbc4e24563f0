/**
 * Deletion at the beginning of a log, by request and by retention.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { LogDurability } from "./log_durability.ts";
import type { LogStart } from "./log_start.ts";
import type { LogState } from "./log_state.ts";
import { countDeletable } from "./segments/retention.ts";

/** Deletes the oldest records of one log. Methods throw a `KafkaError`. */
export class LogDeletion {
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #start: LogStart;

  constructor(state: LogState, durability: LogDurability, start: LogStart) {
    this.#state = state;
    this.#durability = durability;
    this.#start = start;
  }

  /** As `PartitionLog.deleteRecordsBefore`. */
  deleteRecordsBefore(offset: number): void {
    const { health, segments, name, logEndOffset, logStartOffset, runtime } = this.#state;
    if (offset > logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot delete the records of ${name} before ${offset}: it ends at ${logEndOffset}`,
      );
    }
    if (offset <= logStartOffset) return;
    this.#state.checkAppendable();
    health.change("delete records of", () => {
      this.#advance(offset, segments.countBefore(offset), runtime.clock.now());
    });
  }

  /** As `PartitionLog.applyRetention`. */
  applyRetention(nowMs: number, highWatermark: number): number {
    const state = this.#state;
    const { segments, config, logStartOffset } = state;
    if (state.truncation !== null) return 0;
    return state.health.change("delete old segments of", () => {
      this.#start.removeRetired(nowMs);
      state.producers.forgetStable(highWatermark);
      const count = countDeletable({
        segments: segments.all,
        config,
        logStartOffset,
        highWatermark,
        nowMs,
      });
      if (count === 0) return 0;
      if (count === segments.all.length) this.#durability.roll();
      this.#advance(segments.all[count]!.baseOffset, count, nowMs);
      return count;
    });
  }

  /** Retires the oldest `count` segments, and then saves `offset` as the log's start. */
  #advance(offset: number, count: number, nowMs: number): void {
    const state = this.#state;
    const rises = offset > state.logStartOffset;
    if (rises) state.logStartOffset = offset;
    state.segments.retire(count, nowMs + state.config.fileDeleteDelayMs);
    if (rises) this.#start.save(false);
    this.#start.removeRetired(nowMs);
    state.removeObsoleteSnapshots();
    if (rises) state.epochs.truncateFromStart(offset);
  }
}
