/**
 * Flushes logs whose oldest unflushed record is older than `flush.ms`. No request waits for this flush; it
 * bounds what a loss of power can lose. One timer serves all logs.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";
import { NO_LIMIT } from "../log/log_config.ts";

/** `flush.ms` of a log that is not flushed by time. */
export const NO_FLUSH_BY_TIME: number = NO_LIMIT;

/** The longest delay that a timer of the host can have. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Schedules the flushes of logs. */
export class BackgroundFlush<Log> {
  readonly #clock: Clock;
  readonly #flush: (log: Log) => void;
  readonly #minIntervalMs: () => number;
  readonly #dueMs = new Map<Log, number>();
  #timer: Timer | null = null;
  /** When the timer fires, Infinity without one. */
  #timerDueMs = Infinity;
  #lastCheckMs = -Infinity;
  #isStopped = false;

  /**
   * `flush` is called with each log that is due. `minIntervalMs` is the shortest time between two checks
   * (`log.flush.scheduler.interval.ms`), 0 where each log is flushed on time.
   */
  constructor(clock: Clock, flush: (log: Log) => void, minIntervalMs: () => number) {
    this.#clock = clock;
    this.#flush = flush;
    this.#minIntervalMs = minIntervalMs;
  }

  /** How many logs are scheduled. */
  get size(): number {
    return this.#dueMs.size;
  }

  /** Schedules a flush of `log`, which has been written, in `flushMs`, unless an earlier one is scheduled. */
  schedule(log: Log, flushMs: number): void {
    if (this.#isStopped) return;
    const due = this.#clock.monotonicMs() + flushMs;
    if ((this.#dueMs.get(log) ?? Infinity) <= due) return;
    this.#dueMs.set(log, due);
    if (due < this.#timerDueMs) this.#setTimer(due);
  }

  /** Cancels all flushes and schedules no more. */
  stop(): void {
    this.#isStopped = true;
    this.#dueMs.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #setTimer(dueMs: number): void {
    this.#timer?.cancel();
    const nextMs = Math.max(dueMs, this.#lastCheckMs + this.#minIntervalMs());
    this.#timerDueMs = nextMs;
    const delayMs = Math.max(0, Math.ceil(nextMs - this.#clock.monotonicMs()));
    this.#timer = this.#clock.setTimer(Math.min(delayMs, LONGEST_TIMER_MS), () => this.#check());
  }

  #check(): void {
    const now = this.#clock.monotonicMs();
    this.#lastCheckMs = now;
    this.#timer = null;
    this.#timerDueMs = Infinity;
    let next = Infinity;
    for (const [log, due] of this.#dueMs) {
      if (due > now) {
        next = Math.min(next, due);
        continue;
      }
      this.#dueMs.delete(log);
      this.#flush(log);
    }
    if (next < this.#timerDueMs) this.#setTimer(next);
  }
}
