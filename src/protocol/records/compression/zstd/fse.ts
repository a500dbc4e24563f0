/**
 * Decoding tables of Finite State Entropy, the table-based arithmetic coder of zstd (RFC 8878,
 * section 4.1).
 *
 * @module
 */

import { highestBit } from "./bit_reader.ts";
import { badZstd } from "./bad_zstd.ts";

/**
 * A distribution: how many of the 2^accuracyLog states each symbol has; -1 means one state at the
 * end.
 */
export interface FseDistribution {
  readonly accuracyLog: number;
  readonly counts: readonly number[];
}

/**
 * A decoding table: for state `s`, `entries[s]` is next state base << 16 | bits to read << 8 |
 * symbol.
 */
export interface FseDecodingTable {
  readonly accuracyLog: number;
  readonly entries: Int32Array;
}

/** Returns the symbol of each state, in the order that the format defines. */
function spreadSymbols({ accuracyLog, counts }: FseDistribution): Uint8Array {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  let high = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    if (counts[symbol] === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let left = counts[symbol]!; left > 0; left--) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1); while (position >= high);
    }
  }
  return symbols;
}

/** Builds the table for `distribution`, whose counts must add up to its size. */
export function buildFseDecoder(distribution: FseDistribution): FseDecodingTable {
  const { accuracyLog, counts } = distribution;
  const symbols = spreadSymbols(distribution);
  const next = counts.map((count) => Math.abs(count));
  const entries = new Int32Array(symbols.length);
  for (let state = 0; state < symbols.length; state++) {
    const symbol = symbols[state]!;
    const place = next[symbol]!++;
    const bits = accuracyLog - highestBit(place);
    entries[state] = (((place << bits) - symbols.length) << 16) | (bits << 8) | symbol;
  }
  return { accuracyLog, entries };
}

/** Returns a table with a single state that always decodes to `symbol`. */
export function singleSymbolDecoder(symbol: number): FseDecodingTable {
  return { accuracyLog: 0, entries: Int32Array.of(symbol) };
}

/** A distribution read from a stream, and the end of its description. */
export interface ReadDistribution {
  readonly distribution: FseDistribution;
  readonly end: number;
}

/** Reads a distribution from `bytes[start..end)`. Throws `invalid`. */
export function readFseDistribution(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxAccuracyLog: number,
  maxSymbol: number,
): ReadDistribution {
  let position = 0;
  const available = (end - start) * 8;
  const peek = (count: number) => {
    const at = start + (position >> 3);
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  };
  const accuracyLog = peek(4) + 5;
  position += 4;
  if (accuracyLog > maxAccuracyLog) throw badZstd(`a table has ${accuracyLog} bits`);
  const counts: number[] = [];
  let remaining = 1 << accuracyLog;
  while (remaining > 0) {
    if (counts.length > maxSymbol) throw badZstd("a table has too many symbols");
    const bits = highestBit(remaining + 1) + 1;
    const lowMask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 2 - remaining;
    let value = peek(bits);
    if ((value & lowMask) < threshold) {
      value &= lowMask;
      position += bits - 1;
    } else {
      if (value > lowMask) value -= threshold;
      position += bits;
    }
    const count = value - 1;
    remaining -= Math.abs(count);
    counts.push(count);
    if (count === 0) {
      let repeat: number;
      do {
        repeat = peek(2);
        position += 2;
        if (counts.length + repeat > maxSymbol + 1 || position > available) {
          throw badZstd("a table has too many symbols");
        }
        for (let index = 0; index < repeat; index++) counts.push(0);
      } while (repeat === 3);
    }
    if (position > available) throw badZstd("a table is cut off");
  }
  if (remaining < 0) throw badZstd("a table's counts do not add up");
  return { distribution: { accuracyLog, counts }, end: start + ((position + 7) >> 3) };
}
