/**
 * The lines that Kafka's dump tool prints for an `.index` and a `.timeindex`, and its messages if they do
 * not match the `.log`.
 *
 * @module
 */
import { decodeOffsetIndex, decodeTimeIndex } from "../log/segments/index_format.ts";
import { readMaxTimestamp } from "../protocol/records/batch.ts";
import type { FileHandle } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";

/** Options for an index. */
export interface DumpIndexOptions {
  /** Whether to check only its internal consistency, which decides whether a start rebuilds it. */
  readonly sanityOnly: boolean;
  /** Whether to check entries against the log without printing them. */
  readonly verifyOnly: boolean;
}

/** An index to dump. */
export interface IndexFile {
  /** Its path, as given. */
  readonly path: string;
  /** Base offset of its segment. */
  readonly baseOffset: number;
  readonly bytes: Uint8Array;
  /** The `.log` of its segment. */
  readonly log: FileHandle;
}

/** Yields the lines for an `.index`. Throws a `FileError`. */
export function* dumpOffsetIndex(
  index: IndexFile,
  options: DumpIndexOptions,
  complain: (line: string) => void,
): Generator<string, void, undefined> {
  const { path, baseOffset } = index;
  const { entries, problem } = decodeOffsetIndex(index.bytes);
  if (problem !== null) complain(`Corrupt index found, index file (${path}): ${problem}`);
  if (entries.length === 0) {
    yield `${path} is empty.`;
    return;
  }
  if (options.sanityOnly) {
    if (problem === null) yield `${path} passed sanity check.`;
    return;
  }
  const walk = new BatchWalk(index.log);
  const mismatches: string[] = [];
  for (let entry = 0; entry < entries.length; entry++) {
    const offset = baseOffset + entries.relativeOffsets[entry]!;
    const position = entries.positions[entry]!;
    const found = batchAt(walk, position) ? walk.lastOffset : -1;
    if (found !== offset) mismatches.push(`  Index offset: ${offset}, log offset: ${found}`);
    if (!options.verifyOnly) yield `offset: ${offset} position: ${position}`;
  }
  walk.release();
  if (mismatches.length === 0) return;
  complain(`Mismatches in :${path}`);
  for (const mismatch of mismatches) complain(mismatch);
}

/**
 * Yields the lines for a `.timeindex`. `offsetIndex` is the content of the segment's `.index`, or empty
 * without one: it only saves reading batches. Throws a `FileError`.
 */
export function* dumpTimeIndex(
  index: IndexFile,
  offsetIndex: Uint8Array,
  options: DumpIndexOptions,
  complain: (line: string) => void,
): Generator<string, void, undefined> {
  const { path, baseOffset } = index;
  const { entries, problem } = decodeTimeIndex(index.bytes);
  if (problem !== null) complain(`Corrupt time index found, time index file (${path}): ${problem}`);
  if (options.sanityOnly) {
    if (problem === null) yield `${path} passed sanity check.`;
    return;
  }
  const walk = new BatchWalk(index.log);
  const positions = decodeOffsetIndex(offsetIndex).entries;
  const mismatches: string[] = [];
  const missing: string[] = [];
  let hint = -1;
  for (let entry = 0; entry < entries.length; entry++) {
    const relativeOffset = entries.relativeOffsets[entry]!;
    const offset = baseOffset + relativeOffset;
    const timestamp = entries.timestamps.at(entry);
    while (
      hint + 1 < positions.length && positions.relativeOffsets[hint + 1]! <= relativeOffset
    ) hint++;
    const found = lastOffsetFrom(walk, hint < 0 ? 0 : positions.positions[hint]!, offset);
    if (found !== offset) missing.push(`Indexed offset: ${offset}, found log offset: ${found}`);
    else {
      const actual = readMaxTimestamp(walk.bytes, walk.at);
      if (actual !== timestamp) {
        mismatches.push(`  Index timestamp: ${timestamp}, log timestamp: ${actual}`);
      }
    }
    if (!options.verifyOnly) yield `timestamp: ${timestamp} offset: ${offset}`;
  }
  walk.release();
  if (mismatches.length > 0) complain(`Found timestamp mismatch in :${path}`);
  for (const mismatch of mismatches) complain(mismatch);
  if (missing.length > 0) complain("The following indexed offsets are not found in the log.");
  for (const one of missing) complain(one);
}

/** Returns whether a batch begins at `position`, and moves `walk` to it. */
function batchAt(walk: BatchWalk, position: number): boolean {
  if (position >= walk.end) return false;
  walk.seek(position);
  return walk.next();
}

/** Returns the last offset of the first batch from `position` on that reaches `offset`, or -1, and moves `walk` to it. */
function lastOffsetFrom(walk: BatchWalk, position: number, offset: number): number {
  if (position > walk.end) return -1;
  walk.seek(position);
  while (walk.next()) {
    if (walk.lastOffset >= offset) return walk.lastOffset;
  }
  return -1;
}
