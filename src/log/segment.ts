/**
 * One segment of a partition's log: a file of whole record batches, one after another, named by the
 * offset it begins at. Knows where its batches lie; decides nothing about them.
 *
 * @module
 */
import { readMaxTimestamp } from "../protocol/records/batch.ts";
import type { RecordsSource } from "../protocol/wire.ts";
import type { FileHandle, FileSystem } from "../runtime/runtime.ts";
import { BatchIndex } from "./batch_index.ts";
import { BatchScanner, LOOKUP_WINDOW } from "./batch_scanner.ts";
import { asKafkaError, storageError } from "./storage_error.ts";

/** The offset that a segment file named `name` begins at, or -1 for a file of another kind. */
export function baseOffsetOf(name: string): number {
  if (!/^\d{20}\.log$/.test(name)) return -1;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** The name of the segment file that begins at `baseOffset`: 20 digits and `.log`. */
export function segmentFileName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, "0")}.log`;
}

/** How many readers' places a segment remembers. */
const HINTS = 4;

/** A segment file with its index. All methods throw a `FileError` when the file fails. */
export class Segment {
  /** Bytes of whole batches in the file: where the next one goes. */
  size = 0;
  /** The offset after the last record's. */
  nextOffset: number;
  /** The largest timestamp of its batches, ms, or -1. */
  maxTimestamp = -1;
  /** The largest timestamp of the first batch, from which `segment.ms` counts, or -1. */
  firstTimestamp = -1;
  /** How much `segment.ms` is shortened for this segment, ms. */
  rollJitterMs = 0;
  /** Whether something was written since the last sync. */
  isDirty = false;
  /** Where its batches are. */
  readonly index: BatchIndex = new BatchIndex();

  readonly #files: FileSystem;
  readonly #indexIntervalBytes: number;
  #file: FileHandle | null = null;
  #isClosed = false;
  /** Grows when written bytes are cut off: who holds a range of them must not read others instead. */
  #cuts = 0;
  // Offsets that readers came to lately and the positions they were found at.
  readonly #hintOffsets = new Float64Array(HINTS).fill(-1);
  readonly #hintPositions = new Uint32Array(HINTS);
  #nextHint = 0;

  /** A segment over the file at `path`, made when it is first written. Nothing is read yet. */
  constructor(
    files: FileSystem,
    /** The file. */
    readonly path: string,
    /** The offset it begins at. */
    readonly baseOffset: number,
    /** When this process made or opened it, ms since 1970: the age of a segment without timestamps. */
    readonly createdMs: number,
    indexIntervalBytes: number,
  ) {
    this.#files = files;
    this.#indexIntervalBytes = indexIntervalBytes;
    this.nextOffset = baseOffset;
  }

  /** The file, opened when it is first needed. */
  get file(): FileHandle {
    if (this.#isClosed) {
      throw storageError(`Cannot read ${this.path}`, new Error("the segment has been closed"));
    }
    return this.#file ??= this.#files.open(this.path, this.size === 0 ? "create" : "write");
  }

  /** Writes `bytes`, whole batches, at the end. They become visible by {@linkcode Segment.addBatch} only. */
  write(bytes: Uint8Array): void {
    this.isDirty = true;
    this.file.writeAt(bytes, this.size);
  }

  /** Counts in the batch of `size` bytes that has been written, or was found, at the end. */
  addBatch(size: number, baseOffset: number, lastOffset: number, maxTimestamp: number): void {
    const position = this.size;
    const { index } = this;
    if (index.length === 0 || position - index.lastPosition >= this.#indexIntervalBytes) {
      index.append(baseOffset - this.baseOffset, position, this.maxTimestamp);
    }
    if (position === 0) this.firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.maxTimestamp) this.maxTimestamp = maxTimestamp;
    this.size = position + size;
    this.nextOffset = lastOffset + 1;
  }

  /**
   * The position of the first batch that ends at `offset` or after it: the one that holds `offset`,
   * or where compaction left a gap, the next. The segment's size when there is none.
   */
  locate(offset: number): number {
    if (offset >= this.nextOffset) return this.size;
    for (let hint = 0; hint < HINTS; hint++) {
      if (this.#hintOffsets[hint] === offset) return this.#hintPositions[hint]!;
    }
    const entry = this.index.entryForOffset(offset - this.baseOffset);
    if (entry === -1) return 0;
    const start = this.index.positionAt(entry);
    if (this.index.relativeOffsetAt(entry) === offset - this.baseOffset) return start;
    const scanner = new BatchScanner(this.file, start, this.size, LOOKUP_WINDOW);
    while (scanner.next()) {
      if (scanner.lastOffset >= offset) {
        this.#remember(offset, scanner.position);
        return scanner.position;
      }
    }
    throw this.#damaged(scanner);
  }

  /**
   * Where a read of whole batches from `start` (the position of a batch) ends: at most `maxBytes`
   * later and before the batch that holds `endOffset`. At least one batch is read if `minOneBatch`,
   * however large. `start` itself when nothing may be read.
   */
  endOfRange(start: number, maxBytes: number, endOffset: number, minOneBatch: boolean): number {
    const limit = endOffset >= this.nextOffset ? this.size : this.locate(endOffset);
    if (limit <= start) return start;
    if (limit - start <= maxBytes) {
      if (limit === this.size) this.#remember(this.nextOffset, limit);
      return limit;
    }
    const target = start + maxBytes;
    const entry = this.index.entryForPosition(target);
    const indexed = entry === -1 ? 0 : this.index.positionAt(entry);
    if (indexed > start) return indexed;
    // The range ends within one interval of the index: only the headers tell where.
    const scanner = new BatchScanner(this.file, start, limit, LOOKUP_WINDOW);
    let end = start;
    while (scanner.next()) {
      if (scanner.nextPosition > target && !(minOneBatch && end === start)) break;
      end = scanner.nextPosition;
      this.#remember(scanner.lastOffset + 1, end);
      if (end >= target) break;
    }
    if (scanner.problem !== null) throw this.#damaged(scanner);
    return end;
  }

  /** The bytes from `start` to `end`, read when they are copied. */
  slice(start: number, end: number): RecordsSource {
    return new SegmentSlice(this, start, end - start, this.#cuts);
  }

  /** Fills `target` from `position`. Throws KAFKA_STORAGE_ERROR when the bytes are no longer there. */
  copy(target: Uint8Array, position: number, cuts: number): void {
    if (cuts !== this.#cuts) {
      throw storageError(`Cannot read ${this.path}`, new Error("the log was cut back meanwhile"));
    }
    let length: number;
    try {
      length = this.file.readAt(target, position);
    } catch (error) {
      throw asKafkaError(`Cannot read ${this.path}`, error);
    }
    if (length < target.length) {
      throw storageError(
        `Cannot read ${target.length} bytes at ${position} of ${this.path}`,
        new Error(`the file ends after ${length}`),
      );
    }
  }

  /** Cuts off what lies at `position`, where a batch begins, and beyond, and forgets it. */
  truncate(position: number): void {
    this.file.truncate(position);
    this.isDirty = true;
    this.#cuts++;
    this.#hintOffsets.fill(-1);
    this.index.truncate(position);
    // The last entry knows what came before it; the batches after it are looked at again.
    const entry = this.index.length - 1;
    const start = entry === -1 ? 0 : this.index.positionAt(entry);
    this.maxTimestamp = entry === -1 ? -1 : this.index.maxTimestampBefore(entry);
    this.nextOffset = this.baseOffset;
    this.size = position;
    const scanner = new BatchScanner(this.file, start, position, LOOKUP_WINDOW);
    while (scanner.next()) {
      this.nextOffset = scanner.lastOffset + 1;
      const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      if (scanner.position === 0) this.firstTimestamp = timestamp;
      if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    }
    if (scanner.problem !== null) throw this.#damaged(scanner);
    if (position === 0) this.firstTimestamp = -1;
  }

  /** Drops bytes beyond the last whole batch, which a failed write may have left. */
  dropUnfinished(): void {
    this.file.truncate(this.size);
  }

  /** Resolves when all that was written is on the disk. */
  async sync(): Promise<void> {
    if (!this.isDirty) return;
    this.isDirty = false;
    try {
      await this.file.sync();
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
  }

  /** Lets the file go until it is needed again. */
  release(): void {
    this.#file?.close();
    this.#file = null;
  }

  /** Closes the file for good. Reading fails from now on. */
  close(): void {
    this.release();
    this.#isClosed = true;
  }

  #remember(offset: number, position: number): void {
    for (let hint = 0; hint < HINTS; hint++) if (this.#hintOffsets[hint] === offset) return;
    this.#hintOffsets[this.#nextHint] = offset;
    this.#hintPositions[this.#nextHint] = position;
    this.#nextHint = (this.#nextHint + 1) % HINTS;
  }

  #damaged(scanner: BatchScanner): Error {
    return storageError(
      `Cannot read the batch at byte ${scanner.nextPosition} of ${this.path}`,
      new Error(scanner.problem ?? "the index does not fit the file"),
    );
  }
}

/** Batches of a segment that a response carries. */
class SegmentSlice implements RecordsSource {
  constructor(
    readonly segment: Segment,
    readonly start: number,
    readonly byteLength: number,
    readonly cuts: number,
  ) {}

  copyTo(target: Uint8Array, offset: number): void {
    this.segment.copy(target, this.start + offset, this.cuts);
  }
}

/** No batches at all. */
export const NO_RECORDS: RecordsSource = { byteLength: 0, copyTo: () => {} };
