/**
 * LZ4 blocks: sequences of a token, literals and a match. Compression finds matches with one hash
 * table, like the fast mode of the reference implementation.
 *
 * @module
 */

import { RecordError } from "../record_error.ts";
import { copyBytes, copyMatch, type ViewedBytes } from "./byte_copy.ts";

/** The minimum match length of the format. */
export const MINIMUM_MATCH = 4;
/** The last five bytes of a block must be literals. */
export const LAST_LITERALS = 5;
/** No match may begin in this many bytes at the end of a block. */
export const MATCH_LIMIT = 12;
const HASH_BITS = 14;
const table = new Uint16Array(1 << HASH_BITS);

/**
 * Compresses `source[start..end)`, at most 64 KiB, to `output[to..limit)`. Returns the position
 * after the output, or -1 if it does not fit; the output is then undefined.
 */
export function compressLz4Block(
  source: ViewedBytes,
  start: number,
  end: number,
  output: ViewedBytes,
  to: number,
  limit: number,
): number {
  const bytes = source.bytes;
  const target = output.bytes;
  table.fill(0);
  let literalStart = start;
  const lastStart = end - MATCH_LIMIT;
  const matchEnd = end - LAST_LITERALS;
  let at = start + 1;
  let misses = 64;
  while (at <= lastStart) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24);
    const hash = Math.imul(word, -1640531535) >>> (32 - HASH_BITS);
    let candidate = start + table[hash]!;
    table[hash] = at - start;
    const seen = bytes[candidate]! | (bytes[candidate + 1]! << 8) |
      (bytes[candidate + 2]! << 16) | (bytes[candidate + 3]! << 24);
    if (word !== seen) {
      // Without matches, skip increasingly many positions.
      at += misses++ >>> 6;
      continue;
    }
    misses = 64;
    while (at > literalStart && candidate > start && bytes[at - 1] === bytes[candidate - 1]) {
      at--;
      candidate--;
    }
    const distance = at - candidate;
    const matchStart = at;
    at += MINIMUM_MATCH;
    candidate += MINIMUM_MATCH;
    while (at < matchEnd && bytes[at] === bytes[candidate]) {
      at++;
      candidate++;
    }

    const literals = matchStart - literalStart;
    const extra = at - matchStart - MINIMUM_MATCH;
    if (to + 1 + literals + 2 + literals / 255 + extra / 255 + 2 > limit) return -1;
    target[to] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
    to = literals >= 15 ? writeLength(target, to + 1, literals - 15) : to + 1;
    copyBytes(source, literalStart, output, to, literals);
    to += literals;
    target[to] = distance;
    target[to + 1] = distance >>> 8;
    to += 2;
    if (extra >= 15) to = writeLength(target, to, extra - 15);
    literalStart = at;
    if (at <= lastStart) {
      const before = at - 2;
      const skipped = bytes[before]! | (bytes[before + 1]! << 8) | (bytes[before + 2]! << 16) |
        (bytes[before + 3]! << 24);
      table[Math.imul(skipped, -1640531535) >>> (32 - HASH_BITS)] = before - start;
    }
  }
  const literals = end - literalStart;
  if (to + 1 + literals + literals / 255 + 1 > limit) return -1;
  target[to] = Math.min(literals, 15) << 4;
  to = literals >= 15 ? writeLength(target, to + 1, literals - 15) : to + 1;
  copyBytes(source, literalStart, output, to, literals);
  return to + literals;
}

/** Writes the rest of a length that exceeds its four bits. Returns the position after it. */
export function writeLength(target: Uint8Array, to: number, rest: number): number {
  for (; rest >= 255; rest -= 255) target[to++] = 255;
  target[to++] = rest;
  return to;
}

/**
 * The position from which a block can be resumed after {@linkcode decompressLz4Block} returned -1.
 */
export const lz4Rest = { at: 0, to: 0 };

/**
 * Decompresses the block `source[at..end)` to `target[to..limit)`, which must exist. Matches may
 * reach back to `windowStart`. Returns the position after the output, or -1 if `limit` was reached:
 * call it again with a larger limit and the positions in {@linkcode lz4Rest}. Throws a {@linkcode
 * RecordError} of reason `invalid` for bad data.
 */
export function decompressLz4Block(
  source: ViewedBytes,
  at: number,
  end: number,
  target: ViewedBytes,
  to: number,
  limit: number,
  windowStart: number,
): number {
  const bytes = source.bytes;
  while (at < end) {
    const sequenceAt = at;
    const sequenceTo = to;
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let byte: number;
      do {
        if (at >= end) throw bad("a length is cut off");
        byte = bytes[at++]!;
        literals += byte;
      } while (byte === 255);
    }
    if (literals > end - at) throw bad("literals are cut off");
    if (literals > limit - to) return giveUp(sequenceAt, sequenceTo);
    copyBytes(source, at, target, to, literals);
    at += literals;
    to += literals;
    if (at === end) return to;

    if (end - at < 2) throw bad("a match is cut off");
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      let byte: number;
      do {
        if (at >= end) throw bad("a length is cut off");
        byte = bytes[at++]!;
        length += byte;
      } while (byte === 255);
    }
    length += MINIMUM_MATCH;
    if (distance === 0 || distance > to - windowStart) throw bad("a match reaches too far back");
    if (length > limit - to) return giveUp(sequenceAt, sequenceTo);
    copyMatch(target, to, distance, length);
    to += length;
  }
  throw bad("a block does not end with literals");
}

function giveUp(at: number, to: number): -1 {
  lz4Rest.at = at;
  lz4Rest.to = to;
  return -1;
}

function bad(why: string): RecordError {
  return new RecordError(`Cannot decompress lz4 data: ${why}`, "invalid");
}
