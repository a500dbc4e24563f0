/**
 * The clock of a simulated machine: a wall clock that may be wrong, jump, and run too fast or too slow,
 * and the oscillator that its timers and monotonic clocks follow.
 *
 * @module
 */

import type { SimulatedTime } from "./simulated_time.ts";

/** The clock of one machine. It outlives the machine's processes. */
export class MachineClock {
  /** The moment of the last change of the drift: true time, and the machine's time. */
  #sinceUs = 0;
  #elapsedUs = 0;
  #rate = 1;
  #offsetMs = 0;

  /** `epochMs` is the true wall-clock time at the start of the run, in ms since 1970. */
  constructor(
    readonly time: SimulatedTime,
    readonly epochMs: number,
    readonly trace: (event: string) => void = () => {},
  ) {}

  /**
   * Microseconds since the start of the run by the machine's oscillator, whole. Follows the drift, and
   * never goes back or jumps.
   */
  get elapsedUs(): number {
    if (this.#rate === 1) return this.#elapsedUs + this.time.nowUs - this.#sinceUs;
    return this.#elapsedUs + Math.floor((this.time.nowUs - this.#sinceUs) * this.#rate);
  }

  /** The wall clock, in whole milliseconds since 1970. */
  now(): number {
    return this.epochMs + this.#offsetMs + Math.floor(this.elapsedUs / 1000);
  }

  /** How far the wall clock was set ahead of the time since the start, in ms. Negative when behind. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Sets the wall clock: it jumps by the difference, a whole number of milliseconds. */
  set offsetMs(offsetMs: number) {
    if (!Number.isSafeInteger(offsetMs)) {
      throw new RangeError(`Cannot set a clock by ${offsetMs} ms: a whole number is needed`);
    }
    this.#offsetMs = offsetMs;
    this.trace(`offset ${offsetMs} ms`);
  }

  /** Sets the wall clock forward by `byMs`, or back when that is negative. */
  jump(byMs: number): void {
    this.offsetMs = this.#offsetMs + byMs;
  }

  /** How much faster than true time the oscillator runs, in millionths. */
  get driftPpm(): number {
    return Math.round((this.#rate - 1) * 1e6);
  }

  /** Changes the drift from now on. Pending timers stay due when they were. */
  set driftPpm(ppm: number) {
    if (!Number.isInteger(ppm) || ppm <= -1e6) {
      throw new RangeError(`Cannot drift by ${ppm} ppm: a whole number above -1,000,000 is needed`);
    }
    this.#elapsedUs = this.elapsedUs;
    this.#sinceUs = this.time.nowUs;
    this.#rate = 1 + ppm / 1e6;
    this.trace(`drift ${ppm} ppm`);
  }

  /** How much true time passes while the oscillator advances by `delayMs`, in whole microseconds. */
  delayUs(delayMs: number): number {
    return Math.max(1, Math.round(delayMs * 1000 / this.#rate));
  }
}
