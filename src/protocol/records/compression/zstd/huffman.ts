/**
 * Decodes Huffman-coded literals of zstd (RFC 8878, section 4.2).
 *
 * @module
 */

import { BackwardBitReader, highestBit } from "./bit_reader.ts";
import { badZstd } from "./bad_zstd.ts";
import { buildFseDecoder, readFseDistribution } from "./fse.ts";

/** Maximum code length in bits. */
export const MAX_HUFFMAN_BITS = 11;
const MAX_WEIGHT_ACCURACY_LOG = 6;
const MAX_WEIGHTS = 255;

/**
 * A decoding table: the next `bits` bits of the stream index an entry of code length << 8 | symbol.
 */
export interface HuffmanTable {
  readonly bits: number;
  readonly entries: Uint16Array;
}

/** A table read from a stream, and the end of its description. */
export interface ReadHuffmanTable {
  readonly table: HuffmanTable;
  readonly end: number;
}

/** Reads a table description from `bytes[at..end)`. Throws `invalid`. */
export function readHuffmanTable(bytes: Uint8Array, at: number, end: number): ReadHuffmanTable {
  if (at >= end) throw badZstd("a Huffman table is cut off");
  const header = bytes[at++]!;
  if (header >= 128) {
    const count = header - 127;
    const tableEnd = at + ((count + 1) >> 1);
    if (tableEnd > end) throw badZstd("a Huffman table is cut off");
    const weights = Array.from({ length: count }, (_, index) => {
      const pair = bytes[at + (index >> 1)]!;
      return index % 2 === 0 ? pair >>> 4 : pair & 15;
    });
    return { table: buildTable(weights), end: tableEnd };
  }
  const tableEnd = at + header;
  if (tableEnd > end) throw badZstd("a Huffman table is cut off");
  return { table: buildTable(readWeights(bytes, at, tableEnd)), end: tableEnd };
}

/** Reads weights from two alternating FSE streams, until the bits end. */
function readWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const described = readFseDistribution(
    bytes,
    start,
    end,
    MAX_WEIGHT_ACCURACY_LOG,
    MAX_HUFFMAN_BITS + 1,
  );
  const { accuracyLog, entries } = buildFseDecoder(described.distribution);
  const reader = new BackwardBitReader(bytes, described.end, end);
  const weights: number[] = [];
  let state = reader.read(accuracyLog);
  let other = reader.read(accuracyLog);
  if (reader.position < 0) throw badZstd("Huffman weights are cut off");
  for (;;) {
    const entry = entries[state]!;
    weights.push(entry & 0xff);
    state = (entry >> 16) + reader.read((entry >> 8) & 0xff);
    if (reader.position < 0) {
      weights.push(entries[other]! & 0xff);
      return weights;
    }
    if (weights.length >= MAX_WEIGHTS) throw badZstd("a Huffman table has too many symbols");
    [state, other] = [other, state];
  }
}

function buildTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_HUFFMAN_BITS) throw badZstd("a Huffman code is too long");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw badZstd("a Huffman table is empty");
  const bits = highestBit(sum) + 1;
  const rest = (1 << bits) - sum;
  // The weight of the last symbol is not stored: it completes the table.
  if (bits > MAX_HUFFMAN_BITS || (rest & (rest - 1)) !== 0 || weights.length > MAX_WEIGHTS) {
    throw badZstd("a Huffman table's weights do not fit");
  }
  weights.push(highestBit(rest) + 1);
  const entries = new Uint16Array(1 << bits);
  let position = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue;
      const next = position + (1 << (weight - 1));
      entries.fill(((bits + 1 - weight) << 8) | symbol, position, next);
      position = next;
    }
  }
  return { bits, entries };
}

/** Decodes the stream `bytes[start..end)` to exactly `target[to..limit)`. Throws `invalid`. */
export function decodeHuffmanStream(
  { bits, entries }: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
): void {
  const reader = new BackwardBitReader(bytes, start, end);
  let position = reader.position;
  const mask = (1 << bits) - 1;
  // Two symbols take at most 22 bits, which fit into a 32-bit word with the preceding bits of their
  // byte.
  while (position >= 2 * MAX_HUFFMAN_BITS && to + 2 <= limit) {
    const from = position - 2 * MAX_HUFFMAN_BITS;
    const at = start + (from >> 3);
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24);
    const window = word >>> (from & 7);
    const first = entries[(window >>> (2 * MAX_HUFFMAN_BITS - bits)) & mask]!;
    const used = first >>> 8;
    const second = entries[(window >>> (2 * MAX_HUFFMAN_BITS - bits - used)) & mask]!;
    target[to] = first;
    target[to + 1] = second;
    to += 2;
    position -= used + (second >>> 8);
  }
  while (to < limit) {
    reader.position = position;
    const entry = entries[reader.read(bits)]!;
    target[to++] = entry;
    position -= entry >>> 8;
    if (position < 0) throw badZstd("a Huffman stream is too short");
  }
  if (position !== 0) throw badZstd("a Huffman stream is too long");
}
