/**
 * The LZ4 frame format. Writes independent blocks of 64 KiB, as Kafka's clients do. Reads every
 * frame of the format: linked blocks, all block sizes, checksums, content sizes, concatenated and
 * skippable frames. Dictionaries are not supported.
 *
 * @module
 */

import { RecordError } from "../record_error.ts";
import { viewed, type ViewedBytes } from "./byte_copy.ts";
import { tooLarge } from "./host_decompression.ts";
import { compressLz4Block, decompressLz4Block, lz4Rest } from "./lz4_block.ts";
import { compressLz4ChainBlock } from "./lz4_chain_block.ts";
import { OutputBuffer } from "./output_buffer.ts";
import { atOnce, copyInSteps, Effort, STEP_BYTES, type Steps } from "./steps.ts";
import { xxHash32, xxHash32InSteps } from "./xxhash32.ts";

const FRAME_MAGIC = 0x184d2204;
/** 16 magic numbers that differ in the last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a5;

const VERSION = 0x40;
const VERSION_MASK = 0xc0;
const INDEPENDENT_FLAG = 0x20;
const BLOCK_CHECKSUM_FLAG = 0x10;
const CONTENT_SIZE_FLAG = 0x08;
const CONTENT_CHECKSUM_FLAG = 0x04;
const RESERVED_FLAG = 0x02;
const DICTIONARY_FLAG = 0x01;

/** Code 4 of the maximum block size: 64 KiB. Each higher code is four times larger, up to 7. */
const BLOCK_CODE = 4;
const BLOCK_BYTES = 65_536;
const STORED_FLAG = 0x8000_0000;
/** A length byte adds at most 255. */
const MAXIMUM_RATIO = 255;
/** Cost of a frame or block header, in bytes of uncompressed data. */
const HEADER_EFFORT = 256;

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>>
    0;
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/**
 * From this level on, each position is compared with as many earlier positions as the level says.
 */
const FIRST_CHAIN_LEVEL = 3;

/**
 * Compresses `bytes` to one frame. `level` is 1 or 2 (fast) to 17 (small) and defaults to 1. The
 * scale differs from that of other implementations, whose high levels search longer.
 */
export function compressLz4(bytes: Uint8Array, level?: number): Uint8Array {
  return atOnce(compressLz4InSteps(bytes, level));
}

/** Like {@linkcode compressLz4}, one block per step. */
export function* compressLz4InSteps(bytes: Uint8Array, level: number = 1): Steps<Uint8Array> {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  const target = new Uint8Array(7 + blocks * 4 + bytes.length + 4);
  const source = viewed(bytes);
  const output = viewed(target);
  writeInt32(target, 0, FRAME_MAGIC);
  target[4] = VERSION | INDEPENDENT_FLAG;
  target[5] = BLOCK_CODE << 4;
  target[6] = xxHash32(target, 4, 6) >>> 8;
  let at = 7;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    if (start > 0) yield;
    const end = Math.min(start + BLOCK_BYTES, bytes.length);
    // A block that does not shrink is stored uncompressed, so the target size above is sufficient.
    const limit = at + 4 + end - start;
    const packedEnd = level < FIRST_CHAIN_LEVEL
      ? compressLz4Block(source, start, end, output, at + 4, limit)
      : compressLz4ChainBlock(source, start, end, output, at + 4, limit, level);
    if (packedEnd === -1) {
      writeInt32(target, at, (end - start) | STORED_FLAG);
      target.set(bytes.subarray(start, end), at + 4);
      at += 4 + end - start;
    } else {
      writeInt32(target, at, packedEnd - at - 4);
      at = packedEnd;
    }
  }
  // The end mark is four zeros. They must be written, since a failed compression attempt may have
  // left bytes here.
  writeInt32(target, at, 0);
  return target.subarray(0, at + 4);
}

/**
 * Decompresses concatenated frames. Throws `invalid` for bad data, `too-large` beyond `maxBytes`.
 */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return atOnce(decompressLz4InSteps(bytes, maxBytes));
}

/**
 * Like {@linkcode decompressLz4}, in steps. In blocks larger than 64 KiB, a single match or run of
 * literals that exceeds a step is copied in one step.
 */
export function* decompressLz4InSteps(bytes: Uint8Array, maxBytes: number): Steps<Uint8Array> {
  const output = new OutputBuffer("lz4", maxBytes, Math.min(bytes.length * 4, 1_048_576));
  const effort = new Effort();
  let at = 0;
  do {
    if (effort.spend(HEADER_EFFORT)) yield;
    if (bytes.length - at < 8) throw bad("a frame's header is cut off");
    const magic = readInt32(bytes, at);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      const size = readInt32(bytes, at + 4);
      if (size > bytes.length - at - 8) throw bad("a skippable frame is cut off");
      at += 8 + size;
    } else if (magic === FRAME_MAGIC) {
      at = yield* decompressFrame(bytes, at + 4, output, effort);
    } else {
      throw bad(`a frame begins with ${magic.toString(16)}`);
    }
  } while (at < bytes.length);
  return output.written();
}

/**
 * Reads the frame whose header begins (after the magic) at `start`. Returns the end of the frame.
 */
function* decompressFrame(
  bytes: Uint8Array,
  start: number,
  output: OutputBuffer,
  effort: Effort,
): Steps<number> {
  const flags = bytes[start]!;
  const sizeByte = bytes[start + 1]!;
  if ((flags & VERSION_MASK) !== VERSION) throw bad(`its version is ${flags >>> 6}, expected 1`);
  if ((flags & RESERVED_FLAG) !== 0 || (sizeByte & 0x8f) !== 0 || sizeByte < BLOCK_CODE << 4) {
    throw bad("a frame's header has reserved bits or an unknown block size");
  }
  if ((flags & DICTIONARY_FLAG) !== 0) throw bad("it needs a dictionary");
  const headerEnd = start + 2 + ((flags & CONTENT_SIZE_FLAG) !== 0 ? 8 : 0);
  if (headerEnd >= bytes.length) throw bad("a frame's header is cut off");
  if (bytes[headerEnd] !== ((xxHash32(bytes, start, headerEnd) >>> 8) & 0xff)) {
    throw bad("a frame header's checksum is wrong");
  }
  const contentStart = output.length;
  let contentSize = -1;
  if ((flags & CONTENT_SIZE_FLAG) !== 0) {
    contentSize = readInt32(bytes, start + 2) + readInt32(bytes, start + 6) * 4_294_967_296;
    if (contentSize > output.maxBytes - contentStart) throw tooLarge("lz4", output.maxBytes);
    if (contentSize <= (bytes.length - headerEnd) * MAXIMUM_RATIO) {
      yield* output.reserveInSteps(contentSize);
    }
  }
  const maxBlockBytes = BLOCK_BYTES << (2 * ((sizeByte >>> 4) - BLOCK_CODE));

  const source = viewed(bytes);
  let at = headerEnd + 1;
  for (;;) {
    if (bytes.length - at < 4) throw bad("it ends before its end mark");
    const field = readInt32(bytes, at);
    at += 4;
    if (field === 0) break;
    const size = field & 0x7fff_ffff;
    if (size > bytes.length - at) throw bad(`a block of ${size} bytes is cut off`);
    if (size > maxBlockBytes) throw bad(`a block of ${size} bytes is larger than announced`);
    const before = output.length;
    if (field >= STORED_FLAG) {
      yield* output.reserveInSteps(size);
      yield* copyInSteps(bytes.subarray(at, at + size), output.bytes, before);
      output.length += size;
    } else {
      const windowStart = (flags & INDEPENDENT_FLAG) === 0 ? contentStart : before;
      const room = Math.min(maxBlockBytes, size * MAXIMUM_RATIO);
      yield* decompressBlock(source, at, at + size, output, room, windowStart);
    }
    if ((flags & BLOCK_CHECKSUM_FLAG) !== 0) {
      checkHash(bytes, at + size, yield* xxHash32InSteps(bytes, at, at + size), "block");
      at += 4;
    }
    at += size;
    if (effort.spend(HEADER_EFFORT + output.length - before)) yield;
  }
  if (contentSize !== -1 && output.length - contentStart !== contentSize) {
    throw bad(`${output.length - contentStart} bytes decompressed, ${contentSize} announced`);
  }
  if ((flags & CONTENT_CHECKSUM_FLAG) !== 0) {
    const hash = yield* xxHash32InSteps(output.bytes, contentStart, output.length);
    checkHash(bytes, at, hash, "content");
    at += 4;
  }
  return at;
}

/** Appends the content of the block `source[at..end)`, at most `maxBytes`. */
function* decompressBlock(
  source: ViewedBytes,
  at: number,
  end: number,
  output: OutputBuffer,
  maxBytes: number,
  windowStart: number,
): Steps<void> {
  const room = Math.min(maxBytes, output.maxBytes - output.length);
  yield* output.reserveInSteps(room);
  const limit = output.length + room;
  for (let stepBytes = STEP_BYTES;;) {
    const start = output.length;
    const stepLimit = Math.min(limit, start + stepBytes);
    const written = decompressLz4Block(source, at, end, output, start, stepLimit, windowStart);
    if (written !== -1) {
      output.length = written;
      return;
    }
    if (stepLimit === limit) {
      if (limit === output.maxBytes) throw tooLarge("lz4", output.maxBytes);
      throw bad("a block decompresses to more than announced");
    }
    at = lz4Rest.at;
    output.length = lz4Rest.to;
    if (output.length === start) stepBytes *= 2;
    else {
      stepBytes = STEP_BYTES;
      yield;
    }
  }
}

function checkHash(bytes: Uint8Array, at: number, computed: number, what: string): void {
  if (bytes.length - at < 4) throw bad(`a ${what} checksum is cut off`);
  if (readInt32(bytes, at) !== computed) throw bad(`a ${what} checksum is wrong`);
}

function bad(why: string): RecordError {
  return new RecordError(`Cannot decompress lz4 data: ${why}`, "invalid");
}
