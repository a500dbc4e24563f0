/**
 * 64-bit integers that are often handled wrong: the ends of the range, the limits of an exact
 * `number`, and values with a special meaning.
 *
 * @module
 */
import { type Int64, MAX_INT64, MIN_INT64 } from "../../src/protocol/int64.ts";

/** In ascending order. */
export const EXTREME_INT64S: readonly Int64[] = [
  MIN_INT64,
  MIN_INT64 + 1n,
  -(2n ** 60n),
  -(2n ** 53n) - 1n,
  -(2n ** 53n),
  Number.MIN_SAFE_INTEGER,
  -4294967297,
  -4294967296,
  -2147483649,
  -2,
  -1,
  0,
  1,
  4294967295,
  4294967296,
  1_700_000_000_000,
  Number.MAX_SAFE_INTEGER,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 60n,
  1_700_000_000_000_000_001n,
  MAX_INT64 - 1n,
  MAX_INT64,
];
