/**
 * Snappy. Kafka's clients write the framed form of the Java library (xerial): a header, then chunks
 * with a length and a raw block. Some clients write a single raw block, which is accepted too.
 *
 * @module
 */

import { RecordError } from "../record_error.ts";
import { COPY_SLACK, copyBytes, copyMatch, viewed, type ViewedBytes } from "./byte_copy.ts";
import { tooLarge } from "./host_decompression.ts";
import { atOnce, Effort, STEP_BYTES, type Steps } from "./steps.ts";

/** 0x82 "SNAPPY" 0, then the version and the minimum compatible version, both 1. */
const FRAME_HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
const FRAME_MAGIC_LENGTH = 8;
/** The input block size of the Java library. Distances fit 16 bits. */
const BLOCK_BYTES = 32_768;
/** Maximum growth of a block: a copy of 64 bytes takes three bytes. */
const MAXIMUM_RATIO = 22;
const HASH_BITS = 13;
/** Cost of a chunk header, in bytes of uncompressed data. */
const CHUNK_HEADER_EFFORT = 256;

/** Compresses `bytes` to the framed form. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return atOnce(compressSnappyInSteps(bytes));
}

/** Like {@linkcode compressSnappy}, two blocks per step. */
export function* compressSnappyInSteps(bytes: Uint8Array): Steps<Uint8Array> {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  // The worst case is a block of literals: a length of up to 3 bytes, and 3 more before each run.
  const target = new Uint8Array(
    FRAME_HEADER.length + blocks * (4 + 8) + bytes.length + Math.ceil(bytes.length / 6),
  );
  target.set(FRAME_HEADER);
  const output = viewed(target);
  let at = FRAME_HEADER.length;
  const table = new Uint16Array(1 << HASH_BITS);
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    if (start > 0 && start % STEP_BYTES === 0) yield;
    const block = viewed(bytes.subarray(start, start + BLOCK_BYTES));
    table.fill(0);
    const end = compressBlock(block, output, at + 4, table);
    const length = end - at - 4;
    target[at] = length >>> 24;
    target[at + 1] = length >>> 16;
    target[at + 2] = length >>> 8;
    target[at + 3] = length;
    at = end;
  }
  return target.subarray(0, at);
}

/**
 * Decompresses framed or raw data. Throws `invalid` for bad data, `too-large` beyond `maxBytes`.
 */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return atOnce(decompressSnappyInSteps(bytes, maxBytes));
}

/**
 * Like {@linkcode decompressSnappy}, in steps. A run of literals that exceeds a step is copied in
 * one step.
 */
export function* decompressSnappyInSteps(bytes: Uint8Array, maxBytes: number): Steps<Uint8Array> {
  const source = viewed(bytes);
  const effort = new Effort();
  if (!isFrameHeader(bytes, 0)) {
    const length = uncompressedLength(bytes, 0, bytes.length, maxBytes);
    const target = viewed(new Uint8Array(length + COPY_SLACK));
    yield* decompressBlock(source, lengthEnd, bytes.length, target, 0, length, effort);
    return target.bytes.subarray(0, length);
  }
  // The chunks announce their uncompressed length, so the total is known before writing.
  let total = 0;
  for (let at = nextChunk(bytes, 0); at < bytes.length;) {
    const end = at + 4 + chunkLength(bytes, at);
    total += uncompressedLength(bytes, at + 4, end, maxBytes - total);
    at = nextChunk(bytes, end);
    if (effort.spend(CHUNK_HEADER_EFFORT)) yield;
  }
  const target = viewed(new Uint8Array(total + COPY_SLACK));
  let written = 0;
  for (let at = nextChunk(bytes, 0); at < bytes.length;) {
    const end = at + 4 + chunkLength(bytes, at);
    const length = uncompressedLength(bytes, at + 4, end, total - written);
    yield* decompressBlock(source, lengthEnd, end, target, written, written + length, effort);
    written += length;
    at = nextChunk(bytes, end);
  }
  return target.bytes.subarray(0, total);
}

function isFrameHeader(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < FRAME_HEADER.length) return false;
  for (let index = 0; index < FRAME_MAGIC_LENGTH; index++) {
    if (bytes[at + index] !== FRAME_HEADER[index]) return false;
  }
  return true;
}

/** Skips frame headers: the first, and those of concatenated streams. */
function nextChunk(bytes: Uint8Array, at: number): number {
  while (isFrameHeader(bytes, at)) at += FRAME_HEADER.length;
  return at;
}

function chunkLength(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < 4) throw bad("a chunk's length is cut off");
  const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!;
  if (length <= 0 || length > bytes.length - at - 4) {
    throw bad(`a chunk announces ${length} bytes but has ${bytes.length - at - 4}`);
  }
  return length;
}

// The position after the block length that was read last.
let lengthEnd = 0;

/**
 * Returns the uncompressed length at the start of the block `bytes[at..end)`, checked against what
 * the block can hold.
 */
function uncompressedLength(bytes: Uint8Array, at: number, end: number, maxBytes: number): number {
  let length = 0;
  for (let shift = 0, start = at;; shift += 7) {
    if (at >= end || shift > 28) throw bad("a block's length is cut off or too long");
    const byte = bytes[at++]!;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      lengthEnd = at;
      if (length > (end - start) * MAXIMUM_RATIO) {
        throw bad(`a block of ${end - start} bytes announces ${length} uncompressed bytes`);
      }
      if (length > maxBytes) throw tooLarge("snappy", maxBytes);
      return length;
    }
  }
}

/** Fills `target[start..limit)` from the block whose elements are `bytes[at..end)`. */
function* decompressBlock(
  source: ViewedBytes,
  at: number,
  end: number,
  target: ViewedBytes,
  start: number,
  limit: number,
  effort: Effort,
): Steps<void> {
  let stepBytes = STEP_BYTES;
  for (let to = start;;) {
    const stepLimit = Math.min(limit, to + stepBytes);
    const written = fillFromBlock(source, at, end, target, start, to, stepLimit, limit);
    if (written !== -1) {
      if (effort.spend(CHUNK_HEADER_EFFORT + written - to)) yield;
      return;
    }
    at = restAt;
    if (restTo === to) stepBytes *= 2;
    else {
      stepBytes = STEP_BYTES;
      yield;
    }
    to = restTo;
  }
}

// The position from which a block that exceeded its step can be resumed.
let restAt = 0;
let restTo = 0;

/**
 * Fills `target[to..stepLimit)`. Returns the position after the output at the end of the block, or
 * -1 if the next element exceeds `stepLimit`, which is at most `limit`.
 */
function fillFromBlock(
  source: ViewedBytes,
  at: number,
  end: number,
  target: ViewedBytes,
  start: number,
  to: number,
  stepLimit: number,
  limit: number,
): number {
  const bytes = source.bytes;
  while (at < end) {
    const elementAt = at;
    const tag = bytes[at++]!;
    let length = (tag >>> 2) + 1;
    if ((tag & 3) === 0) {
      if (length > 60) {
        const extra = length - 60;
        if (at + extra > end) throw bad("a literal's length is cut off");
        length = 1;
        for (let index = 0; index < extra; index++) length += bytes[at + index]! * 2 ** (8 * index);
        at += extra;
      }
      if (length > end - at) throw bad("a literal is too long");
      if (length > stepLimit - to) {
        if (length > limit - to) throw bad("a literal is too long");
        return stopAt(elementAt, to);
      }
      copyBytes(source, at, target, to, length);
      at += length;
    } else {
      let distance: number;
      if ((tag & 3) === 1) {
        if (at >= end) throw bad("a copy is cut off");
        length = ((tag >>> 2) & 7) + 4;
        distance = ((tag >>> 5) << 8) | bytes[at++]!;
      } else if ((tag & 3) === 2) {
        if (at + 2 > end) throw bad("a copy is cut off");
        distance = bytes[at]! | (bytes[at + 1]! << 8);
        at += 2;
      } else {
        if (at + 4 > end) throw bad("a copy is cut off");
        distance = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
          (bytes[at + 3]! << 24)) >>> 0;
        at += 4;
      }
      if (distance === 0 || distance > to - start) throw bad("a copy reaches before the block");
      if (length > stepLimit - to) {
        if (length > limit - to) throw bad("a copy is too long");
        return stopAt(elementAt, to);
      }
      copyMatch(target, to, distance, length);
    }
    to += length;
  }
  if (to !== limit) throw bad(`a block is ${limit - to} bytes short`);
  return to;
}

function stopAt(at: number, to: number): -1 {
  restAt = at;
  restTo = to;
  return -1;
}

/** Writes the raw block of `block` (at most 64 KiB) at `to` and returns the position after it. */
function compressBlock(
  source: ViewedBytes,
  output: ViewedBytes,
  to: number,
  table: Uint16Array,
): number {
  const block = source.bytes;
  const target = output.bytes;
  let rest = block.length;
  while (rest >= 0x80) {
    target[to++] = rest | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;

  let literalStart = 0;
  // A match takes four bytes, and the word after a position must be readable.
  const lastStart = block.length - 5;
  let at = 1;
  let misses = 32;
  while (at <= lastStart) {
    const word = block[at]! | (block[at + 1]! << 8) | (block[at + 2]! << 16) |
      (block[at + 3]! << 24);
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    let candidate = table[hash]!;
    table[hash] = at;
    const candidateWord = block[candidate]! | (block[candidate + 1]! << 8) |
      (block[candidate + 2]! << 16) | (block[candidate + 3]! << 24);
    if (word !== candidateWord) {
      // Without matches, skip increasingly many positions.
      at += misses++ >>> 5;
      continue;
    }
    misses = 32;
    if (at > literalStart) to = writeLiteral(source, literalStart, at, output, to);
    const distance = at - candidate;
    const matchStart = at;
    at += 4;
    candidate += 4;
    while (at < block.length && block[at] === block[candidate]) {
      at++;
      candidate++;
    }
    to = writeCopy(target, to, distance, at - matchStart);
    literalStart = at;
    if (at <= lastStart) {
      const before = at - 2;
      const seen = block[before]! | (block[before + 1]! << 8) | (block[before + 2]! << 16) |
        (block[before + 3]! << 24);
      table[Math.imul(seen, 0x1e35a7bd) >>> (32 - HASH_BITS)] = before;
    }
  }
  return literalStart < block.length
    ? writeLiteral(source, literalStart, block.length, output, to)
    : to;
}

function writeLiteral(
  source: ViewedBytes,
  from: number,
  end: number,
  output: ViewedBytes,
  to: number,
): number {
  const target = output.bytes;
  const length = end - from;
  const stored = length - 1;
  if (stored < 60) target[to++] = stored << 2;
  else if (stored < 0x100) {
    target[to++] = 60 << 2;
    target[to++] = stored;
  } else {
    target[to++] = 61 << 2;
    target[to++] = stored;
    target[to++] = stored >>> 8;
  }
  copyBytes(source, from, output, to, length);
  return to + length;
}

function writeCopy(target: Uint8Array, to: number, distance: number, length: number): number {
  // A remainder of 1 to 3 bytes would need the long form, so the last long copy leaves at least 4.
  while (length >= 68) {
    to = writeLongCopy(target, to, distance, 64);
    length -= 64;
  }
  if (length > 64) {
    to = writeLongCopy(target, to, distance, 60);
    length -= 60;
  }
  if (length >= 12 || distance >= 2048) return writeLongCopy(target, to, distance, length);
  target[to++] = 1 | ((length - 4) << 2) | ((distance >>> 8) << 5);
  target[to++] = distance;
  return to;
}

function writeLongCopy(target: Uint8Array, to: number, distance: number, length: number): number {
  target[to] = 2 | ((length - 1) << 2);
  target[to + 1] = distance;
  target[to + 2] = distance >>> 8;
  return to + 3;
}

function bad(why: string): RecordError {
  return new RecordError(`Cannot decompress snappy data: ${why}`, "invalid");
}
