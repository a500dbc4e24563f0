/**
 * Appends records without effect to the log of an idle cluster. See {@linkcode decideNoOp}.
 *
 * @module
 */
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { decideNoOp, noOpDueAt } from "./no_op.ts";
import { Timetable } from "./timetable.ts";

/** The dependencies of an {@linkcode IdleLog}. */
export interface IdleLogOptions {
  readonly clock: Clock;
  /** `metadata.max.idle.interval.ms`. 0 disables the records. */
  readonly maxIdleIntervalMs: number;
  /** Returns whether any other node reads the log. Without one it needs no such records. */
  readonly hasFollowers: () => boolean;
  /** Appends records and reports them with {@linkcode IdleLog.onApplied}. */
  readonly append: (records: readonly MetadataRecordInput[]) => void;
}

/** Keeps the log of one leadership from being idle for too long. */
export class IdleLog {
  readonly #options: IdleLogOptions;
  readonly #timetable: Timetable;
  #lastAppendMs: number;
  #lastOffset = -1;

  constructor(options: IdleLogOptions) {
    const { clock } = this.#options = options;
    this.#lastAppendMs = clock.monotonicMs();
    this.#timetable = new Timetable(clock, () => this.#onTimer());
  }

  /** Takes note that the last record of the log is at `lastOffset`. */
  onApplied(lastOffset: number): void {
    if (lastOffset > this.#lastOffset) {
      this.#lastOffset = lastOffset;
      this.#lastAppendMs = this.#options.clock.monotonicMs();
    }
    this.#schedule();
  }

  /** Ends with the leadership. */
  stop(): void {
    this.#timetable.stop();
  }

  #onTimer(): void {
    const { clock, maxIdleIntervalMs, hasFollowers, append } = this.#options;
    const now = clock.monotonicMs();
    const records = decideNoOp({ lastAppendMs: this.#lastAppendMs, maxIdleIntervalMs }, now);
    if (records.length > 0 && hasFollowers()) {
      // Another one is due an interval after this one, although it may wait for its turn.
      this.#lastAppendMs = now;
      append(records);
    }
    this.#schedule();
  }

  #schedule(): void {
    const { maxIdleIntervalMs, hasFollowers } = this.#options;
    const input = { lastAppendMs: this.#lastAppendMs, maxIdleIntervalMs };
    this.#timetable.wakeAt(hasFollowers() ? noOpDueAt(input) ?? Infinity : Infinity);
  }
}
