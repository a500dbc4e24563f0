/**
 * Where the batches of one segment lie, in memory: one entry for about every `index.interval.bytes`
 * of log, 16 bytes each, in typed arrays. An entry knows the first offset and the position of its
 * batch, and the largest timestamp of everything before it, so that the same entries answer by
 * offset, by position and by time.
 *
 * @module
 */

const FIRST_CAPACITY = 16;
const NO_NUMBERS = new Uint32Array(0);
const NO_TIMESTAMPS = new Float64Array(0);

/** A sparse index of the batches of a segment. Entries are numbered from 0, in the log's order. */
export class BatchIndex {
  #offsets = NO_NUMBERS;
  #positions = NO_NUMBERS;
  #timestampsBefore = NO_TIMESTAMPS;
  #length = 0;

  /** The number of entries. */
  get length(): number {
    return this.#length;
  }

  /** The memory taken, bytes. */
  get byteLength(): number {
    return this.#offsets.byteLength * 2 + this.#timestampsBefore.byteLength;
  }

  /** The offset of the entry's batch, counted from the segment's base offset. */
  relativeOffsetAt(entry: number): number {
    return this.#offsets[entry]!;
  }

  /** The position of the entry's batch in the segment file, bytes. */
  positionAt(entry: number): number {
    return this.#positions[entry]!;
  }

  /** The largest timestamp of the batches before the entry's, ms, or -1. */
  maxTimestampBefore(entry: number): number {
    return this.#timestampsBefore[entry]!;
  }

  /** The position of the last entry's batch, or -1 without entries. */
  get lastPosition(): number {
    return this.#length === 0 ? -1 : this.#positions[this.#length - 1]!;
  }

  /**
   * Adds an entry behind the last. `relativeOffset` and `position` (both below 2^32) are above those
   * of the entry before it.
   */
  append(relativeOffset: number, position: number, maxTimestampBefore: number): void {
    const entry = this.#length;
    if (entry === this.#offsets.length) this.#resize(Math.max(FIRST_CAPACITY, entry * 2));
    this.#offsets[entry] = relativeOffset;
    this.#positions[entry] = position;
    this.#timestampsBefore[entry] = maxTimestampBefore;
    this.#length = entry + 1;
  }

  /** The last entry whose offset is at most `relativeOffset`, or -1. */
  entryForOffset(relativeOffset: number): number {
    return lastAtMost(this.#offsets, this.#length, relativeOffset);
  }

  /** The last entry whose position is at most `position`, or -1. */
  entryForPosition(position: number): number {
    return lastAtMost(this.#positions, this.#length, position);
  }

  /**
   * The last entry before which every timestamp is below `timestamp`, or -1: a batch that reaches
   * `timestamp` cannot lie before it.
   */
  entryForTimestamp(timestamp: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timestampsBefore[middle]! < timestamp) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Forgets the entries at `position` and beyond. */
  truncate(position: number): void {
    this.#length = lastAtMost(this.#positions, this.#length, position - 1) + 1;
  }

  /** Gives back the memory that later entries would have taken: the segment is closed. */
  trim(): void {
    if (this.#offsets.length > this.#length) this.#resize(this.#length);
  }

  #resize(capacity: number): void {
    const length = Math.min(this.#length, capacity);
    const offsets = new Uint32Array(capacity);
    offsets.set(this.#offsets.subarray(0, length));
    const positions = new Uint32Array(capacity);
    positions.set(this.#positions.subarray(0, length));
    const timestampsBefore = new Float64Array(capacity);
    timestampsBefore.set(this.#timestampsBefore.subarray(0, length));
    this.#offsets = offsets;
    this.#positions = positions;
    this.#timestampsBefore = timestampsBefore;
  }
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
