/**
 * Kafka's `.index` and `.timeindex`, which stand beside the `.log` of a segment. Both are sparse
 * lists of entries of fixed size without a header or a checksum, big-endian, with offsets relative to
 * the segment's base offset:
 *
 * ```
 * .index       int32 last offset of a batch, int32 position of that batch in the file
 * .timeindex   int64 largest timestamp so far, int32 last offset of the batch that has it
 * ```
 *
 * Kafka preallocates index files, so a crash may leave unused entries of zeros at the end. This module
 * does no I/O.
 *
 * @module
 */

import { highOf, type Int64, int64Of, lowOf } from "../../protocol/int64.ts";
import { Int64Array } from "./int64_array.ts";

/** The size of an entry of an `.index`, bytes. */
export const OFFSET_INDEX_ENTRY_BYTES = 8;
/** The size of an entry of a `.timeindex`, bytes. */
export const TIME_INDEX_ENTRY_BYTES = 12;

const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

/** The columns of an `.index`. Entry `i` consists of the `i`th value of each. */
export interface OffsetIndexEntries {
  /** The number of entries. The arrays may be longer. */
  readonly length: number;
  /** The last offset of the entry's batch, relative to the segment's base offset. Rising. */
  readonly relativeOffsets: Uint32Array<ArrayBuffer>;
  /** The position of the entry's batch in the `.log`, bytes. Rising. */
  readonly positions: Uint32Array<ArrayBuffer>;
}

/** The columns of a `.timeindex`. Entry `i` consists of the `i`th value of each. */
export interface TimeIndexEntries {
  /** The number of entries. The arrays may be longer. */
  readonly length: number;
  /** The largest timestamp up to and including the entry's batch, ms since 1970. Rising. */
  readonly timestamps: Int64Array;
  /** The last offset of the batch that has it, relative to the segment's base offset. Rising. */
  readonly relativeOffsets: Uint32Array<ArrayBuffer>;
}

/** The content of an index file. */
export interface DecodedIndex<Entries> {
  /** The valid entries: all, or those before the first invalid one. */
  readonly entries: Entries;
  /** What is invalid, and at which byte, or null. An invalid index is rebuilt. */
  readonly problem: string | null;
}

/** Encodes an `.index`. Offsets are at most 2^31 - 1, positions below 2^31. */
export function encodeOffsetIndex(entries: OffsetIndexEntries): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(entries.length * OFFSET_INDEX_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let entry = 0, at = 0; entry < entries.length; entry++, at += OFFSET_INDEX_ENTRY_BYTES) {
    view.setUint32(at, entries.relativeOffsets[entry]!);
    view.setUint32(at + 4, entries.positions[entry]!);
  }
  return bytes;
}

/** Decodes an `.index`. Never throws. */
export function decodeOffsetIndex(bytes: Uint8Array): DecodedIndex<OffsetIndexEntries> {
  const used = usedEntries(bytes, OFFSET_INDEX_ENTRY_BYTES);
  const relativeOffsets = new Uint32Array(used);
  const positions = new Uint32Array(used);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let problem = sizeProblem(bytes, OFFSET_INDEX_ENTRY_BYTES);
  let previousOffset = -1;
  let previousPosition = -1;
  let length = 0;
  for (let at = 0; length < used; length++, at += OFFSET_INDEX_ENTRY_BYTES) {
    const offset = view.getInt32(at);
    const position = view.getInt32(at + 4);
    if (offset <= previousOffset || position <= previousPosition) {
      problem = `the entry at byte ${at} has relative offset ${offset} at position ${position}, ` +
        (length === 0
          ? "neither may be negative"
          : `both must be above ${previousOffset} and ${previousPosition} of the entry before`);
      break;
    }
    relativeOffsets[length] = previousOffset = offset;
    positions[length] = previousPosition = position;
  }
  return { entries: { length, relativeOffsets, positions }, problem };
}

/** Encodes a `.timeindex`. Timestamps are 0 or more, offsets at most 2^31 - 1. */
export function encodeTimeIndex(entries: TimeIndexEntries): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(entries.length * TIME_INDEX_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let entry = 0, at = 0; entry < entries.length; entry++, at += TIME_INDEX_ENTRY_BYTES) {
    const timestamp = entries.timestamps.at(entry);
    view.setInt32(at, highOf(timestamp));
    view.setInt32(at + 4, lowOf(timestamp));
    view.setUint32(at + 8, entries.relativeOffsets[entry]!);
  }
  return bytes;
}

/** Decodes a `.timeindex`. Never throws. */
export function decodeTimeIndex(bytes: Uint8Array): DecodedIndex<TimeIndexEntries> {
  const used = usedEntries(bytes, TIME_INDEX_ENTRY_BYTES);
  const timestamps = new Int64Array(used);
  const relativeOffsets = new Uint32Array(used);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let problem = sizeProblem(bytes, TIME_INDEX_ENTRY_BYTES);
  let previousTimestamp: Int64 = -1;
  let previousOffset = -1;
  let length = 0;
  for (let at = 0; length < used; length++, at += TIME_INDEX_ENTRY_BYTES) {
    const timestamp = int64Of(view.getInt32(at), view.getInt32(at + 4));
    const offset = view.getInt32(at + 8);
    if (timestamp <= previousTimestamp || offset < 0 || offset < previousOffset) {
      problem = `the entry at byte ${at} has timestamp ${timestamp} at relative offset ` +
        `${offset}, ` + (length === 0
          ? "neither may be negative"
          : `after ${previousTimestamp} at ${previousOffset}`);
      break;
    }
    timestamps.set(length, timestamp);
    previousTimestamp = timestamp;
    relativeOffsets[length] = previousOffset = offset;
  }
  return { entries: { length, timestamps, relativeOffsets }, problem };
}

/** Returns whether an index of a segment at `baseOffset` can hold `offset`. */
export function fitsIndex(baseOffset: number, offset: number): boolean {
  return offset >= baseOffset && offset - baseOffset <= LARGEST_RELATIVE_OFFSET;
}

/** Returns the number of entries up to the last that is not all zeros. */
function usedEntries(bytes: Uint8Array, entryBytes: number): number {
  let end = bytes.length - bytes.length % entryBytes;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return Math.ceil(end / entryBytes);
}

function sizeProblem(bytes: Uint8Array, entryBytes: number): string | null {
  const extra = bytes.length % entryBytes;
  if (extra === 0) return null;
  return `its size, ${bytes.length} bytes, is not a multiple of ${entryBytes}, the size of an entry`;
}
