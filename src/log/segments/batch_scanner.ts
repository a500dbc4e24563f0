/**
 * Walks the batches of a segment file by their headers, reading large pieces at a time and leaping
 * over batches that are larger than a piece.
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

/** Enough for the few headers that a look-up by offset passes. */
export const LOOKUP_WINDOW = 4_096;
/** What a walk over a whole segment reads at a time. */
export const WALK_WINDOW = 524_288;

/**
 * One walk. After each {@linkcode BatchScanner.next} that returned true, the fields describe a batch
 * whose header is in {@linkcode BatchScanner.bytes} at {@linkcode BatchScanner.at}. It uses the
 * shared scratch memory: a walk must end before anything else that does begins.
 */
export class BatchScanner {
  /** The memory that holds the current batch's header. Another array after each step. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where in {@linkcode BatchScanner.bytes} the current batch begins. */
  at = 0;
  /** Where in the file the current batch begins. */
  position = 0;
  /** The current batch's size, bytes. */
  size = 0;
  /** The current batch's first offset. */
  baseOffset = -1;
  /** The current batch's last offset. */
  lastOffset = -1;
  /** Why the walk ended before `end`, or null. The batch at {@linkcode BatchScanner.nextPosition} is the bad one. */
  problem: string | null = null;
  /** Where the next batch begins. */
  nextPosition: number;

  readonly #file: Pick<FileHandle, "readAt">;
  readonly #end: number;
  readonly #window: number;
  #arena: Crc32cArena;
  #windowStart = 0;
  #windowLength = 0;

  /** A walk over `file` from `start`, where a batch begins, to `end`, reading `window` bytes at a time. */
  constructor(file: Pick<FileHandle, "readAt">, start: number, end: number, window: number) {
    this.#file = file;
    this.#end = end;
    this.#window = window;
    this.nextPosition = start;
    this.#arena = scratch(Math.min(window, end - start));
    this.bytes = this.#arena.memory;
  }

  /**
   * Moves to the next batch. False at the end, or where no whole batch with a believable header
   * begins: {@linkcode BatchScanner.problem} says why then. Throws a `FileError`.
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
   * Whether {@linkcode BatchScanner.next} reads the file again, so that the walk may be interrupted
   * here: the shared memory is not needed any more.
   */
  get mayPause(): boolean {
    return this.nextPosition + RECORDS_OFFSET > this.#windowStart + this.#windowLength;
  }

  /** Brings all of the current batch into {@linkcode BatchScanner.bytes}. False when the file has become shorter. */
  loadWhole(): boolean {
    if (this.at + this.size > this.#windowLength) {
      const length = Math.min(Math.max(this.#window, this.size), this.#end - this.position);
      if (!this.#load(this.position, length)) return false;
      this.at = 0;
    }
    return true;
  }

  /** Why the current batch's checksum does not fit, or null when it does. */
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
