/**
 * Iterates over the batches of a segment file by their headers. Reads large pieces at a time, and
 * skips over the rest of batches that are larger than a piece.
 *
 * @module
 */
import {
  checkBatchCrc,
  headerProblem,
  readBaseOffset,
  readBatchSize,
  readLastOffsetDelta,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import type { Crc32cArena } from "../../protocol/records/crc32c.ts";
import type { FileHandle } from "../../runtime/runtime.ts";
import { scratch } from "./scratch.ts";

/** The size of reads for a lookup by offset, which passes a few headers. */
export const LOOKUP_WINDOW = 4_096;
/** The size of reads for the iteration over a whole segment. */
export const WALK_WINDOW = 524_288;

/**
 * One iteration. After {@linkcode BatchScanner.next} has returned true, the fields describe a batch
 * whose header is in {@linkcode BatchScanner.bytes} at {@linkcode BatchScanner.at}. It uses the
 * shared scratch memory, so it must end before any other use of that memory.
 */
export class BatchScanner {
  /** The memory that holds the current batch's header. It may change with each step. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The position of the current batch in {@linkcode BatchScanner.bytes}. */
  at = 0;
  /** The position of the current batch in the file. */
  position = 0;
  /** The current batch's size, bytes. */
  size = 0;
  /** The current batch's first offset. */
  baseOffset = -1;
  /** The current batch's last offset. */
  lastOffset = -1;
  /**
   * Why the iteration ended before `end`, or null. {@linkcode BatchScanner.nextPosition} is the
   * position of the bad batch.
   */
  problem: string | null = null;
  /** The position of the next batch. */
  nextPosition: number;

  readonly #file: Pick<FileHandle, "readAt">;
  readonly #end: number;
  readonly #window: number;
  #arena: Crc32cArena;
  #windowStart = 0;
  #windowLength = 0;

  /**
   * Iterates over `file` from `start`, the start of a batch, to `end`, and reads `window` bytes at
   * a time.
   */
  constructor(file: Pick<FileHandle, "readAt">, start: number, end: number, window: number) {
    this.#file = file;
    this.#end = end;
    this.#window = window;
    this.nextPosition = start;
    this.#arena = scratch(Math.min(window, end - start));
    this.bytes = this.#arena.memory;
  }

  /**
   * Moves to the next batch. Returns false at the end, or if there is no complete batch with a
   * plausible header; {@linkcode BatchScanner.problem} then says why. Throws a `FileError`.
   */
  next(): boolean {
    const position = this.nextPosition;
    if (position === this.#end) return false;
    if (this.#end - position < RECORDS_OFFSET) {
      return this.#fail(`${this.#end - position} bytes are left where a batch header takes 61`);
    }
    if (
      position < this.#windowStart ||
      position + RECORDS_OFFSET > this.#windowStart + this.#windowLength
    ) {
      if (!this.#load(position, Math.min(this.#window, this.#end - position))) {
        return this.#fail("the file is shorter than it was");
      }
    }
    const at = position - this.#windowStart;
    const problem = headerProblem(this.bytes, at, this.#end - position);
    if (problem !== null) return this.#fail(problem);
    const size = readBatchSize(this.bytes, at);
    this.baseOffset = readBaseOffset(this.bytes, at);
    this.lastOffset = this.baseOffset + readLastOffsetDelta(this.bytes, at);
    this.position = position;
    this.size = size;
    this.at = at;
    this.nextPosition = position + size;
    return true;
  }

  /**
   * Whether {@linkcode BatchScanner.next} reads the file again, so that the iteration may be interrupted
   * here: the shared memory is no longer needed.
   */
  get mayPause(): boolean {
    return this.nextPosition + RECORDS_OFFSET > this.#windowStart + this.#windowLength;
  }

  /**
   * Loads the whole current batch into {@linkcode BatchScanner.bytes}. Returns false if the file
   * has become shorter.
   */
  loadWhole(): boolean {
    if (this.at + this.size > this.#windowLength) {
      const length = Math.min(Math.max(this.#window, this.size), this.#end - this.position);
      if (!this.#load(this.position, length)) return false;
      this.at = 0;
    }
    return true;
  }

  /** Returns why the current batch's checksum is invalid, or null. */
  crcProblem(): string | null {
    if (!this.loadWhole()) return "the file is shorter than it was";
    try {
      checkBatchCrc(this.bytes, this.at, this.#arena);
      return null;
    } catch (error) {
      if (error instanceof RecordError) return error.message;
      throw error;
    }
  }

  #load(position: number, length: number): boolean {
    this.#arena = scratch(length);
    this.bytes = this.#arena.memory;
    this.#windowStart = position;
    this.#windowLength = this.#file.readAt(this.bytes.subarray(0, length), position);
    return this.#windowLength >= RECORDS_OFFSET;
  }

  #fail(problem: string): false {
    this.problem = problem;
    return false;
  }
}
