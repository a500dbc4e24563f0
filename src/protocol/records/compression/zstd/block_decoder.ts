/**
 * Decodes compressed blocks of zstd: literals, sequences and their execution (RFC 8878, section
 * 3.1.1.3).
 *
 * @module
 */

import { COPY_SLACK, copyBytes, copyMatch, viewed } from "../byte_copy.ts";
import { tooLarge } from "../host_decompression.ts";
import type { OutputBuffer } from "../output_buffer.ts";
import { BackwardBitReader } from "./bit_reader.ts";
import { type Effort, STEP_BYTES, type Steps } from "../steps.ts";
import { badZstd } from "./bad_zstd.ts";
import {
  buildFseDecoder,
  type FseDecodingTable,
  readFseDistribution,
  singleSymbolDecoder,
} from "./fse.ts";
import { decodeHuffmanStream, type HuffmanTable, readHuffmanTable } from "./huffman.ts";
import {
  LITERAL_LENGTH_BASE,
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTH_CODE,
  MATCH_LENGTH_BASE,
  MATCH_LENGTH_BITS,
  MATCH_LENGTH_CODE,
  OFFSET_CODE,
  type SequenceCode,
} from "./sequence_codes.ts";

/** Cost of building a block's tables, in bytes of uncompressed data. */
const TABLES_EFFORT = 8192;

const predefinedTables = new Map<SequenceCode, FseDecodingTable>();

/** The state of executing a block's sequences. */
interface SequenceRun {
  readonly reader: BackwardBitReader;
  literalState: number;
  offsetState: number;
  matchState: number;
  /** Number of remaining sequences. */
  left: number;
  literalAt: number;
  /** The end of the largest allowed block. */
  readonly blockEnd: number;
  /** The end of the reserved output: that of the block, or of the output's limit. */
  readonly outputEnd: number;
}

/** Decodes the blocks of one frame. Keeps the tables and offsets that later blocks may reuse. */
export class BlockDecoder {
  readonly #output: OutputBuffer;
  readonly #frameStart: number;
  #literals = viewed(new Uint8Array(0));
  #literalCount = 0;
  #huffman: HuffmanTable | null = null;
  readonly #tables = new Map<SequenceCode, FseDecodingTable>();
  #offset1 = 1;
  #offset2 = 4;
  #offset3 = 8;

  constructor(output: OutputBuffer) {
    this.#output = output;
    this.#frameStart = output.length;
  }

  /**
   * Appends the content of the block `bytes[at..end)`, at most `maxBlockBytes`. Throws a
   * RecordError.
   */
  *decode(
    bytes: Uint8Array,
    at: number,
    end: number,
    maxBlockBytes: number,
    effort: Effort,
  ): Steps<void> {
    at = this.#readLiterals(bytes, at, end, maxBlockBytes);
    if (effort.spend(TABLES_EFFORT + this.#literalCount)) yield;
    if (at >= end) throw badZstd("a block ends before its sequences");
    const first = bytes[at++]!;
    let count = first;
    if (first >= 128) {
      const more = first === 255 ? 2 : 1;
      if (at + more > end) throw badZstd("a number of sequences is cut off");
      count = first === 255
        ? bytes[at]! + (bytes[at + 1]! << 8) + 0x7f00
        : ((first - 128) << 8) + bytes[at]!;
      at += more;
    }
    if (count === 0) {
      if (at !== end) throw badZstd("bytes follow a block's literals");
      yield* this.#output.reserveInSteps(this.#literalCount);
      this.#append(0, this.#literalCount, maxBlockBytes);
      return;
    }
    if (at >= end) throw badZstd("a block's modes are cut off");
    const modes = bytes[at++]!;
    if ((modes & 3) !== 0) throw badZstd("a block has reserved bits");
    at = this.#readTable(LITERAL_LENGTH_CODE, modes >>> 6, bytes, at, end);
    at = this.#readTable(OFFSET_CODE, (modes >>> 4) & 3, bytes, at, end);
    at = this.#readTable(MATCH_LENGTH_CODE, (modes >>> 2) & 3, bytes, at, end);
    const output = this.#output;
    yield* output.reserveInSteps(Math.min(maxBlockBytes, output.maxBytes - output.length));
    yield* this.#runSequences(new BackwardBitReader(bytes, at, end), count, maxBlockBytes);
  }

  #readLiterals(bytes: Uint8Array, at: number, end: number, maxBlockBytes: number): number {
    if (at >= end) throw badZstd("a block is empty");
    const type = bytes[at]! & 3;
    const format = (bytes[at]! >>> 2) & 3;
    const isCoded = type >= 2;
    const headerLength = isCoded ? 3 + Math.max(0, format - 1) : [1, 2, 1, 3][format]!;
    if (at + headerLength > end) throw badZstd("a literals header is cut off");
    let header = 0;
    for (let index = headerLength - 1; index >= 0; index--) {
      header = header * 256 + bytes[at + index]!;
    }
    at += headerLength;
    if (!isCoded) {
      const count = headerLength === 1 ? header >>> 3 : header >>> 4;
      this.#setLiteralCount(count, maxBlockBytes);
      if (type === 1) {
        if (at >= end) throw badZstd("a literal is cut off");
        this.#literals.bytes.fill(bytes[at]!, 0, count);
        return at + 1;
      }
      if (at + count > end) throw badZstd("literals are cut off");
      this.#literals.bytes.set(bytes.subarray(at, at + count));
      return at + count;
    }
    const sizeBits = [10, 10, 14, 18][format]!;
    const count = Math.floor(header / 16) % 2 ** sizeBits;
    const packed = Math.floor(header / 2 ** (4 + sizeBits));
    this.#setLiteralCount(count, maxBlockBytes);
    const literalsEnd = at + packed;
    if (literalsEnd > end) throw badZstd("literals are cut off");
    if (type === 2) {
      const read = readHuffmanTable(bytes, at, literalsEnd);
      this.#huffman = read.table;
      at = read.end;
    }
    const table = this.#huffman;
    if (table === null) throw badZstd("a block repeats a Huffman table that does not exist");
    if (format === 0) {
      decodeHuffmanStream(table, bytes, at, literalsEnd, this.#literals.bytes, 0, count);
      return literalsEnd;
    }
    if (at + 6 > literalsEnd) throw badZstd("literals are cut off");
    const quarter = (count + 3) >> 2;
    if (quarter * 3 > count) throw badZstd("too few literals for four streams");
    let start = at + 6;
    for (let stream = 0; stream < 4; stream++) {
      const size = bytes[at + 2 * stream]! | (bytes[at + 2 * stream + 1]! << 8);
      const streamEnd = stream === 3 ? literalsEnd : start + size;
      if (streamEnd > literalsEnd) throw badZstd("a literals stream is cut off");
      const limit = stream === 3 ? count : (stream + 1) * quarter;
      decodeHuffmanStream(
        table,
        bytes,
        start,
        streamEnd,
        this.#literals.bytes,
        stream * quarter,
        limit,
      );
      start = streamEnd;
    }
    return literalsEnd;
  }

  #setLiteralCount(count: number, maxBlockBytes: number): void {
    if (count > maxBlockBytes) throw badZstd("a block has too many literals");
    if (this.#literals.bytes.length < count) {
      this.#literals = viewed(
        new Uint8Array(Math.max(count, Math.min(maxBlockBytes, 16_384)) + COPY_SLACK),
      );
    }
    this.#literalCount = count;
  }

  #readTable(
    code: SequenceCode,
    mode: number,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): number {
    if (mode === 0) {
      let table = predefinedTables.get(code);
      if (table === undefined) {
        table = buildFseDecoder(code.predefined);
        predefinedTables.set(code, table);
      }
      this.#tables.set(code, table);
      return at;
    }
    if (mode === 1) {
      if (at >= end) throw badZstd(`a ${code.name} table is cut off`);
      const symbol = bytes[at]!;
      if (symbol > code.maxSymbol) throw badZstd(`the ${code.name} code ${symbol} is unknown`);
      this.#tables.set(code, singleSymbolDecoder(symbol));
      return at + 1;
    }
    if (mode === 2) {
      const read = readFseDistribution(bytes, at, end, code.maxAccuracyLog, code.maxSymbol);
      this.#tables.set(code, buildFseDecoder(read.distribution));
      return read.end;
    }
    if (!this.#tables.has(code)) {
      throw badZstd(`a block repeats a ${code.name} table that does not exist`);
    }
    return at;
  }

  *#runSequences(reader: BackwardBitReader, count: number, maxBlockBytes: number): Steps<void> {
    const output = this.#output;
    const blockEnd = output.length + maxBlockBytes;
    const run: SequenceRun = {
      reader,
      literalState: reader.read(this.#tables.get(LITERAL_LENGTH_CODE)!.accuracyLog),
      offsetState: reader.read(this.#tables.get(OFFSET_CODE)!.accuracyLog),
      matchState: reader.read(this.#tables.get(MATCH_LENGTH_CODE)!.accuracyLog),
      left: count,
      literalAt: 0,
      blockEnd,
      outputEnd: Math.min(blockEnd, output.maxBytes),
    };
    this.#runUpTo(run, output.length + STEP_BYTES);
    while (run.left > 0) {
      yield;
      this.#runUpTo(run, output.length + STEP_BYTES);
    }
    if (reader.position !== 0) throw badZstd("bits follow the sequences");
    this.#append(run.literalAt, this.#literalCount, blockEnd - output.length);
  }

  /** Executes sequences until the output is `stepEnd` bytes long. */
  #runUpTo(run: SequenceRun, stepEnd: number): void {
    const literalEntries = this.#tables.get(LITERAL_LENGTH_CODE)!.entries;
    const offsetEntries = this.#tables.get(OFFSET_CODE)!.entries;
    const matchEntries = this.#tables.get(MATCH_LENGTH_CODE)!.entries;
    const { reader, outputEnd } = run;
    let { literalState, offsetState, matchState, left, literalAt } = run;

    const output = this.#output;
    const literals = this.#literals;
    const literalCount = this.#literalCount;
    let to = output.length;
    for (; left > 0 && to < stepEnd; left--) {
      const literalEntry = literalEntries[literalState]!;
      const offsetEntry = offsetEntries[offsetState]!;
      const matchEntry = matchEntries[matchState]!;
      const offsetBits = offsetEntry & 0xff;
      const offsetValue = 2 ** offsetBits + reader.read(offsetBits);
      const matchLength = MATCH_LENGTH_BASE[matchEntry & 0xff]! +
        reader.read(MATCH_LENGTH_BITS[matchEntry & 0xff]!);
      const literalLength = LITERAL_LENGTH_BASE[literalEntry & 0xff]! +
        reader.read(LITERAL_LENGTH_BITS[literalEntry & 0xff]!);
      if (left > 1) {
        literalState = (literalEntry >> 16) + reader.read((literalEntry >> 8) & 0xff);
        matchState = (matchEntry >> 16) + reader.read((matchEntry >> 8) & 0xff);
        offsetState = (offsetEntry >> 16) + reader.read((offsetEntry >> 8) & 0xff);
      }
      if (reader.position < 0) throw badZstd("sequences are cut off");
      const offset = this.#resolveOffset(offsetValue, literalLength);

      if (literalLength > literalCount - literalAt) throw badZstd("there are too few literals");
      const end = to + literalLength + matchLength;
      if (end > outputEnd) {
        if (end > run.blockEnd) throw badZstd("a block decompresses to too many bytes");
        throw tooLarge("zstd", output.maxBytes);
      }
      copyBytes(literals, literalAt, output, to, literalLength);
      literalAt += literalLength;
      to += literalLength;
      if (offset > to - this.#frameStart) throw badZstd("a match reaches before the frame");
      copyMatch(output, to, offset, matchLength);
      to = end;
    }
    output.length = to;
    run.literalState = literalState;
    run.offsetState = offsetState;
    run.matchState = matchState;
    run.left = left;
    run.literalAt = literalAt;
  }

  /**
   * Offset values of 1 to 3 refer to the last three offsets; higher values are an offset plus 3.
   */
  #resolveOffset(value: number, literalLength: number): number {
    let offset: number;
    if (value > 3) {
      offset = value - 3;
      this.#offset3 = this.#offset2;
      this.#offset2 = this.#offset1;
      this.#offset1 = offset;
      return offset;
    }
    // Without literals the last offset cannot repeat, so the references are shifted by one.
    const index = literalLength === 0 ? value : value - 1;
    if (index === 0) return this.#offset1;
    if (index === 1) offset = this.#offset2;
    else {
      offset = index === 2 ? this.#offset3 : this.#offset1 - 1;
      this.#offset3 = this.#offset2;
    }
    if (offset === 0) throw badZstd("an offset is zero");
    this.#offset2 = this.#offset1;
    this.#offset1 = offset;
    return offset;
  }

  /** Appends the literals from `from` to `to`. */
  #append(from: number, to: number, available: number): void {
    const count = to - from;
    if (count > available) throw badZstd("a block decompresses to too many bytes");
    const output = this.#output;
    output.reserve(count);
    output.bytes.set(this.#literals.bytes.subarray(from, to), output.length);
    output.length += count;
  }
}
