/**
 * Repeatable random numbers: xoshiro128**, by Blackman and Vigna, seeded through splitmix32.
 *
 * @module
 */

import type { RandomSource } from "../runtime/runtime.ts";
import { drawBelow } from "../runtime/draw.ts";

/** Mixes a step of a counter into 32 well spread bits. */
function splitmix32(state: number): number {
  let mixed = state | 0;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x21f0aaad);
  mixed = Math.imul(mixed ^ mixed >>> 15, 0x735a2d97);
  return (mixed ^ mixed >>> 15) >>> 0;
}

/** One stream of random numbers; the same seed and label give the same stream, on every host. */
export class Xoshiro128 implements RandomSource {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * `seed` is a whole number from 0 to 2^53 - 1. Streams with different labels are independent, so
   * that a draw more in one part of a run does not shift all the others.
   */
  constructor(seed: number, label = "") {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`Cannot seed with ${seed}: a seed is a whole number from 0 to 2^53 - 1`);
    }
    let state = splitmix32(seed >>> 0) ^ splitmix32(Math.floor(seed / 2 ** 32) + 0x51ed2701);
    for (let index = 0; index < label.length; index++) {
      state = splitmix32(state + label.charCodeAt(index) + 0x9e3779b9);
    }
    const next = (): number => splitmix32(state = state + 0x9e3779b9 | 0);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    // All zeros is the one state that does not move.
    this.#d = next() || 1;
  }

  /** The next 32 bits. */
  nextUint32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul(scrambled << 7 | scrambled >>> 25, 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = this.#d << 11 | this.#d >>> 21;
    return result;
  }

  /** As {@linkcode RandomSource.below}. */
  below(bound: number): number {
    return drawBelow(bound, () => this.nextUint32());
  }

  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `times` draws, on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** As {@linkcode RandomSource.fill}. */
  fill(target: Uint8Array): Uint8Array {
    for (let index = 0; index < target.length; index += 4) {
      const drawn = this.nextUint32();
      const end = Math.min(4, target.length - index);
      for (let byte = 0; byte < end; byte++) target[index + byte] = drawn >>> byte * 8;
    }
    return target;
  }
}
