/**
 * Varints as used in records: seven bits per byte, least significant first, signed values
 * zigzag-encoded (0, -1, 1, -2 become 0, 1, 2, 3). 32 bits take up to 5 bytes, 64 bits up to 10.
 *
 * @module
 */

import { highOf, type Int64, int64Of, isInt64, lowOf } from "../int64.ts";
import { RecordError } from "./record_error.ts";

/** Returns the number of bytes {@linkcode writeVarint} uses for `value`, an int32. */
export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes `value`, an int32, at `at` and returns the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = rest | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

const INT32_MAX = 2_147_483_647;
const INT32_MIN = -2_147_483_648;

/** Returns the number of bytes {@linkcode writeVarlong} uses for `value`. */
export function sizeOfVarlong(value: Int64): number {
  if (isInt32(value)) return sizeOfVarint(value);
  const high = highOf(value);
  const rest = ((high << 1) | (lowOf(value) >>> 31)) ^ (high >> 31);
  // The value has more than 32 bits, so `rest`, the high half of its zigzag encoding, is not 0.
  return Math.ceil((64 - Math.clz32(rest)) / 7);
}

/**
 * Writes `value` at `at` and returns the position after it. Throws `invalid` unless it is an
 * {@linkcode Int64}.
 */
export function writeVarlong(bytes: Uint8Array, at: number, value: Int64): number {
  if (isInt32(value)) return writeVarint(bytes, at, value);
  if (!isInt64(value)) {
    throw new RecordError(
      `Cannot write a record: the delta ${value} is not a 64-bit integer`,
      "invalid",
    );
  }
  const sign = highOf(value) >> 31;
  let high = ((highOf(value) << 1) | (lowOf(value) >>> 31)) ^ sign;
  let low = ((lowOf(value) << 1) ^ sign) >>> 0;
  while (high !== 0 || low >= 0x80) {
    bytes[at++] = low | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes[at++] = low;
  return at;
}

function isInt32(value: Int64): value is number {
  return typeof value === "number" && value <= INT32_MAX && value >= INT32_MIN;
}

/**
 * Reads varints from an array, never beyond `end`. Every method throws a {@linkcode RecordError} of
 * reason `invalid` if the bytes end or the number is too long.
 */
export class VarintReader {
  constructor(
    /** The bytes to read. */
    readonly bytes: Uint8Array,
    /** The position of the next byte. */
    position: number,
    /** The position after the last byte. */
    end: number,
  ) {
    this.position = position;
    this.end = end;
  }

  /** The position of the next byte. */
  position: number;
  /** The position after the last byte that may be read. */
  end: number;

  /** Reads an int32. */
  readVarint(): number {
    let at = this.position;
    if (at >= this.end) throw endOfRecord();
    let byte = this.bytes[at++]!;
    let value = byte & 0x7f;
    let shift = 7;
    while (byte >= 0x80) {
      if (at >= this.end) throw endOfRecord();
      byte = this.bytes[at++]!;
      if (shift === 28 && byte > 0x0f) throw overlongVarint();
      value |= (byte & 0x7f) << shift;
      shift += 7;
    }
    this.position = at;
    return (value >>> 1) ^ -(value & 1);
  }

  /** Reads a signed 64-bit integer. */
  readVarlong(): Int64 {
    let at = this.position;
    if (at >= this.end) throw endOfRecord();
    let byte = this.bytes[at++]!;
    // The low 28 bits, the next 28 and the rest, each small enough for bitwise operators.
    let low = byte & 0x7f;
    let middle = 0;
    let high = 0;
    let shift = 7;
    while (byte >= 0x80) {
      if (at >= this.end) throw endOfRecord();
      byte = this.bytes[at++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift < 56) middle |= (byte & 0x7f) << (shift - 28);
      else if (shift === 56) high = byte & 0x7f;
      else if (shift === 63 && byte <= 1) high |= byte << 7;
      else throw overlongVarint();
      shift += 7;
    }
    this.position = at;
    const half = (low >>> 1) + middle * 134_217_728 + high * 36_028_797_018_963_968;
    const value = (low & 1) === 0 ? half : -half - 1;
    return Number.isSafeInteger(value) ? value : exactZigzag(low, middle, high);
  }
}

/** Decodes zigzag bits: `low` and `middle` have 28 bits each, `high` the remaining 8. */
function exactZigzag(low: number, middle: number, high: number): Int64 {
  const sign = -(low & 1);
  const lowHalf = low | (middle << 28);
  const highHalf = (middle >>> 4) | (high << 24);
  return int64Of((highHalf >>> 1) ^ sign, ((lowHalf >>> 1) | (highHalf << 31)) ^ sign);
}

function endOfRecord(): RecordError {
  return new RecordError(
    "Cannot read a record: the bytes end within a varint",
    "invalid",
  );
}

function overlongVarint(): RecordError {
  return new RecordError(
    "Cannot read a record: a varint is longer than its type allows",
    "invalid",
  );
}
