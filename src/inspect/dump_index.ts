/**
 * The lines that Kafka's dump tool shows of an `.index` and a `.timeindex`, and what it has to say
 * when they do not fit the `.log` beside them.
 *
 * @module
 */
import { decodeOffsetIndex, decodeTimeIndex } from "../log/segments/index_format.ts";
import { readMaxTimestamp } from "../protocol/records/batch.ts";
import type { FileHandle } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";

/** What is shown of an index. */
export interface DumpIndexOptions {
  /** Whether only its own consistency is looked at: what decides whether a start makes it anew. */
  readonly sanityOnly: boolean;
  /** Whether entries are checked against the log without being shown. */
  readonly verifyOnly: boolean;
}

/** An index as it is dumped. */
export interface IndexFile {
  /** As it was named. */
  readonly path: string;
  /** The offset that its segment begins at. */
  readonly baseOffset: number;
  readonly bytes: Uint8Array;
  /** The `.log` beside it. */
  readonly log: FileHandle;
}

/** The lines for an `.index`. Throws a `FileError`. */
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
 * The lines for a `.timeindex`. `offsetIndex` is what the `.index` beside it holds, empty without
 * one: it only saves walking. Throws a `FileError`.
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

/** Whether a batch begins at `position`; `walk` stands on it then. */
function batchAt(walk: BatchWalk, position: number): boolean {
  if (position >= walk.end) return false;
  walk.seek(position);
  return walk.next();
}

/** The last offset of the first batch from `position` on that reaches `offset`, or -1; `walk` stands on it. */
function lastOffsetFrom(walk: BatchWalk, position: number, offset: number): number {
  if (position > walk.end) return -1;
  walk.seek(position);
  while (walk.next()) {
    if (walk.lastOffset >= offset) return walk.lastOffset;
  }
  return -1;
}
