/**
 * The index of a segment on its way to its `.index` and `.timeindex` and back. The files tell nothing
 * that the batches do not: those that are missing, short or senseless are made anew from the batches'
 * headers.
 *
 * @module
 */
import { readMaxTimestamp } from "../../protocol/records/batch.ts";
import type { FileHandle, FileSystem } from "../../runtime/runtime.ts";
import type { BatchIndex } from "./batch_index.ts";
import { BatchScanner, LOOKUP_WINDOW } from "./batch_scanner.ts";
import {
  decodeOffsetIndex,
  decodeTimeIndex,
  encodeOffsetIndex,
  encodeTimeIndex,
  OFFSET_INDEX_ENTRY_BYTES,
  type OffsetIndexEntries,
  type TimeIndexEntries,
} from "./index_format.ts";

/** What is asked of a segment whose index is loaded. */
export interface IndexedFile {
  /** The segment's file, open. */
  readonly file: FileHandle;
  /** Its path, ending in `.log`. */
  readonly path: string;
  /** Bytes of whole batches in it. */
  readonly size: number;
  readonly baseOffset: number;
  /** The offset after its last record. */
  readonly nextOffset: number;
}

/**
 * The path of the file beside the `.log` at `path` that has `suffix`, such as `.index`, instead; what
 * comes behind `.log`, such as `.deleted`, stays.
 */
export function siblingPath(path: string, suffix: string): string {
  const at = path.lastIndexOf(".log");
  return path.slice(0, at) + suffix + path.slice(at + 4);
}

/** Fills `index` from the segment's files. False, with nothing changed, where they cannot be trusted. */
export function loadIndex(files: FileSystem, segment: IndexedFile, index: BatchIndex): boolean {
  const { path, baseOffset, nextOffset, size } = segment;
  const offsetBytes = readWhole(files, siblingPath(path, ".index"));
  const timeBytes = readWhole(files, siblingPath(path, ".timeindex"));
  if (offsetBytes === null || timeBytes === null) return false;
  const offsets = decodeOffsetIndex(offsetBytes);
  const times = decodeTimeIndex(timeBytes);
  if (offsets.problem !== null || times.problem !== null) return false;
  const span = nextOffset - baseOffset;
  const last = offsets.entries.length - 1;
  if (last >= 0) {
    if (offsets.entries.relativeOffsets[last]! >= span) return false;
    if (offsets.entries.positions[last]! >= size) return false;
  }
  if (!hasNewestTimestamp(segment, offsets.entries, times.entries)) return false;
  index.adopt(offsets.entries, times.entries);
  return true;
}

/**
 * Whether the last entry of the `.timeindex` is true, and no batch behind it has a larger timestamp:
 * a file that lost its end would have its segment deleted too early.
 */
function hasNewestTimestamp(
  { file, size, baseOffset }: IndexedFile,
  offsets: OffsetIndexEntries,
  times: TimeIndexEntries,
): boolean {
  if (times.length === 0 && size === 0) return true;
  if (times.length === 0) return false;
  const newest = times.timestamps.at(times.length - 1);
  const newestOffset = baseOffset + times.relativeOffsets[times.length - 1]!;
  let entry = offsets.length - 1;
  while (entry >= 0 && baseOffset + offsets.relativeOffsets[entry]! > newestOffset) entry--;
  const start = entry < 0 ? 0 : offsets.positions[entry]!;
  const scanner = new BatchScanner(file, start, size, LOOKUP_WINDOW);
  let isFound = false;
  while (scanner.next()) {
    const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
    if (scanner.lastOffset === newestOffset) isFound = timestamp === newest;
    if (timestamp > newest) return false;
  }
  return isFound && scanner.problem === null;
}

/** The last entry of the segment's `.index`; null where there is none that makes sense. */
export function lastIndexEntry(
  files: FileSystem,
  path: string,
  size: number,
): { readonly relativeOffset: number; readonly position: number } | null {
  const indexPath = siblingPath(path, ".index");
  if (!files.exists(indexPath)) return null;
  const file = files.open(indexPath, "read");
  try {
    const length = file.size();
    if (length < OFFSET_INDEX_ENTRY_BYTES || length % OFFSET_INDEX_ENTRY_BYTES !== 0) return null;
    const bytes = new Uint8Array(OFFSET_INDEX_ENTRY_BYTES);
    file.readAt(bytes, length - OFFSET_INDEX_ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    const relativeOffset = view.getInt32(0);
    const position = view.getInt32(4);
    if (relativeOffset < 0 || position <= 0 || position >= size) return null;
    return { relativeOffset, position };
  } finally {
    file.close();
  }
}

/**
 * Writes the index into the segment's files. They need not be synced: what a loss of power leaves of
 * them is checked like any other.
 */
export function writeIndex(files: FileSystem, path: string, index: BatchIndex): void {
  writeWhole(files, siblingPath(path, ".index"), encodeOffsetIndex(index.offsetEntries()));
  writeWhole(files, siblingPath(path, ".timeindex"), encodeTimeIndex(index.timestampEntries()));
}

/** Removes the segment's index files. */
export function removeIndex(files: FileSystem, path: string): void {
  files.remove(siblingPath(path, ".index"));
  files.remove(siblingPath(path, ".timeindex"));
}

/** The bytes of the file, or null when there is none. */
export function readWhole(files: FileSystem, path: string): Uint8Array<ArrayBuffer> | null {
  if (!files.exists(path)) return null;
  const file = files.open(path, "read");
  try {
    const bytes = new Uint8Array(file.size());
    return bytes.subarray(0, file.readAt(bytes, 0));
  } finally {
    file.close();
  }
}

/** Puts `bytes` in the place of whatever the file held. */
export function writeWhole(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path, "create");
  try {
    file.truncate(0);
    if (bytes.length > 0) file.writeAt(bytes, 0);
  } finally {
    file.close();
  }
}
