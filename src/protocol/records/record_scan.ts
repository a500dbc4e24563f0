/**
 * Checks the lengths, deltas and counts of the records in a batch without decoding them. About 30
 * ns per record and no allocation, cheap enough for every produced batch.
 *
 * @module
 */

import type { Steps } from "./compression/steps.ts";
import { RecordError } from "./record_error.ts";

/** Results of {@linkcode scanRecords}. A caller reuses one object. */
export interface RecordScan {
  /** The largest timestamp delta, ms. Not exact beyond 2^53. */
  maxTimestampDelta: number;
  /** The smallest timestamp delta, ms. Not exact beyond 2^53. */
  minTimestampDelta: number;
  /** The offset delta of the first record that has the largest timestamp. */
  offsetDeltaOfMaxTimestamp: number;
  /** The index of the first record without a key, or -1. Compacted topics reject such records. */
  firstWithoutKey: number;
}

/** Creates a {@linkcode RecordScan} for {@linkcode scanRecords}. */
export function createRecordScan(): RecordScan {
  return {
    maxTimestampDelta: 0,
    minTimestampDelta: 0,
    offsetDeltaOfMaxTimestamp: 0,
    firstWithoutKey: -1,
  };
}

// The position after a number read by the slow readers below, which handle numbers of more than two
// bytes.
let cursor = 0;

/** Maximum number of records per step: a quarter of a millisecond. */
const RECORDS_PER_STEP = 8_192;
/** Maximum bytes of headers per step. Each header takes at least two bytes. */
const HEADER_BYTES_PER_STEP = 16_384;

/**
 * Checks that `bytes[start..end)` is exactly `count` well-formed records with offset deltas 0, 1,
 * 2, ... and fills `scan`. Otherwise throws a {@linkcode RecordError} of reason `invalid` that
 * names the record. `end` must not exceed `bytes.length`.
 */
export function scanRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  scan: RecordScan,
): void {
  begin(scan);
  finish(scanSome(bytes, start, end, 0, count, Infinity, scan), end, count);
}

/**
 * Like {@linkcode scanRecords}, in steps of bounded work, regardless of the number of records or
 * headers.
 */
export function* scanRecordsInSteps(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  scan: RecordScan,
): Steps<void> {
  begin(scan);
  let at = start;
  for (let index = 0; index < count;) {
    if (index > 0) yield;
    const stop = Math.min(count, index + RECORDS_PER_STEP);
    at = scanSome(bytes, at, end, index, stop, HEADER_BYTES_PER_STEP, scan);
    index = stop;
    if (at >= 0) continue;
    // This record has more headers than fit into a step; the rest of it has been checked.
    index = restIndex + 1;
    at = restEnd;
    yield* scanHeadersInSteps(bytes, restAt, restEnd, restIndex);
  }
  finish(at, end, count);
}

function begin(scan: RecordScan): void {
  scan.maxTimestampDelta = -Infinity;
  scan.minTimestampDelta = Infinity;
  scan.offsetDeltaOfMaxTimestamp = 0;
  scan.firstWithoutKey = -1;
}

function finish(at: number, end: number, count: number): void {
  if (at !== end) throw invalidRecord(count, `is followed by ${end - at} trailing bytes`);
}

// The record at whose headers scanSome() stopped, the position of the headers, and the record's
// end.
let restIndex = 0;
let restAt = 0;
let restEnd = 0;

/**
 * Scans the records from `index` to `stop`, which begin at `at`, and returns their end. Returns -1
 * at a record whose headers take more than `maxHeaderBytes`.
 */
function scanSome(
  bytes: Uint8Array,
  at: number,
  end: number,
  index: number,
  stop: number,
  maxHeaderBytes: number,
  scan: RecordScan,
): number {
  let { maxTimestampDelta, minTimestampDelta, offsetDeltaOfMaxTimestamp, firstWithoutKey } = scan;
  let hasRest = false;
  for (; index < stop && !hasRest; index++) {
    // Reading beyond the record's end below is harmless (zeros or bytes of the next record): every
    // step advances, and the record must end where its length says.
    if (at >= end) throw invalidRecord(index, "is missing");
    let value = bytes[at++]!;
    if (value >= 0x80) {
      const second = bytes[at]!;
      if (second < 0x80) {
        value = (value & 0x7f) | (second << 7);
        at++;
      } else {
        value = slowVarint(bytes, at - 1, index);
        at = cursor;
      }
    }
    const size = (value >>> 1) ^ -(value & 1);
    const recordEnd = at + size;
    if (size < 0 || recordEnd > end) {
      throw invalidRecord(index, `has an impossible size of ${size} bytes`);
    }

    at++; // Unused attributes.
    let timestampDelta: number;
    value = bytes[at++]!;
    if (value < 0x80) timestampDelta = (value >>> 1) ^ -(value & 1);
    else {
      const second = bytes[at]!;
      if (second < 0x80) {
        value = (value & 0x7f) | (second << 7);
        timestampDelta = (value >>> 1) ^ -(value & 1);
        at++;
      } else {
        timestampDelta = slowVarlong(bytes, at - 1, index);
        at = cursor;
      }
    }
    if (timestampDelta > maxTimestampDelta) {
      maxTimestampDelta = timestampDelta;
      offsetDeltaOfMaxTimestamp = index;
    }
    if (timestampDelta < minTimestampDelta) minTimestampDelta = timestampDelta;

    value = bytes[at++]!;
    if (value >= 0x80) {
      const second = bytes[at]!;
      if (second < 0x80) {
        value = (value & 0x7f) | (second << 7);
        at++;
      } else {
        value = slowVarint(bytes, at - 1, index);
        at = cursor;
      }
    }
    if (((value >>> 1) ^ -(value & 1)) !== index) {
      throw invalidRecord(index, `has the offset delta ${(value >>> 1) ^ -(value & 1)}`);
    }

    value = bytes[at++]!;
    if (value >= 0x80) {
      const second = bytes[at]!;
      if (second < 0x80) {
        value = (value & 0x7f) | (second << 7);
        at++;
      } else {
        value = slowVarint(bytes, at - 1, index);
        at = cursor;
      }
      // Like Kafka, treats any negative length as null. An odd number is a negative length.
    }
    if ((value & 1) === 0) at += value >>> 1;
    else if (firstWithoutKey === -1) firstWithoutKey = index;
    if (at > recordEnd) throw invalidRecord(index, "has a key longer than itself");

    value = bytes[at++]!;
    if (value >= 0x80) {
      const second = bytes[at]!;
      if (second < 0x80) {
        value = (value & 0x7f) | (second << 7);
        at++;
      } else {
        value = slowVarint(bytes, at - 1, index);
        at = cursor;
      }
    }
    if ((value & 1) === 0) at += value >>> 1;
    if (at >= recordEnd) throw invalidRecord(index, "has a value longer than itself");

    if (bytes[at] === 0) at++;
    else if (recordEnd - at > maxHeaderBytes) {
      restIndex = index;
      restAt = at;
      restEnd = at = recordEnd;
      hasRest = true;
    } else at = scanHeaders(bytes, at, recordEnd, index);
    if (at !== recordEnd) throw wrongSize(index, at, recordEnd, size);
  }
  scan.maxTimestampDelta = maxTimestampDelta;
  scan.minTimestampDelta = minTimestampDelta;
  scan.offsetDeltaOfMaxTimestamp = offsetDeltaOfMaxTimestamp;
  scan.firstWithoutKey = firstWithoutKey;
  return hasRest ? -1 : at;
}

/** Scans the headers of a record, whose count is at `start`, and returns their end. */
function scanHeaders(bytes: Uint8Array, start: number, recordEnd: number, index: number): number {
  const count = headerCountAt(bytes, start, recordEnd, index);
  return scanSomeHeaders(bytes, cursor, recordEnd, index, count);
}

/** Like {@linkcode scanHeaders}, for headers that must end at `recordEnd`. */
function* scanHeadersInSteps(
  bytes: Uint8Array,
  start: number,
  recordEnd: number,
  index: number,
): Steps<void> {
  const perStep = HEADER_BYTES_PER_STEP >> 1;
  let left = headerCountAt(bytes, start, recordEnd, index);
  let at = cursor;
  for (; left > 0; left -= perStep) {
    at = scanSomeHeaders(bytes, at, recordEnd, index, Math.min(left, perStep));
    yield;
  }
  if (at !== recordEnd) throw invalidRecord(index, `has ${recordEnd - at} bytes after its headers`);
}

/** Returns the announced number of headers and leaves `cursor` after it. */
function headerCountAt(bytes: Uint8Array, at: number, recordEnd: number, index: number): number {
  const count = zigzag(slowVarint(bytes, at, index));
  // Each header takes at least two bytes.
  if (count < 0 || count > (recordEnd - cursor) >> 1) {
    throw invalidRecord(index, `announces ${count} headers`);
  }
  return count;
}

function scanSomeHeaders(
  bytes: Uint8Array,
  at: number,
  recordEnd: number,
  index: number,
  count: number,
): number {
  for (let header = 0; header < count; header++) {
    const keyLength = zigzag(slowVarint(bytes, at, index));
    if (keyLength < 0) throw invalidRecord(index, "has a header without a key");
    at = cursor + keyLength;
    if (at >= recordEnd) throw invalidRecord(index, "has a header longer than itself");
    const valueLength = zigzag(slowVarint(bytes, at, index));
    at = valueLength < 0 ? cursor : cursor + valueLength;
    if (at > recordEnd) throw invalidRecord(index, "has a header longer than itself");
  }
  return at;
}

function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** Returns the raw (zigzag-encoded) 32 bits of the varint at `at` and leaves `cursor` after it. */
function slowVarint(bytes: Uint8Array, at: number, index: number): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = at < bytes.length ? bytes[at++]! : 0xff;
    if (shift === 28 && byte > 0x0f) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor = at;
      return value;
    }
  }
  throw invalidRecord(index, "has a varint longer than 5 bytes");
}

/** Returns the varlong at `at` as the nearest `number` and leaves `cursor` after it. */
function slowVarlong(bytes: Uint8Array, at: number, index: number): number {
  let low = 0;
  let middle = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = at < bytes.length ? bytes[at++]! : 0xff;
    if (shift < 28) low |= (byte & 0x7f) << shift;
    else if (shift < 56) middle |= (byte & 0x7f) << (shift - 28);
    else if (shift === 56) high = byte & 0x7f;
    else if (byte <= 1) high |= byte << 7;
    else break;
    if (byte < 0x80) {
      cursor = at;
      const half = (low >>> 1) + middle * 134_217_728 + high * 36_028_797_018_963_968;
      return (low & 1) === 0 ? half : -half - 1;
    }
  }
  throw invalidRecord(index, "has a varint longer than 10 bytes");
}

function invalidRecord(index: number, what: string): RecordError {
  return new RecordError(`Record ${index} of the batch ${what}`, "invalid");
}

function wrongSize(index: number, at: number, recordEnd: number, size: number): RecordError {
  return invalidRecord(index, `is ${at - recordEnd + size} bytes long, its size says ${size}`);
}
