/**
 * Deterministic random numbers for property tests. A failing test prints its seed and can be
 * repeated.
 *
 * @module
 */

/** A small seeded generator (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an unsigned 32-bit integer. */
  next(): number {
    let t = this.#state = this.#state + 0x6d2b79f5 | 0;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return (t ^ t >>> 14) >>> 0;
  }

  /** Returns an integer from 0 to `bound` - 1, or 0 for a bound of 0. */
  below(bound: number): number {
    return Math.floor(this.next() / 4294967296 * bound);
  }

  /** Returns true with probability 1/`n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.next();
    return out;
  }
}
