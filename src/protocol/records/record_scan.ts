/**
 * Walks the records of a batch without making anything of them: are their lengths, deltas and
 * counts true? About 30 ns a record, no allocation, so that a broker can afford it for each batch.
 *
 * @module
 */

import { RecordError } from "./record_error.ts";

/** What {@linkcode scanRecords} finds. A caller keeps one and reuses it. */
export interface RecordScan {
  /** The largest timestamp delta, ms. Not exact beyond 2^53. */
  maxTimestampDelta: number;
  /** The smallest timestamp delta, ms. Not exact beyond 2^53. */
  minTimestampDelta: number;
  /** The offset delta of the first record that has the largest timestamp. */
  offsetDeltaOfMaxTimestamp: number;
  /** The index of the first record without a key, or -1: a compacted topic refuses those. */
  firstWithoutKey: number;
}

/** A {@linkcode RecordScan} to hand to {@linkcode scanRecords}. */
export function createRecordScan(): RecordScan {
  return {
    maxTimestampDelta: 0,
    minTimestampDelta: 0,
    offsetDeltaOfMaxTimestamp: 0,
    firstWithoutKey: -1,
  };
}

// Where the slow readers below left off. They are called for numbers of more than two bytes only.
let cursor = 0;

/**
 * Checks that `bytes[start..end)` is exactly `count` well-formed records whose offset deltas are 0,
 * 1, 2, ... and fills `scan`. Throws a {@linkcode RecordError} of reason `invalid` naming the record
 * otherwise. `end` must not exceed `bytes.length`.
 */
export function scanRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  scan: RecordScan,
): void {
  let at = start;
  let maxTimestampDelta = -Infinity;
  let minTimestampDelta = Infinity;
  let offsetDeltaOfMaxTimestamp = 0;
  let firstWithoutKey = -1;
  for (let index = 0; index < count; index++) {
    // Reading beyond the record's end below is harmless (zeros or the next record's bytes): each
    // step only goes forward, and the record must end where its length said.
    if (at >= end) throw lie(index, "is missing");
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
    if (size < 0 || recordEnd > end) throw lie(index, `has an impossible size of ${size} bytes`);

    at++; // The attributes, which have no meaning yet.
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
      throw lie(index, `has the offset delta ${(value >>> 1) ^ -(value & 1)}`);
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
    }
    // An odd number is a negative length. Kafka takes any of them for null.
    if ((value & 1) === 0) at += value >>> 1;
    else if (firstWithoutKey === -1) firstWithoutKey = index;
    if (at > recordEnd) throw lie(index, "has a key longer than itself");

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
    if (at >= recordEnd) throw lie(index, "has a value longer than itself");

    if (bytes[at] === 0) at++;
    else at = scanHeaders(bytes, at, recordEnd, index);
    if (at !== recordEnd) {
      throw lie(index, `is ${at - recordEnd + size} bytes long, its size says ${size}`);
    }
  }
  if (at !== end) throw lie(count, `is followed by ${end - at} bytes too many`);
  scan.maxTimestampDelta = maxTimestampDelta;
  scan.minTimestampDelta = minTimestampDelta;
  scan.offsetDeltaOfMaxTimestamp = offsetDeltaOfMaxTimestamp;
  scan.firstWithoutKey = firstWithoutKey;
}

function scanHeaders(bytes: Uint8Array, start: number, recordEnd: number, index: number): number {
  const headerCount = zigzag(slowVarint(bytes, start, index));
  let at = cursor;
  // Each header takes two bytes at least.
  if (headerCount < 0 || headerCount > (recordEnd - at) >> 1) {
    throw lie(index, `claims ${headerCount} headers`);
  }
  for (let header = 0; header < headerCount; header++) {
    const keyLength = zigzag(slowVarint(bytes, at, index));
    if (keyLength < 0) throw lie(index, "has a header without a key");
    at = cursor + keyLength;
    if (at >= recordEnd) throw lie(index, "has a header longer than itself");
    const valueLength = zigzag(slowVarint(bytes, at, index));
    at = valueLength < 0 ? cursor : cursor + valueLength;
    if (at > recordEnd) throw lie(index, "has a header longer than itself");
  }
  return at;
}

function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** The raw (still zigzagged) 32 bits of the varint at `at`; `cursor` is left behind it. */
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
  throw lie(index, "has a varint longer than 5 bytes");
}

/** The value of the varlong at `at`, to the nearest `number`; `cursor` is left behind it. */
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
  throw lie(index, "has a varint longer than 10 bytes");
}

function lie(index: number, what: string): RecordError {
  return new RecordError(`Record ${index} of the batch ${what}`, "invalid");
}
