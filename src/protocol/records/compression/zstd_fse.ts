/**
 * Finite State Entropy, zstd's arithmetic coder in table form, in both directions
 * (RFC 8878, section 4.1).
 *
 * @module
 */

import { BitWriter, highestBit } from "./zstd_bits.ts";
import { badZstd } from "./zstd_error.ts";

/** A distribution: how many of the 2^accuracyLog states each symbol has; -1 is one state, at the end. */
export interface FseDistribution {
  readonly accuracyLog: number;
  readonly counts: readonly number[];
}

/** A decoding table: in state `s`, `entries[s]` is next state base << 16 | bits to read << 8 | symbol. */
export interface FseDecodingTable {
  readonly accuracyLog: number;
  readonly entries: Int32Array;
}

/** The symbol of each state, in the order that both sides agree upon. */
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

/** The table that decodes `distribution`, whose counts must add up to its size. */
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

/** A table of one state that always gives `symbol`. */
export function singleSymbolDecoder(symbol: number): FseDecodingTable {
  return { accuracyLog: 0, entries: Int32Array.of(symbol) };
}

/** A distribution as read from a stream, and where it ended. */
export interface ReadDistribution {
  readonly distribution: FseDistribution;
  readonly end: number;
}

/** Reads a table description from `bytes[start..end)`. Throws `invalid`. */
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

/** Writes the description of `distribution` at `at`; returns the position behind it. */
export function writeFseDistribution(
  { accuracyLog, counts }: FseDistribution,
  target: Uint8Array,
  at: number,
): number {
  const writer = new BitWriter(target, at);
  writer.write(accuracyLog - 5, 4);
  let remaining = 1 << accuracyLog;
  for (let symbol = 0; remaining > 0; symbol++) {
    const count = counts[symbol]!;
    const bits = highestBit(remaining + 1) + 1;
    const lowMask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 2 - remaining;
    const value = count + 1;
    if (value < threshold) writer.write(value, bits - 1);
    else writer.write(value > lowMask ? value + threshold : value, bits);
    remaining -= Math.abs(count);
    if (count === 0) {
      let zeros = 0;
      while (counts[symbol + 1 + zeros] === 0) zeros++;
      symbol += zeros;
      for (; zeros >= 3; zeros -= 3) writer.write(3, 2);
      writer.write(zeros, 2);
    }
  }
  return writer.flush();
}

/**
 * A distribution of `2^accuracyLog` states close to `frequencies`, at least two of which are not zero
 * and which are not more than the states.
 */
export function normalizeFrequencies(
  frequencies: readonly number[],
  accuracyLog: number,
): FseDistribution {
  const size = 1 << accuracyLog;
  const total = frequencies.reduce((sum, frequency) => sum + frequency, 0);
  const counts = frequencies.map((frequency) =>
    frequency === 0 ? 0 : Math.max(1, Math.round((frequency * size) / total))
  );
  let excess = counts.reduce((sum, count) => sum + count, 0) - size;
  while (excess !== 0) {
    // The largest count bears the difference with the least harm, but keeps a state.
    const largest = counts.indexOf(Math.max(...counts));
    const change = excess > 0 ? Math.min(excess, Math.max(1, counts[largest]! >> 2)) : excess;
    counts[largest]! -= change;
    excess -= change;
  }
  while (counts[counts.length - 1] === 0) counts.pop();
  return { accuracyLog, counts };
}

/** The encoder's side of a distribution. */
export class FseEncodingTable {
  readonly accuracyLog: number;
  /** The states (2^accuracyLog and up) of the symbols, one symbol after the other. */
  readonly #states: Uint16Array;
  /** For each symbol: added to a state, the upper 16 bits are the number of bits to write. */
  readonly #bitsDelta: Int32Array;
  /** For each symbol: where its states begin, minus its count. */
  readonly #statesDelta: Int32Array;

  constructor(distribution: FseDistribution) {
    const { accuracyLog, counts } = distribution;
    const size = 1 << accuracyLog;
    this.accuracyLog = accuracyLog;
    this.#states = new Uint16Array(size);
    this.#bitsDelta = new Int32Array(counts.length);
    this.#statesDelta = new Int32Array(counts.length);
    const begins: number[] = [];
    let total = 0;
    for (let symbol = 0; symbol < counts.length; symbol++) {
      const count = Math.abs(counts[symbol]!);
      begins.push(total);
      if (count > 0) {
        const most = count === 1 ? accuracyLog : accuracyLog - highestBit(count - 1);
        this.#bitsDelta[symbol] = (most << 16) - (count << most);
        this.#statesDelta[symbol] = total - count;
      }
      total += count;
    }
    spreadSymbols(distribution).forEach((symbol, state) => {
      this.#states[begins[symbol]!++] = size + state;
    });
  }

  /** The state from which the decoder ends with `symbol`, needing the most bits to go on. */
  begin(symbol: number): number {
    const delta = this.#bitsDelta[symbol]!;
    const bits = (delta + 0x8000) >> 16;
    return this.#states[(((bits << 16) - delta) >> bits) + this.#statesDelta[symbol]!]!;
  }

  /** Writes what leads the decoder from `symbol`'s state to `state`, and returns the former. */
  encode(writer: BitWriter, state: number, symbol: number): number {
    const bits = (state + this.#bitsDelta[symbol]!) >> 16;
    writer.write(state, bits);
    return this.#states[(state >> bits) + this.#statesDelta[symbol]!]!;
  }

  /** Writes the state that the decoder begins with. */
  finish(writer: BitWriter, state: number): void {
    writer.write(state, this.accuracyLog);
  }
}
