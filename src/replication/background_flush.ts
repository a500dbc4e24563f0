/**
 * Brings logs to the disk when what is in them has been waiting for `flush.ms`: nobody waits for
 * that, it bounds what a loss of power can take. One timer serves all logs.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";
import { NO_LIMIT } from "../log/log_config.ts";

/** `flush.ms` of a log that is not flushed by time. */
export const NO_FLUSH_BY_TIME: number = NO_LIMIT;

/** The longest that a timer of the host takes. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** When each log that was written has to be flushed. */
export class BackgroundFlush<Log> {
  readonly #clock: Clock;
  readonly #flush: (log: Log) => void;
  readonly #minIntervalMs: () => number;
  readonly #dueMs = new Map<Log, number>();
  #timer: Timer | null = null;
  /** When the timer fires, Infinity without one. */
  #timerDueMs = Infinity;
  #lastLookMs = -Infinity;
  #isStopped = false;

  /**
   * `flush` is called with each log whose time has come. `minIntervalMs` is the shortest time between
   * two looks (`log.flush.scheduler.interval.ms`), 0 where each log is to be flushed on time.
   */
  constructor(clock: Clock, flush: (log: Log) => void, minIntervalMs: () => number) {
    this.#clock = clock;
    this.#flush = flush;
    this.#minIntervalMs = minIntervalMs;
  }

  /** How many logs wait for their time. */
  get size(): number {
    return this.#dueMs.size;
  }

  /** `log` was written: it is flushed in `flushMs` at the latest, unless it has an earlier date. */
  note(log: Log, flushMs: number): void {
    if (this.#isStopped) return;
    const due = this.#clock.monotonicMs() + flushMs;
    if ((this.#dueMs.get(log) ?? Infinity) <= due) return;
    this.#dueMs.set(log, due);
    if (due < this.#timerDueMs) this.#setTimer(due);
  }

  /** Forgets all logs and takes no more. */
  stop(): void {
    this.#isStopped = true;
    this.#dueMs.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #setTimer(dueMs: number): void {
    this.#timer?.cancel();
    const nextMs = Math.max(dueMs, this.#lastLookMs + this.#minIntervalMs());
    this.#timerDueMs = nextMs;
    const delayMs = Math.max(0, Math.ceil(nextMs - this.#clock.monotonicMs()));
    this.#timer = this.#clock.setTimer(Math.min(delayMs, LONGEST_TIMER_MS), () => this.#look());
  }

  #look(): void {
    const now = this.#clock.monotonicMs();
    this.#lastLookMs = now;
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
