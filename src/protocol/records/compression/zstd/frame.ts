/**
 * The frame format of zstd: frames, their headers and the positions of blocks (RFC 8878, section
 * 3.1).
 *
 * @module
 */

import { Effort, type Steps } from "../steps.ts";
import { badZstd } from "./bad_zstd.ts";

/** The magic number of a frame. */
export const ZSTD_MAGIC = 0xfd2fb528;
/** 16 magic numbers that differ in the last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a5;
/** Maximum block size, before and after decompression. */
export const MAX_BLOCK_BYTES = 131_072;

const SINGLE_SEGMENT_FLAG = 0x20;
const RESERVED_FLAG = 0x08;
const CHECKSUM_FLAG = 0x04;
const CHECKSUM_BYTES = 4;
/** Cost of reading a block header, in bytes of uncompressed data. */
export const BLOCK_HEADER_EFFORT = 64;

/** The types of blocks. */
export type ZstdBlockType = "raw" | "repeated" | "compressed";
const BLOCK_TYPES: readonly ZstdBlockType[] = ["raw", "repeated", "compressed"];

/** The header of a frame. */
export interface ZstdFrameHeader {
  /** The position of the first block header. */
  readonly end: number;
  /** The announced content size, or -1 if unknown. */
  readonly contentSize: number;
  readonly maxBlockBytes: number;
  readonly hasChecksum: boolean;
}

/** A block's header and position. */
export interface ZstdBlock {
  readonly type: ZstdBlockType;
  readonly isLast: boolean;
  /** Decompressed size of a raw or repeated block, or compressed size of a compressed block. */
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** Reads a little-endian number of up to 6 bytes (or 8 with small upper bytes). */
export function readZstdNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

/** Returns the end of the skippable frame at `at`, or -1 if a frame with content begins there. */
export function endOfSkippableFrame(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < 5) throw badZstd("a frame's header is cut off");
  const magic = readZstdNumber(bytes, at, 4);
  if (magic === ZSTD_MAGIC) return -1;
  if (magic >>> 4 !== SKIPPABLE_MAGIC) throw badZstd(`a frame begins with ${magic.toString(16)}`);
  if (bytes.length - at < 8) throw badZstd("a skippable frame is cut off");
  const size = readZstdNumber(bytes, at + 4, 4);
  if (size > bytes.length - at - 8) throw badZstd("a skippable frame is cut off");
  return at + 8 + size;
}

/** Reads the header of the frame whose magic number is at `at`. Throws `invalid`. */
export function readFrameHeader(bytes: Uint8Array, at: number): ZstdFrameHeader {
  const descriptor = bytes[at + 4]!;
  at += 5;
  if ((descriptor & RESERVED_FLAG) !== 0) throw badZstd("a frame's header has reserved bits");
  const isSingleSegment = (descriptor & SINGLE_SEGMENT_FLAG) !== 0;
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3]!;
  const sizeCode = descriptor >>> 6;
  const sizeLength = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeCode;
  const end = at + (isSingleSegment ? 0 : 1) + dictionaryLength + sizeLength;
  if (end > bytes.length) throw badZstd("a frame's header is cut off");

  let windowBytes = 0;
  if (!isSingleSegment) {
    const window = bytes[at++]!;
    const base = 2 ** (10 + (window >>> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  if (readZstdNumber(bytes, at, dictionaryLength) !== 0) throw badZstd("it needs a dictionary");
  at += dictionaryLength;
  const contentSize = sizeLength === 0
    ? -1
    : readZstdNumber(bytes, at, sizeLength) + (sizeLength === 2 ? 256 : 0);
  if (isSingleSegment) windowBytes = contentSize;
  return {
    end,
    contentSize,
    maxBlockBytes: Math.min(windowBytes, MAX_BLOCK_BYTES),
    hasChecksum: (descriptor & CHECKSUM_FLAG) !== 0,
  };
}

/** Reads the block whose header is at `at`. Throws `invalid` if it is incomplete. */
export function readBlock(bytes: Uint8Array, at: number, maxBlockBytes: number): ZstdBlock {
  if (bytes.length - at < 3) throw badZstd("a block header is cut off");
  const header = readZstdNumber(bytes, at, 3);
  const size = header >>> 3;
  if (size > maxBlockBytes) throw badZstd(`a block of ${size} bytes is too large`);
  const type = BLOCK_TYPES[(header >>> 1) & 3];
  if (type === undefined) throw badZstd("a block has the reserved type");
  const start = at + 3;
  const end = start + (type === "repeated" ? 1 : size);
  if (end > bytes.length) throw badZstd(`a block of ${size} bytes is cut off`);
  return { type, isLast: (header & 1) !== 0, size, start, end };
}

/**
 * Returns the end of a frame whose last block ends at `at`, including its checksum. Throws
 * `invalid`.
 */
export function endOfFrame(bytes: Uint8Array, at: number, header: ZstdFrameHeader): number {
  const end = at + (header.hasChecksum ? CHECKSUM_BYTES : 0);
  if (end > bytes.length) throw badZstd("a checksum is cut off");
  return end;
}

/**
 * Returns whether `bytes` are exactly one complete frame, according to the headers of the frame and
 * its blocks. Some hosts return partial content for a truncated frame, and nothing for a second
 * frame.
 */
export function* isSingleWholeFrame(bytes: Uint8Array): Steps<boolean> {
  if (endOfSkippableFrame(bytes, 0) !== -1) return false;
  return (yield* endOfFirstFrame(bytes)) === bytes.length;
}

/** Returns the end of the frame with content at the start of `bytes`. Throws `invalid`. */
export function* endOfFirstFrame(bytes: Uint8Array): Steps<number> {
  const header = readFrameHeader(bytes, 0);
  const effort = new Effort();
  for (let at = header.end;;) {
    const block = readBlock(bytes, at, header.maxBlockBytes);
    at = block.end;
    if (block.isLast) return endOfFrame(bytes, at, header);
    if (effort.spend(BLOCK_HEADER_EFFORT)) yield;
  }
}
