/**
 * 64-bit integers without loss. A value is a `number` if it is exact (at most 2^53 - 1 in
 * magnitude) and a `bigint` otherwise. Every value has one representation, so `===`, `<` and `Map`
 * keys work for any two values. Sums wrap around like Java's `long`.
 *
 * Safe integers never become a `bigint` here, so ordinary traffic is plain numbers.
 *
 * @module
 */

/** A signed 64-bit integer: a `number` if it is a safe integer, else a `bigint`. */
export type Int64 = number | bigint;

/** The largest 64-bit integer, 2^63 - 1: Java's `Long.MAX_VALUE`. */
export const MAX_INT64 = 9_223_372_036_854_775_807n;
/** The smallest 64-bit integer, -2^63: Java's `Long.MIN_VALUE`. */
export const MIN_INT64 = -9_223_372_036_854_775_808n;

const TWO_32 = 4_294_967_296;

/** Returns the integer with these high and low halves, both given as signed 32-bit integers. */
export function int64Of(high: number, low: number): Int64 {
  // With a high half in this range, the result is a safe integer.
  if (high <= 0x1f_ffff && high >= -0x1f_ffff) return high * TWO_32 + (low >>> 0);
  return toInt64(BigInt(high) << 32n | BigInt(low >>> 0));
}

/** Returns the high 32 bits of `value` as a signed integer. */
export function highOf(value: Int64): number {
  return typeof value === "number" ? Math.floor(value / TWO_32) | 0 : Number(value >> 32n);
}

/** Returns the low 32 bits of `value` as a signed integer. */
export function lowOf(value: Int64): number {
  return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** Returns whether `value` is a 64-bit integer in its only valid representation. */
export function isInt64(value: Int64): boolean {
  return typeof value === "number"
    ? Number.isSafeInteger(value)
    : value <= MAX_INT64 && value >= MIN_INT64 && !Number.isSafeInteger(Number(value));
}

/** Returns the low 64 bits of `value`. */
export function toInt64(value: bigint): Int64 {
  const wrapped = BigInt.asIntN(64, value);
  const nearest = Number(wrapped);
  return Number.isSafeInteger(nearest) ? nearest : wrapped;
}

/** Returns `one + other`, modulo 2^64. */
export function addInt64(one: Int64, other: Int64): Int64 {
  if (typeof one === "number" && typeof other === "number") {
    const sum = one + other;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toInt64(BigInt(one) + BigInt(other));
}

/** Returns `one - other`, modulo 2^64. */
export function subtractInt64(one: Int64, other: Int64): Int64 {
  if (typeof one === "number" && typeof other === "number") {
    const difference = one - other;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toInt64(BigInt(one) - BigInt(other));
}

/** Returns the larger of two values. */
export function maxInt64(one: Int64, other: Int64): Int64 {
  return one < other ? other : one;
}
