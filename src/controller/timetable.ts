/**
 * One timer that moves with the work that is due.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";

/** A timer that ran later than this was held up by other work of the process. */
const LATE_MS = 100;

/** Calls one function when something is due. */
export class Timetable {
  readonly #clock: Clock;
  readonly #onDue: (lateMs: number) => void;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #isStopped = false;

  /** `onDue` gets by how much the call was late, 0 if not worth mentioning, ms. */
  constructor(clock: Clock, onDue: (lateMs: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Sets the time of the next call, of the monotonic clock; infinite for none. */
  wakeAt(at: number): void {
    if (this.#isStopped || this.#timer?.at === at) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const delayMs = Math.max(0, Math.ceil(at - this.#clock.monotonicMs()));
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = null;
      const lateMs = this.#clock.monotonicMs() - at;
      this.#onDue(lateMs > LATE_MS ? lateMs : 0);
    });
    this.#timer = { at, timer };
  }

  /** Makes no call any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.timer.cancel();
    this.#timer = null;
  }
}
