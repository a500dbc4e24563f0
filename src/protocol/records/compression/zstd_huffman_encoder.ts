/**
 * Writing the literals section of a zstd block: raw, one repeated byte, or Huffman-coded in one or
 * four streams (RFC 8878, sections 3.1.1.3.1 and 4.2).
 *
 * @module
 */

import { BitWriter, highestBit } from "./zstd_bits.ts";
import { FseEncodingTable, normalizeFrequencies, writeFseDistribution } from "./zstd_fse.ts";
import { MAX_HUFFMAN_BITS } from "./zstd_huffman.ts";

const RAW = 0;
const RLE = 1;
const HUFFMAN = 2;
/** Fewer literals do not pay for a table. */
const MINIMUM_FOR_HUFFMAN = 64;
const MINIMUM_FOR_FOUR_STREAMS = 256;
const MAX_DIRECT_WEIGHTS = 128;
const WEIGHT_ACCURACY_LOG = 6;

/** Writes the section for `literals[0..count)` at `at`; returns the position behind it. */
export function writeLiterals(
  literals: Uint8Array,
  count: number,
  target: Uint8Array,
  at: number,
): number {
  const frequencies = new Int32Array(256);
  for (let index = 0; index < count; index++) frequencies[literals[index]!]!++;
  if (count > 3 && frequencies[literals[0]!] === count) {
    at = writeShortHeader(RLE, count, target, at);
    target[at] = literals[0]!;
    return at + 1;
  }
  if (count >= MINIMUM_FOR_HUFFMAN) {
    const end = writeHuffmanLiterals(literals, count, frequencies, target, at);
    if (end !== -1) return end;
  }
  at = writeShortHeader(RAW, count, target, at);
  target.set(literals.subarray(0, count), at);
  return at + count;
}

function writeShortHeader(type: number, count: number, target: Uint8Array, at: number): number {
  if (count < 32) {
    target[at] = type | (count << 3);
    return at + 1;
  }
  const isMedium = count < 4096;
  const header = type | (isMedium ? 1 << 2 : 3 << 2) | (count << 4);
  target[at] = header;
  target[at + 1] = header >>> 8;
  if (isMedium) return at + 2;
  target[at + 2] = header >>> 16;
  return at + 3;
}

/** As {@linkcode writeLiterals}, or -1 when nothing is gained. */
function writeHuffmanLiterals(
  literals: Uint8Array,
  count: number,
  frequencies: Int32Array,
  target: Uint8Array,
  start: number,
): number {
  const lengths = huffmanCodeLengths(frequencies);
  let bits = 0;
  for (let symbol = 0; symbol < 256; symbol++) bits += frequencies[symbol]! * lengths[symbol]!;
  // The table and the streams' ends cost some ten bytes at least.
  if ((bits >> 3) + 10 >= count) return -1;

  const hasFourStreams = count >= MINIMUM_FOR_FOUR_STREAMS;
  const format = !hasFourStreams ? 0 : count < 1024 ? 1 : count < 16_384 ? 2 : 3;
  const bodyStart = start + 3 + Math.max(0, format - 1);
  let at = writeTable(lengths, target, bodyStart);
  if (at === -1) return -1;
  const codes = canonicalCodes(lengths);
  if (hasFourStreams) {
    const jumps = at;
    const quarter = (count + 3) >> 2;
    at += 6;
    for (let stream = 0; stream < 4; stream++) {
      const streamStart = at;
      const end = Math.min(count, (stream + 1) * quarter);
      at = writeStream(literals, stream * quarter, end, lengths, codes, target, at);
      if (stream < 3) {
        target[jumps + 2 * stream] = at - streamStart;
        target[jumps + 2 * stream + 1] = (at - streamStart) >>> 8;
      }
    }
  } else {
    at = writeStream(literals, 0, count, lengths, codes, target, at);
  }
  const packed = at - bodyStart;
  if (packed + (bodyStart - start) >= count) return -1;
  const sizeBits = [10, 10, 14, 18][format]!;
  let header = HUFFMAN + format * 4 + count * 16 + packed * 2 ** (4 + sizeBits);
  for (let index = start; index < bodyStart; index++) {
    target[index] = header % 256;
    header = Math.floor(header / 256);
  }
  return at;
}

function writeStream(
  literals: Uint8Array,
  start: number,
  end: number,
  lengths: Uint8Array,
  codes: Uint16Array,
  target: Uint8Array,
  at: number,
): number {
  // What is read first is written last.
  let bits = 0;
  let count = 0;
  for (let index = end - 1; index >= start; index--) {
    const symbol = literals[index]!;
    bits |= codes[symbol]! << count;
    count += lengths[symbol]!;
    while (count >= 8) {
      target[at++] = bits;
      bits >>>= 8;
      count -= 8;
    }
  }
  target[at++] = bits | (1 << count);
  return at;
}

/**
 * Code lengths of at most {@linkcode MAX_HUFFMAN_BITS} bits that fill the code space exactly. At
 * least two of the `frequencies` are not zero.
 */
export function huffmanCodeLengths(frequencies: Int32Array): Uint8Array {
  const symbols: number[] = [];
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    if (frequencies[symbol]! > 0) symbols.push(symbol);
  }
  symbols.sort((a, b) => frequencies[a]! - frequencies[b]!);
  // Two queues: the leaves in order, and the inner nodes, which are made in order.
  const leaves = symbols.length;
  const weights = symbols.map((symbol) => frequencies[symbol]!);
  const parents: number[] = [];
  let leaf = 0;
  let inner = leaves;
  const takeLightest = () =>
    leaf < leaves && (inner >= weights.length || weights[leaf]! <= weights[inner]!)
      ? leaf++
      : inner++;
  while (weights.length < 2 * leaves - 1) {
    const first = takeLightest();
    const second = takeLightest();
    parents[first] = weights.length;
    parents[second] = weights.length;
    weights.push(weights[first]! + weights[second]!);
  }
  const depths = new Array<number>(weights.length).fill(0);
  for (let node = weights.length - 2; node >= 0; node--) {
    depths[node] = depths[parents[node]!]! + 1;
  }
  const lengths = new Uint8Array(frequencies.length);
  symbols.forEach((symbol, index) => {
    lengths[symbol] = Math.min(depths[index]!, MAX_HUFFMAN_BITS);
  });
  fillCodeSpace(lengths, symbols);
  return lengths;
}

/** Lengthens codes, the rarest first, until they fit, and shortens some until nothing is left over. */
function fillCodeSpace(lengths: Uint8Array, rarestFirst: readonly number[]): void {
  let excess = -(1 << MAX_HUFFMAN_BITS);
  for (const symbol of rarestFirst) excess += 1 << (MAX_HUFFMAN_BITS - lengths[symbol]!);
  for (let length = MAX_HUFFMAN_BITS - 1; length > 0 && excess > 0; length--) {
    for (const symbol of rarestFirst) {
      if (excess <= 0) break;
      if (lengths[symbol] !== length) continue;
      lengths[symbol]!++;
      excess -= 1 << (MAX_HUFFMAN_BITS - 1 - length);
    }
  }
  for (let length = MAX_HUFFMAN_BITS; length > 1 && excess < 0; length--) {
    const gain = 1 << (MAX_HUFFMAN_BITS - length);
    for (let index = rarestFirst.length - 1; index >= 0 && gain <= -excess; index--) {
      const symbol = rarestFirst[index]!;
      if (lengths[symbol] !== length) continue;
      lengths[symbol]!--;
      excess += gain;
    }
  }
}

/** The longest code comes first in the table, and among equals the smaller symbol. */
function canonicalCodes(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  const longest = Math.max(...lengths);
  let position = 0;
  for (let length = longest; length > 0; length--) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      codes[symbol] = position >> (longest - length);
      position += 1 << (longest - length);
    }
  }
  return codes;
}

/** Writes the tree's description; -1 when it has no form. */
function writeTable(lengths: Uint8Array, target: Uint8Array, at: number): number {
  const longest = Math.max(...lengths);
  let last = lengths.length - 1;
  while (lengths[last] === 0) last--;
  // The last symbol's weight follows from the others'.
  const weights = Array.from(
    lengths.subarray(0, last),
    (length) => length === 0 ? 0 : longest + 1 - length,
  );
  const directBytes = weights.length <= MAX_DIRECT_WEIGHTS ? (weights.length + 1) >> 1 : Infinity;
  const packedEnd = writePackedWeights(weights, target, at + 1);
  if (packedEnd !== -1 && packedEnd - at - 1 < Math.min(directBytes, 128)) {
    target[at] = packedEnd - at - 1;
    return packedEnd;
  }
  if (directBytes === Infinity) return -1;
  target[at++] = 127 + weights.length;
  for (let index = 0; index < weights.length; index += 2) {
    target[at++] = (weights[index]! << 4) | (weights[index + 1] ?? 0);
  }
  return at;
}

/** Weights in two FSE streams that take turns; -1 when they are too few or all alike. */
function writePackedWeights(weights: readonly number[], target: Uint8Array, at: number): number {
  const frequencies = new Array<number>(MAX_HUFFMAN_BITS + 2).fill(0);
  for (const weight of weights) frequencies[weight]!++;
  if (weights.length < 3 || frequencies.includes(weights.length)) return -1;
  const distribution = normalizeFrequencies(
    frequencies,
    Math.max(5, Math.min(WEIGHT_ACCURACY_LOG, highestBit(weights.length))),
  );
  const table = new FseEncodingTable(distribution);
  const writer = new BitWriter(target, writeFseDistribution(distribution, target, at));
  const states = [0, 0];
  for (let index = weights.length - 1; index >= 0; index--) {
    const turn = index % 2;
    states[turn] = index >= weights.length - 2
      ? table.begin(weights[index]!)
      : table.encode(writer, states[turn]!, weights[index]!);
  }
  table.finish(writer, states[1]!);
  table.finish(writer, states[0]!);
  return writer.close();
}
