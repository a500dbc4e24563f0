/**
 * Slower compression to smaller LZ4 blocks. Each position is compared with several earlier
 * positions of the same hash; the longest match is used, or a longer one that begins a byte later.
 * The number of comparisons is bounded, so that no input can stall a broker.
 *
 * @module
 */

import { copyBytes, type ViewedBytes } from "./byte_copy.ts";
import { LAST_LITERALS, MATCH_LIMIT, MINIMUM_MATCH, writeLength } from "./lz4_block.ts";

const HASH_BITS = 14;
/** The last position with each hash, plus one; 0 for none. */
const heads = new Uint32Array(1 << HASH_BITS);
/** The previous position with the same hash, plus one; 0 for none. */
const previous = new Uint32Array(65_536);

/** The position found by {@linkcode longestMatch}. */
let found = 0;

/** Like `compressLz4Block`, comparing up to `depth` positions (1 or more) for each position. */
export function compressLz4ChainBlock(
  source: ViewedBytes,
  start: number,
  end: number,
  output: ViewedBytes,
  to: number,
  limit: number,
  depth: number,
): number {
  const bytes = source.bytes;
  const target = output.bytes;
  heads.fill(0);
  const lastStart = end - MATCH_LIMIT;
  const matchEnd = end - LAST_LITERALS;
  let literalStart = start;
  let at = start;
  while (at <= lastStart) {
    let length = longestMatch(bytes, start, at, matchEnd, depth);
    insert(bytes, start, at);
    if (length < MINIMUM_MATCH) {
      at++;
      continue;
    }
    let candidate = found;
    if (at < lastStart) {
      const later = longestMatch(bytes, start, at + 1, matchEnd, depth);
      if (later > length + 1) {
        at++;
        insert(bytes, start, at);
        length = later;
        candidate = found;
      }
    }
    const literals = at - literalStart;
    const extra = length - MINIMUM_MATCH;
    if (to + 1 + literals + 2 + literals / 255 + extra / 255 + 2 > limit) return -1;
    target[to] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
    to = literals >= 15 ? writeLength(target, to + 1, literals - 15) : to + 1;
    copyBytes(source, literalStart, output, to, literals);
    to += literals;
    const distance = at - candidate;
    target[to] = distance;
    target[to + 1] = distance >>> 8;
    to += 2;
    if (extra >= 15) to = writeLength(target, to, extra - 15);
    literalStart = at + length;
    const insertEnd = Math.min(literalStart, lastStart + 1);
    for (let place = at + 1; place < insertEnd; place++) insert(bytes, start, place);
    at = literalStart;
  }
  const literals = end - literalStart;
  if (to + 1 + literals + literals / 255 + 1 > limit) return -1;
  target[to] = Math.min(literals, 15) << 4;
  to = literals >= 15 ? writeLength(target, to + 1, literals - 15) : to + 1;
  copyBytes(source, literalStart, output, to, literals);
  return to + literals;
}

function hashAt(bytes: Uint8Array, at: number): number {
  const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return Math.imul(word, -1640531535) >>> (32 - HASH_BITS);
}

function insert(bytes: Uint8Array, start: number, at: number): void {
  const hash = hashAt(bytes, at);
  previous[at - start] = heads[hash]!;
  heads[hash] = at - start + 1;
}

/** Returns the length of the longest match at `at` and stores its position in `found`. */
function longestMatch(
  bytes: Uint8Array,
  start: number,
  at: number,
  matchEnd: number,
  depth: number,
): number {
  let best = 0;
  let place = heads[hashAt(bytes, at)]!;
  for (let left = depth; left > 0 && place > 0; left--) {
    const candidate = start + place - 1;
    // Only longer matches count, so the byte after the current best length is compared first.
    if (bytes[candidate + best] === bytes[at + best]) {
      let length = 0;
      while (at + length < matchEnd && bytes[candidate + length] === bytes[at + length]) length++;
      if (length > best) {
        best = length;
        found = candidate;
        if (at + length === matchEnd) return best;
      }
    }
    place = previous[place - 1]!;
  }
  return best;
}
