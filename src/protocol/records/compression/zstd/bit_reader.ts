/**
 * Bit streams of zstd. Numbers are little-endian; most streams are written forwards and read
 * backwards from their last set bit (RFC 8878, sections 3.1.1.3 and 4).
 *
 * @module
 */

import { badZstd } from "./bad_zstd.ts";

/** Returns the position of the highest set bit of `value`, a positive int32: floor(log2(value)). */
export function highestBit(value: number): number {
  return 31 - Math.clz32(value);
}

/** Reads a bit stream from its end. Beyond its start it reads zeros and `position` is negative. */
export class BackwardBitReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Number of bits left to read. */
  position: number;

  /** Reads `bytes[start..end)`. Throws `invalid` if the end mark is missing. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0;
    if (last === 0) throw badZstd("a bit stream has no end mark");
    this.#bytes = bytes;
    this.#start = start;
    this.position = (end - 1 - start) * 8 + highestBit(last);
  }

  /** Reads the next `count` bits, 0 to 31. */
  read(count: number): number {
    if (count > 25) {
      const high = this.read(count - 16);
      return high * 65_536 + this.read(16);
    }
    this.position -= count;
    const position = this.position;
    if (position < 0) return this.#readBeforeStart(count);
    const bytes = this.#bytes;
    const at = this.#start + (position >> 3);
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  }

  #readBeforeStart(count: number): number {
    const missing = -this.position;
    if (missing >= count) return 0;
    let value = 0;
    for (let bit = count - missing - 1; bit >= 0; bit--) {
      value = (value << 1) | ((this.#bytes[this.#start + (bit >> 3)]! >>> (bit & 7)) & 1);
    }
    return value << missing;
  }
}
