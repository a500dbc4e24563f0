/**
 * Checks of the batches in one segment file during recovery.
 *
 * @module
 */
import { readBatchLength, RECORDS_OFFSET } from "../../protocol/records/batch.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import { BatchScanner, LOOKUP_WINDOW, WALK_WINDOW } from "../segments/batch_scanner.ts";
import { lastIndexEntry } from "../segments/index_storage.ts";
import type { Segment } from "../segments/segment.ts";

/** The largest distance of an offset from the base offset of its segment. */
const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

/** The end of a segment, according to the batches after its last index entry. */
export interface SegmentEnd {
  /** The offset after the last batch. */
  readonly nextOffset: number;
  /** Whether the index files cover the whole segment. */
  readonly isIndexed: boolean;
}

/**
 * Reads the batch headers from the last index entry to the end of the segment. Returns null if they
 * do not lead to the end, or if the index does not match. Throws a `FileError`.
 */
export function* readEnd(
  files: FileSystem,
  segment: Segment,
  size: number,
  hasIndexFiles: boolean,
  indexIntervalBytes: number,
): Steps<SegmentEnd | null> {
  const entry = hasIndexFiles ? lastIndexEntry(files, segment.path, size) : null;
  const start = entry?.position ?? 0;
  const window = size - start > WALK_WINDOW ? WALK_WINDOW : LOOKUP_WINDOW;
  const scanner = new BatchScanner(segment.reader, start, size, window);
  let nextOffset = segment.baseOffset;
  let isIndexed = hasIndexFiles;
  while (scanner.next()) {
    if (offsetProblem(scanner, segment, nextOffset) !== null) return null;
    if (
      entry !== null && scanner.position === start &&
      scanner.lastOffset > segment.baseOffset + entry.relativeOffset
    ) return null;
    if (scanner.position - start > indexIntervalBytes) isIndexed = false;
    nextOffset = scanner.lastOffset + 1;
    if (scanner.mayPause) yield;
  }
  return scanner.problem === null ? { nextOffset, isIndexed } : null;
}

/** Why the scanner's batch cannot follow one that ends before `nextOffset`, or null when it can. */
export function offsetProblem(
  scanner: BatchScanner,
  segment: Segment,
  nextOffset: number,
): string | null {
  if (scanner.baseOffset < nextOffset) {
    return `its base offset is ${scanner.baseOffset}, below ${nextOffset}`;
  }
  if (scanner.lastOffset - segment.baseOffset > LARGEST_RELATIVE_OFFSET) {
    return `its last offset ${scanner.lastOffset} is too far from the file's first one`;
  }
  return null;
}

/** Whether the segment's batches from `offset` on have valid checksums and leave no gap. */
export function* isUnbroken(segment: Segment, offset: number): Steps<boolean> {
  const scanner = new BatchScanner(segment.reader, 0, segment.size, WALK_WINDOW);
  let nextOffset = segment.baseOffset;
  while (scanner.next()) {
    const isNew = scanner.lastOffset >= offset;
    if (isNew && scanner.baseOffset !== nextOffset) return false;
    if (isNew && scanner.crcProblem() !== null) return false;
    nextOffset = scanner.lastOffset + 1;
    if (scanner.mayPause) yield;
  }
  return scanner.problem === null;
}

/**
 * Returns whether the file of `size` bytes starts with a valid message of a format before v2, which
 * cannot result from a torn write of this process. Such a message has its own checksum over the
 * bytes after it.
 */
export function isOldFormat(scanner: BatchScanner, segment: Segment, size: number): boolean {
  const { bytes } = scanner;
  if (segment.size > 0 || size < RECORDS_OFFSET || bytes[16]! > 1) return false;
  const end = readBatchLength(bytes, 0) + 12;
  if (end < 26 || end > Math.min(size, bytes.length)) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
  return stored === crc32(bytes.subarray(16, end));
}

/** CRC-32, the checksum of the old formats. Slow, but only used once, before a log is rejected. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
