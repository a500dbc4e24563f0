/**
 * One timer that moves with the work that is due.
 *
 * @module
 */
import type { Clock, Timer } from "../../runtime/runtime.ts";

/** A timer that ran later than this was held up by other work of the process. */
const LATE_MS = 100;
/** The longest time that a timer of the host can wait. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Calls one function when something is due. */
export class Timetable {
  readonly #clock: Clock;
  readonly #onDue: (lateMs: number) => void;
  #timer: { readonly at: number; readonly dueAt: number; readonly timer: Timer } | null = null;
  #isStopped = false;

  /** `onDue` gets by how much the timer was late, 0 for less than {@linkcode LATE_MS}, ms. */
  constructor(clock: Clock, onDue: (lateMs: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /**
   * Sets the time of the next call, of the monotonic clock; infinite for none. A time that has passed means
   * at once, which is not late. Calls far in the future may come early. A timer that is late already stays:
   * its call reports the delay, and the caller sets the next time.
   */
  wakeAt(at: number): void {
    const now = this.#clock.monotonicMs();
    if (this.#isStopped || this.#timer?.at === at || this.#lateMs(now) > 0) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const delayMs = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(at - now)));
    const dueAt = Math.max(at, now);
    const timer = this.#clock.setTimer(delayMs, () => {
      const lateMs = this.#lateMs(this.#clock.monotonicMs());
      this.#timer = null;
      this.#onDue(lateMs);
    });
    this.#timer = { at, dueAt, timer };
  }

  /** Returns by how much the timer is late, 0 for less than {@linkcode LATE_MS}, ms. */
  #lateMs(now: number): number {
    const lateMs = this.#timer === null ? 0 : now - this.#timer.dueAt;
    return lateMs > LATE_MS ? lateMs : 0;
  }

  /** Stops: no call follows. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.timer.cancel();
    this.#timer = null;
  }
}
