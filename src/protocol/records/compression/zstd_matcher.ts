/**
 * Finding repetitions for the zstd encoder: greedy, one hash table, the last offset first.
 *
 * @module
 */

import type { Steps } from "./steps.ts";

/** How far back a match may lie: the window that the frame announces for long contents. */
export const WINDOW_BYTES = 4_194_304;

const HASH_BITS = 16;
const MINIMUM_MATCH = 4;
/** Doubled by 128 misses: then every second position is looked at, and so on. */
const FIRST_MISSES = 128;
/** How much is searched in a step: half a block takes 0.4 ms. */
const SEARCH_BYTES = 65_536;

/** Literals and matches of one block, in parallel arrays. */
export class SequenceStore {
  /** How many sequences there are. */
  count = 0;
  /** How many literals there are, those behind the last match included. */
  literalCount = 0;
  readonly literals: Uint8Array;
  readonly literalLengths: Int32Array;
  readonly matchLengths: Int32Array;
  /** As the format has them: 1 to 3 for a recent offset, else the offset plus 3. */
  readonly offsetValues: Int32Array;

  /** For blocks of up to `maxBlockBytes`. */
  constructor(maxBlockBytes: number) {
    const most = Math.ceil(maxBlockBytes / MINIMUM_MATCH);
    this.literals = new Uint8Array(maxBlockBytes);
    this.literalLengths = new Int32Array(most);
    this.matchLengths = new Int32Array(most);
    this.offsetValues = new Int32Array(most);
  }
}

/** Finds the sequences of one frame's blocks, in order. */
export class Matcher {
  readonly #bytes: Uint8Array;
  /** For each hash, the position behind the last one seen, so that 0 is none. */
  readonly #table = new Int32Array(1 << HASH_BITS);
  /** The last three offsets, the newest first. A block that is stored raw must put them back. */
  offsets: [number, number, number] = [1, 4, 8];
  // Where the search in the current block stands.
  #at = 0;
  #literalStart = 0;
  #misses = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Fills `store` with the sequences of the block `bytes[start..end)`. */
  *find(start: number, end: number, store: SequenceStore): Steps<void> {
    store.count = 0;
    store.literalCount = 0;
    this.#literalStart = start;
    this.#at = Math.max(start, 1);
    this.#misses = FIRST_MISSES;
    // A word must be there to be read, one position ahead.
    const lastStart = end - MINIMUM_MATCH - 1;
    while (this.#at <= lastStart) {
      this.#findUpTo(Math.min(lastStart, this.#at + SEARCH_BYTES), end, store);
      if (this.#at <= lastStart) yield;
    }
    store.literals.set(this.#bytes.subarray(this.#literalStart, end), store.literalCount);
    store.literalCount += end - this.#literalStart;
  }

  /** Finds the matches that begin up to `lastStart`. */
  #findUpTo(lastStart: number, end: number, store: SequenceStore): void {
    const bytes = this.#bytes;
    const table = this.#table;
    let literalStart = this.#literalStart;
    let at = this.#at;
    let misses = this.#misses;
    while (at <= lastStart) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
        (bytes[at + 3]! << 24);
      const hash = Math.imul(word, -1640531535) >>> (32 - HASH_BITS);
      let candidate = table[hash]! - 1;
      table[hash] = at + 1;
      const next = at + 1;
      const repeated = next - this.offsets[0];
      if (
        repeated >= 0 && bytes[repeated] === bytes[next] &&
        bytes[repeated + 1] === bytes[next + 1] && bytes[repeated + 2] === bytes[next + 2] &&
        bytes[repeated + 3] === bytes[next + 3]
      ) {
        at = next;
        candidate = repeated;
      } else if (
        candidate < 0 || at - candidate > WINDOW_BYTES ||
        word !== (bytes[candidate]! | (bytes[candidate + 1]! << 8) |
            (bytes[candidate + 2]! << 16) | (bytes[candidate + 3]! << 24))
      ) {
        // Where nothing matches, look less and less often.
        at += misses++ >>> 7;
        continue;
      }
      misses = FIRST_MISSES;
      while (at > literalStart && candidate > 0 && bytes[at - 1] === bytes[candidate - 1]) {
        at--;
        candidate--;
      }
      let length = MINIMUM_MATCH;
      while (at + length < end && bytes[at + length] === bytes[candidate + length]) length++;
      this.#add(store, literalStart, at, at - candidate, length);
      // Remember a position inside the match: long texts repeat from anywhere.
      const inside = at + 2;
      const seen = bytes[inside]! | (bytes[inside + 1]! << 8) | (bytes[inside + 2]! << 16) |
        (bytes[inside + 3]! << 24);
      table[Math.imul(seen, -1640531535) >>> (32 - HASH_BITS)] = inside + 1;
      at += length;
      literalStart = at;
    }
    this.#at = at;
    this.#literalStart = literalStart;
    this.#misses = misses;
  }

  #add(
    store: SequenceStore,
    literalStart: number,
    matchStart: number,
    offset: number,
    matchLength: number,
  ): void {
    const literalLength = matchStart - literalStart;
    store.literals.set(this.#bytes.subarray(literalStart, matchStart), store.literalCount);
    store.literalCount += literalLength;
    store.literalLengths[store.count] = literalLength;
    store.matchLengths[store.count] = matchLength;
    store.offsetValues[store.count] = this.#nameOffset(offset, literalLength);
    store.count++;
  }

  /** The decoder's way with recent offsets (RFC 8878, section 3.1.1.5), the other way round. */
  #nameOffset(offset: number, literalLength: number): number {
    const [first, second, third] = this.offsets;
    if (literalLength > 0 && offset === first) return 1;
    const shift = literalLength > 0 ? 0 : 1;
    if (offset === second) {
      this.offsets = [second, first, third];
      return 2 - shift;
    }
    this.offsets = [offset, first, second];
    if (offset === third) return 3 - shift;
    if (shift === 1 && offset === first - 1) return 3;
    return offset + 3;
  }
}
