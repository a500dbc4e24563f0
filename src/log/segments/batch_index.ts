/**
 * The positions of the batches of one segment, in typed arrays: the entries of Kafka's `.index` and
 * `.timeindex`, which are stored and loaded as they are, and one more column.
 *
 * There is an entry for about every `index.interval.bytes` of log. It holds the last offset and the
 * position of its batch, and the first offset of batches that this process has seen, so that reads
 * that continue where the last one ended find their position without reading the file. A second
 * list holds the points where the largest timestamp rose: the timestamp, and the last offset of the
 * batch that has it. All offsets are relative to the segment's base offset.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import type { OffsetIndexEntries, TimeIndexEntries } from "./index_format.ts";
import { Int64Array } from "./int64_array.ts";

const FIRST_CAPACITY = 16;
/** A first offset that has not been read yet. Above every relative offset. */
const UNKNOWN = 0xffff_ffff;
const NO_NUMBERS = new Uint32Array(0);
const NO_TIMESTAMPS = new Int64Array(0);

/** A sparse index of the batches of a segment. Entries are numbered from 0, in the log's order. */
export class BatchIndex {
  #lastOffsets = NO_NUMBERS;
  #firstOffsets = NO_NUMBERS;
  #positions = NO_NUMBERS;
  #length = 0;
  #timestamps = NO_TIMESTAMPS;
  #timestampOffsets = NO_NUMBERS;
  #timestampsLength = 0;

  /** The number of entries. */
  get length(): number {
    return this.#length;
  }

  /** The size of the memory, bytes. */
  get byteLength(): number {
    return this.#positions.byteLength * 3 + this.#timestampOffsets.byteLength * 3;
  }

  /** The last offset of the entry's batch. */
  lastOffsetAt(entry: number): number {
    return this.#lastOffsets[entry]!;
  }

  /** Returns the first offset of the entry's batch, or -1 if it is unknown. */
  firstOffsetAt(entry: number): number {
    const offset = this.#firstOffsets[entry]!;
    return offset === UNKNOWN ? -1 : offset;
  }

  /** Sets the first offset of the entry's batch, which was read from the file. */
  setFirstOffset(entry: number, relativeOffset: number): void {
    this.#firstOffsets[entry] = relativeOffset;
  }

  /** The position of the entry's batch in the segment file, bytes. */
  positionAt(entry: number): number {
    return this.#positions[entry]!;
  }

  /** The position of the last entry's batch, or 0 without entries, where the first batch is. */
  get lastPosition(): number {
    return this.#length === 0 ? 0 : this.#positions[this.#length - 1]!;
  }

  /** The largest timestamp of the entries, ms, or -1. */
  get lastTimestamp(): Int64 {
    return this.#timestampsLength === 0 ? -1 : this.#timestamps.at(this.#timestampsLength - 1);
  }

  /** The last offset of the batch that has {@linkcode BatchIndex.lastTimestamp}, or -1. */
  get lastTimestampOffset(): number {
    return this.#timestampsLength === 0 ? -1 : this.#timestampOffsets[this.#timestampsLength - 1]!;
  }

  /**
   * Appends an entry. Offsets (at most 2^31 - 1) and position (below 2^31) must be above those of
   * the previous entry.
   */
  append(firstOffset: number, lastOffset: number, position: number): void {
    const entry = this.#length;
    if (entry === this.#positions.length) this.#resize(Math.max(FIRST_CAPACITY, entry * 2));
    this.#firstOffsets[entry] = firstOffset;
    this.#lastOffsets[entry] = lastOffset;
    this.#positions[entry] = position;
    this.#length = entry + 1;
  }

  /**
   * Sets the largest timestamp so far, in the batch whose last offset is `lastOffset`. Has no
   * effect unless it is larger than the previous one.
   */
  appendTimestamp(timestamp: Int64, lastOffset: number): void {
    if (timestamp <= this.lastTimestamp) return;
    const entry = this.#timestampsLength;
    if (entry === this.#timestamps.length) this.#resizeTimes(Math.max(FIRST_CAPACITY, entry * 2));
    this.#timestamps.set(entry, timestamp);
    this.#timestampOffsets[entry] = lastOffset;
    this.#timestampsLength = entry + 1;
  }

  /** Returns the last entry whose batch ends at or before `relativeOffset`, or -1. */
  entryForOffset(relativeOffset: number): number {
    return lastAtMost(this.#lastOffsets, this.#length, relativeOffset);
  }

  /** Returns the last entry whose position is at most `position`, or -1. */
  entryForPosition(position: number): number {
    return lastAtMost(this.#positions, this.#length, position);
  }

  /**
   * Returns a relative offset such that no earlier batch reaches `timestamp`: that of the batch
   * with the largest known timestamp up to `timestamp`, or 0.
   */
  offsetForTimestamp(timestamp: Int64): number {
    const entry = this.#timestamps.lastAtMost(timestamp, this.#timestampsLength);
    return entry === -1 ? 0 : this.#timestampOffsets[entry]!;
  }

  /** Removes the entries at or after `position`: batches from `relativeOffset` on. */
  truncate(position: number, relativeOffset: number): void {
    this.#length = lastAtMost(this.#positions, this.#length, position - 1) + 1;
    this.#timestampsLength =
      lastAtMost(this.#timestampOffsets, this.#timestampsLength, relativeOffset - 1) + 1;
  }

  /** Frees the memory reserved for further entries, when the segment is closed. */
  trim(): void {
    if (this.#positions.length > this.#length) this.#resize(this.#length);
    if (this.#timestamps.length > this.#timestampsLength) this.#resizeTimes(this.#timestampsLength);
  }

  /** Replaces all entries with loaded ones. Takes ownership of the arrays. */
  adopt(offsets: OffsetIndexEntries, timestamps: TimeIndexEntries): void {
    this.#lastOffsets = offsets.relativeOffsets;
    this.#positions = offsets.positions;
    this.#length = offsets.length;
    this.#firstOffsets = new Uint32Array(offsets.positions.length).fill(UNKNOWN);
    this.#timestamps = timestamps.timestamps;
    this.#timestampOffsets = timestamps.relativeOffsets;
    this.#timestampsLength = timestamps.length;
  }

  /** Removes all entries and frees their memory. */
  clear(): void {
    this.#lastOffsets = this.#firstOffsets = this.#positions = NO_NUMBERS;
    this.#timestampOffsets = NO_NUMBERS;
    this.#timestamps = NO_TIMESTAMPS;
    this.#length = this.#timestampsLength = 0;
  }

  /** Returns the entries in the form of an `.index`. Valid until the next change. */
  offsetEntries(): OffsetIndexEntries {
    return {
      length: this.#length,
      relativeOffsets: this.#lastOffsets,
      positions: this.#positions,
    };
  }

  /** Returns the entries in the form of a `.timeindex`. Valid until the next change. */
  timestampEntries(): TimeIndexEntries {
    return {
      length: this.#timestampsLength,
      timestamps: this.#timestamps,
      relativeOffsets: this.#timestampOffsets,
    };
  }

  #resize(capacity: number): void {
    this.#lastOffsets = resized(this.#lastOffsets, new Uint32Array(capacity));
    this.#firstOffsets = resized(this.#firstOffsets, new Uint32Array(capacity));
    this.#positions = resized(this.#positions, new Uint32Array(capacity));
  }

  #resizeTimes(capacity: number): void {
    this.#timestamps = this.#timestamps.resized(capacity);
    this.#timestampOffsets = resized(this.#timestampOffsets, new Uint32Array(capacity));
  }
}

function resized(
  from: Uint32Array<ArrayBuffer>,
  to: Uint32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}

function lastAtMost(values: Uint32Array, length: number, wanted: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
