/**
 * Zstandard compression in TypeScript (RFC 8878), for hosts whose own is missing. One frame that
 * tells its content's size; greedy matching, Huffman-coded literals, FSE-coded sequences: about what
 * the reference reaches at its level 1.
 *
 * @module
 */

import { atOnce, type Steps } from "./steps.ts";
import { BitWriter, highestBit } from "./zstd_bits.ts";
import { MAX_BLOCK_BYTES, ZSTD_MAGIC } from "./zstd_frame.ts";
import { FseEncodingTable, normalizeFrequencies, writeFseDistribution } from "./zstd_fse.ts";
import { writeLiterals } from "./zstd_huffman_encoder.ts";
import { Matcher, SequenceStore, WINDOW_BYTES } from "./zstd_matcher.ts";
import {
  LITERAL_LENGTH_BASE,
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTH_CODE,
  MATCH_LENGTH_BASE,
  MATCH_LENGTH_BITS,
  MATCH_LENGTH_CODE,
  OFFSET_CODE,
  type SequenceCode,
} from "./zstd_sequence_codes.ts";

const RAW_BLOCK = 0;
const RLE_BLOCK = 1;
const COMPRESSED_BLOCK = 2;
const PREDEFINED_MODE = 0;
const RLE_MODE = 1;
const FSE_MODE = 2;
/** A smaller block is searched and written in one step. */
const MINIMUM_FOR_STEPS = 32_768;
/** Fewer sequences do not pay for a table. */
const MINIMUM_FOR_TABLE = 64;
/** 4 MiB as the frame header writes it: an exponent of 12 above 2^10, no eighths. */
const WINDOW_DESCRIPTOR = 12 << 3;
/** No literal length or match length below this needs more than its own table's entry. */
const SMALL_LITERAL_LENGTH = 64;
const SMALL_MATCH_LENGTH = 131;

const literalLengthCodes = codesBelow(SMALL_LITERAL_LENGTH, LITERAL_LENGTH_BASE);
const matchLengthCodes = codesBelow(SMALL_MATCH_LENGTH, MATCH_LENGTH_BASE);

function codesBelow(limit: number, bases: Int32Array): Uint8Array {
  const codes = new Uint8Array(limit);
  for (let value = bases[0]!, code = 0; value < limit; value++) {
    if (value >= bases[code + 1]!) code++;
    codes[value] = code;
  }
  return codes;
}

function literalLengthCode(length: number): number {
  return length < SMALL_LITERAL_LENGTH ? literalLengthCodes[length]! : highestBit(length) + 19;
}

function matchLengthCode(length: number): number {
  return length < SMALL_MATCH_LENGTH ? matchLengthCodes[length]! : highestBit(length - 3) + 36;
}

/** One frame that holds `bytes`. */
export function compressZstd(bytes: Uint8Array): Uint8Array {
  return atOnce(compressZstdInSteps(bytes));
}

/** As {@linkcode compressZstd}, part of a block at a time. */
export function* compressZstdInSteps(bytes: Uint8Array): Steps<Uint8Array> {
  const blocks = Math.max(1, Math.ceil(bytes.length / MAX_BLOCK_BYTES));
  const target = new Uint8Array(14 + blocks * 3 + bytes.length);
  const scratch = new Uint8Array(2 * Math.min(bytes.length, MAX_BLOCK_BYTES) + 4096);
  const store = new SequenceStore(Math.min(bytes.length, MAX_BLOCK_BYTES));
  const matcher = new Matcher(bytes);
  let at = writeFrameHeader(bytes.length, target);
  for (let block = 0; block < blocks; block++) {
    if (block > 0) yield;
    const start = block * MAX_BLOCK_BYTES;
    const end = Math.min(start + MAX_BLOCK_BYTES, bytes.length);
    const size = end - start;
    const isLast = block === blocks - 1;
    if (size > 1 && isOneByte(bytes, start, end)) {
      at = writeBlockHeader(RLE_BLOCK, size, isLast, target, at);
      target[at++] = bytes[start]!;
      continue;
    }
    const offsets = matcher.offsets;
    yield* matcher.find(start, end, store);
    if (size > MINIMUM_FOR_STEPS) yield;
    const literalsEnd = writeLiterals(store.literals, store.literalCount, scratch, 0);
    if (size > MINIMUM_FOR_STEPS) yield;
    const packed = writeSequences(store, scratch, literalsEnd);
    if (packed < size) {
      at = writeBlockHeader(COMPRESSED_BLOCK, packed, isLast, target, at);
      target.set(scratch.subarray(0, packed), at);
      at += packed;
    } else {
      // The decoder sees no sequences of this block.
      matcher.offsets = offsets;
      at = writeBlockHeader(RAW_BLOCK, size, isLast, target, at);
      target.set(bytes.subarray(start, end), at);
      at += size;
    }
  }
  return target.subarray(0, at);
}

function writeFrameHeader(contentSize: number, target: Uint8Array): number {
  new DataView(target.buffer).setUint32(0, ZSTD_MAGIC, true);
  const isSingleSegment = contentSize <= WINDOW_BYTES;
  const sizeCode = !isSingleSegment || contentSize >= 65_792 ? 2 : contentSize >= 256 ? 1 : 0;
  target[4] = (sizeCode << 6) | (isSingleSegment ? 0x20 : 0);
  let at = 5;
  if (!isSingleSegment) target[at++] = WINDOW_DESCRIPTOR;
  const stored = sizeCode === 1 ? contentSize - 256 : contentSize;
  for (let shift = 0; shift < 8 << sizeCode; shift += 8) target[at++] = stored >>> shift;
  return at;
}

function writeBlockHeader(
  type: number,
  size: number,
  isLast: boolean,
  target: Uint8Array,
  at: number,
): number {
  const header = (isLast ? 1 : 0) | (type << 1) | (size << 3);
  target[at] = header;
  target[at + 1] = header >>> 8;
  target[at + 2] = header >>> 16;
  return at + 3;
}

function isOneByte(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) if (bytes[at] !== bytes[start]) return false;
  return true;
}

/** Writes the sequences section at `at`; returns the position behind it. */
function writeSequences(store: SequenceStore, target: Uint8Array, at: number): number {
  const count = store.count;
  if (count < 128) target[at++] = count;
  else if (count < 0x7f00) {
    target[at++] = (count >>> 8) + 128;
    target[at++] = count;
  } else {
    target[at++] = 255;
    target[at++] = count - 0x7f00;
    target[at++] = (count - 0x7f00) >>> 8;
  }
  if (count === 0) return at;

  const literalCodes = new Uint8Array(count);
  const matchCodes = new Uint8Array(count);
  const offsetCodes = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    literalCodes[index] = literalLengthCode(store.literalLengths[index]!);
    matchCodes[index] = matchLengthCode(store.matchLengths[index]!);
    offsetCodes[index] = highestBit(store.offsetValues[index]!);
  }
  const modesAt = at++;
  const literals = writeTable(LITERAL_LENGTH_CODE, literalCodes, target, at);
  const offsets = writeTable(OFFSET_CODE, offsetCodes, target, literals.end);
  const matches = writeTable(MATCH_LENGTH_CODE, matchCodes, target, offsets.end);
  target[modesAt] = (literals.mode << 6) | (offsets.mode << 4) | (matches.mode << 2);

  // What is read first is written last: the sequences go backwards, and so does each one's order.
  const writer = new BitWriter(target, matches.end);
  let literalState = 0;
  let offsetState = 0;
  let matchState = 0;
  for (let index = count - 1; index >= 0; index--) {
    const literalCode = literalCodes[index]!;
    const matchCode = matchCodes[index]!;
    const offsetCode = offsetCodes[index]!;
    if (index === count - 1) {
      literalState = literals.table?.begin(literalCode) ?? 0;
      offsetState = offsets.table?.begin(offsetCode) ?? 0;
      matchState = matches.table?.begin(matchCode) ?? 0;
    } else {
      if (offsets.table) offsetState = offsets.table.encode(writer, offsetState, offsetCode);
      if (matches.table) matchState = matches.table.encode(writer, matchState, matchCode);
      if (literals.table) literalState = literals.table.encode(writer, literalState, literalCode);
    }
    writer.write(
      store.literalLengths[index]! - LITERAL_LENGTH_BASE[literalCode]!,
      LITERAL_LENGTH_BITS[literalCode]!,
    );
    writer.write(
      store.matchLengths[index]! - MATCH_LENGTH_BASE[matchCode]!,
      MATCH_LENGTH_BITS[matchCode]!,
    );
    writer.writeLong(store.offsetValues[index]! - (1 << offsetCode), offsetCode);
  }
  matches.table?.finish(writer, matchState);
  offsets.table?.finish(writer, offsetState);
  literals.table?.finish(writer, literalState);
  return writer.close();
}

interface WrittenTable {
  readonly mode: number;
  /** Null where there is one code only, which takes no bits. */
  readonly table: FseEncodingTable | null;
  readonly end: number;
}

const predefinedTables = new Map<SequenceCode, FseEncodingTable>();

function writeTable(
  code: SequenceCode,
  codes: Uint8Array,
  target: Uint8Array,
  at: number,
): WrittenTable {
  const frequencies = new Array<number>(code.maxSymbol + 1).fill(0);
  for (const symbol of codes) frequencies[symbol]!++;
  const distinct = frequencies.filter((frequency) => frequency > 0).length;
  if (distinct === 1) {
    target[at] = codes[0]!;
    return { mode: RLE_MODE, table: null, end: at + 1 };
  }
  if (codes.length < MINIMUM_FOR_TABLE) {
    let table = predefinedTables.get(code);
    if (table === undefined) {
      table = new FseEncodingTable(code.predefined);
      predefinedTables.set(code, table);
    }
    return { mode: PREDEFINED_MODE, table, end: at };
  }
  const wanted = Math.max(highestBit(codes.length) - 2, highestBit(distinct) + 1);
  const accuracyLog = Math.max(5, Math.min(wanted, code.maxAccuracyLog));
  const distribution = normalizeFrequencies(frequencies, accuracyLog);
  return {
    mode: FSE_MODE,
    table: new FseEncodingTable(distribution),
    end: writeFseDistribution(distribution, target, at),
  };
}
