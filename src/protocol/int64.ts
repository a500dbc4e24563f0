/**
 * 64-bit integers without loss. A value is a `number` where that is exact, within 2^53 - 1 on both
 * sides of zero, and a `bigint` beyond. No value has two forms, so `===`, `<` and the keys of a `Map`
 * work on any two of them. Sums wrap around as those of Java's `long` do.
 *
 * The values of ordinary traffic are numbers: no function here makes a `bigint` of a safe integer.
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

/** The integer with these 32 high bits and 32 low bits, as signed 32-bit integers. */
export function int64Of(high: number, low: number): Int64 {
  // With a high half in this range, the value is a safe integer.
  if (high <= 0x1f_ffff && high >= -0x1f_ffff) return high * TWO_32 + (low >>> 0);
  return toInt64(BigInt(high) << 32n | BigInt(low >>> 0));
}

/** The 32 high bits of `value`, as a signed integer. */
export function highOf(value: Int64): number {
  return typeof value === "number" ? Math.floor(value / TWO_32) | 0 : Number(value >> 32n);
}

/** The 32 low bits of `value`, as a signed integer. */
export function lowOf(value: Int64): number {
  return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** Whether `value` is a 64-bit integer in the form described above. */
export function isInt64(value: Int64): boolean {
  return typeof value === "number"
    ? Number.isSafeInteger(value)
    : value <= MAX_INT64 && value >= MIN_INT64 && !Number.isSafeInteger(Number(value));
}

/** The low 64 bits of `value`, in the form described above. */
export function toInt64(value: bigint): Int64 {
  const wrapped = BigInt.asIntN(64, value);
  const nearest = Number(wrapped);
  return Number.isSafeInteger(nearest) ? nearest : wrapped;
}

/** `one + other`, modulo 2^64. */
export function addInt64(one: Int64, other: Int64): Int64 {
  if (typeof one === "number" && typeof other === "number") {
    const sum = one + other;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toInt64(BigInt(one) + BigInt(other));
}

/** `one - other`, modulo 2^64. */
export function subtractInt64(one: Int64, other: Int64): Int64 {
  if (typeof one === "number" && typeof other === "number") {
    const difference = one - other;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toInt64(BigInt(one) - BigInt(other));
}

/** The larger of two. */
export function maxInt64(one: Int64, other: Int64): Int64 {
  return one < other ? other : one;
}
