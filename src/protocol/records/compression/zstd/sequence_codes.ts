/**
 * The codes of sequences: literal lengths, match lengths and offsets, with their extra bits and
 * predefined distributions (RFC 8878, section 3.1.1.3.2).
 *
 * @module
 */

import type { FseDistribution } from "./fse.ts";

/** Number of extra bits of each literal length code. */
export const LITERAL_LENGTH_BITS: Uint8Array = Uint8Array.of(
  ...new Array<number>(16).fill(0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
);
/** Number of extra bits of each match length code. */
export const MATCH_LENGTH_BITS: Uint8Array = Uint8Array.of(
  ...new Array<number>(32).fill(0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
);
/** The smallest literal length of each code, to which the extra bits are added. */
export const LITERAL_LENGTH_BASE: Int32Array = bases(LITERAL_LENGTH_BITS, 0);
/** The smallest match length of each code. */
export const MATCH_LENGTH_BASE: Int32Array = bases(MATCH_LENGTH_BITS, 3);

function bases(bits: Uint8Array, first: number): Int32Array {
  const result = new Int32Array(bits.length);
  let base = first;
  for (let code = 0; code < bits.length; code++) {
    result[code] = base;
    base += 1 << bits[code]!;
  }
  return result;
}

/** The limits of a kind of code, and its predefined distribution. */
export interface SequenceCode {
  readonly name: string;
  readonly maxAccuracyLog: number;
  readonly maxSymbol: number;
  readonly predefined: FseDistribution;
}

/** Literal lengths. */
export const LITERAL_LENGTH_CODE: SequenceCode = {
  name: "literal length",
  maxAccuracyLog: 9,
  maxSymbol: 35,
  predefined: {
    accuracyLog: 6,
    counts: [
      ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1],
      ...[1, 1, 1, 1, -1, -1, -1, -1],
    ],
  },
};
/** Match lengths. */
export const MATCH_LENGTH_CODE: SequenceCode = {
  name: "match length",
  maxAccuracyLog: 9,
  maxSymbol: 52,
  predefined: {
    accuracyLog: 6,
    counts: [
      1,
      4,
      3,
      2,
      2,
      2,
      2,
      2,
      2,
      ...new Array<number>(37).fill(1),
      -1,
      -1,
      -1,
      -1,
      -1,
      -1,
      -1,
    ],
  },
};
/** Offsets. The code is the number of extra bits. */
export const OFFSET_CODE: SequenceCode = {
  name: "offset",
  maxAccuracyLog: 8,
  maxSymbol: 31,
  predefined: {
    accuracyLog: 5,
    counts: [1, 1, 1, 1, 1, 1, 2, 2, 2, ...new Array<number>(15).fill(1), -1, -1, -1, -1, -1],
  },
};
