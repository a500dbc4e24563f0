/**
 * A typed array of 64-bit integers, eight bytes each, that keeps values beyond 2^53 exact. Values
 * are stored as halves of 32 bits, so smaller values never need a `bigint`.
 *
 * @module
 */
import { highOf, type Int64, int64Of, lowOf } from "../../protocol/int64.ts";

/** An array of fixed length, initially all zeros. */
export class Int64Array {
  readonly #high: Int32Array<ArrayBuffer>;
  readonly #low: Int32Array<ArrayBuffer>;

  constructor(length: number) {
    this.#high = new Int32Array(length);
    this.#low = new Int32Array(length);
  }

  /** Creates an array of these values. */
  static of(...values: readonly Int64[]): Int64Array {
    const list = new Int64Array(values.length);
    for (const [index, value] of values.entries()) list.set(index, value);
    return list;
  }

  /** The number of values. */
  get length(): number {
    return this.#high.length;
  }

  /** Returns the value at `index`, which must be below {@linkcode Int64Array.length}. */
  at(index: number): Int64 {
    return int64Of(this.#high[index]!, this.#low[index]!);
  }

  /** Replaces the value at `index`. */
  set(index: number, value: Int64): void {
    this.#high[index] = highOf(value);
    this.#low[index] = lowOf(value);
  }

  /** Returns a copy with `length` values, truncated or padded with zeros. */
  resized(length: number): Int64Array {
    const list = new Int64Array(length);
    const kept = Math.min(length, this.length);
    list.#high.set(this.#high.subarray(0, kept));
    list.#low.set(this.#low.subarray(0, kept));
    return list;
  }

  /**
   * Returns the index of the last of the first `length` values, in rising order, that is at most
   * `wanted`, or -1.
   */
  lastAtMost(wanted: Int64, length: number): number {
    const wantedHigh = highOf(wanted);
    const wantedLow = lowOf(wanted) >>> 0;
    let begin = 0;
    let end = length;
    while (begin < end) {
      const middle = (begin + end) >>> 1;
      const high = this.#high[middle]!;
      const isAtMost = high < wantedHigh ||
        (high === wantedHigh && this.#low[middle]! >>> 0 <= wantedLow);
      if (isAtMost) begin = middle + 1;
      else end = middle;
    }
    return begin - 1;
  }
}
