/**
 * The clock of a simulated replica: monotonic, at a speed of its own, and it may jump forward.
 *
 * @module
 */

/** A clock that is derived from the time of the simulation, in milliseconds. */
export class ReplicaClock {
  #offset: number;
  readonly #rate: number;

  constructor(offset: number, rate: number) {
    this.#offset = offset;
    this.#rate = rate;
  }

  /** Returns the time of this clock at `time` of the simulation. */
  read(time: number): number {
    return Math.floor(this.#offset + time * this.#rate);
  }

  /** Returns when this clock shows `reading`, at the earliest. */
  timeOf(reading: number): number {
    let time = Math.ceil((reading - this.#offset) / this.#rate);
    while (this.read(time) < reading) time++;
    return time;
  }

  jump(byMs: number): void {
    this.#offset += byMs;
  }
}
