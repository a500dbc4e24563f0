/**
 * Loads and stores the index of a segment in its `.index` and `.timeindex`. The files are
 * redundant: if missing, too short or invalid, they are rebuilt from the headers of the batches.
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

/** The properties of the segment whose index is loaded. */
export interface IndexedFile {
  /** The segment's open file. */
  readonly file: FileHandle;
  /** Its path, ending in `.log`. */
  readonly path: string;
  /** The size of the complete batches in it, bytes. */
  readonly size: number;
  readonly baseOffset: number;
  /** The offset after its last record. */
  readonly nextOffset: number;
}

/**
 * Returns the path of the `.log` at `path` with `suffix`, such as `.index`, instead of `.log`. A
 * further suffix, such as `.deleted`, is kept.
 */
export function siblingPath(path: string, suffix: string): string {
  const at = path.lastIndexOf(".log");
  return path.slice(0, at) + suffix + path.slice(at + 4);
}

/**
 * Fills `index` from the segment's files. Returns false, without a change, if they cannot be
 * trusted.
 */
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
 * Returns whether the last entry of the `.timeindex` is correct and no later batch has a larger
 * timestamp. With a file that lost its end, the segment would be deleted too early.
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

/** Returns the last entry of the segment's `.index`, or null without a valid one. */
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
 * Writes the index to the segment's files. They need not be synced, since their content is checked
 * when it is loaded.
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

/** Returns the content of the file, or null if it does not exist. */
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

/** Replaces the content of the file with `bytes`. */
export function writeWhole(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path, "create");
  try {
    file.truncate(0);
    if (bytes.length > 0) file.writeAt(bytes, 0);
  } finally {
    file.close();
  }
}
