/**
 * Reads the batches of a segment one after the other, whole and with their checksums verified: what
 * compaction writes anew gets a new checksum, and damage must not get a good one.
 *
 * @module
 */
import {
  checkBatchCrc,
  headerProblem,
  readBatchSize,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import { type Crc32cArena, createCrc32cArena } from "../../protocol/records/crc32c.ts";
import type { Segment } from "../segment.ts";
import { storageError } from "../storage_error.ts";

/** A reader over one segment after another. Its memory is its own, so that it may rest in between. */
export class BatchReader {
  /** Where in {@linkcode BatchReader.bytes} the current batch begins. */
  at = 0;
  /** The current batch's size, bytes. */
  size = 0;

  readonly #arena: Crc32cArena;
  readonly #window: number;
  #segment: Segment | null = null;
  #nextPosition = 0;
  #end = 0;
  #windowStart = 0;
  #windowLength = 0;

  /** A reader that reads `window` bytes at a time, and more for a batch that is larger. */
  constructor(window: number) {
    this.#window = Math.max(window, RECORDS_OFFSET);
    this.#arena = createCrc32cArena(this.#window);
  }

  /** The memory that holds the current batch. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#arena.memory;
  }

  /** Whether the current batch is the last one of its segment. */
  get isLast(): boolean {
    return this.#nextPosition === this.#end;
  }

  /** The memory taken, bytes. */
  get byteLength(): number {
    return this.#arena.memory.length;
  }

  /** Begins with the batch at `position` of `segment`. */
  open(segment: Segment, position: number): void {
    this.#segment = segment;
    this.#nextPosition = position;
    this.#end = segment.size;
    this.#windowLength = 0;
  }

  /** Moves to the next batch, if there is one. Throws KAFKA_STORAGE_ERROR for damage, or a `FileError`. */
  next(): boolean {
    const position = this.#nextPosition;
    const left = this.#end - position;
    if (left === 0) return false;
    if (left < RECORDS_OFFSET) throw this.#damaged(`${left} bytes are no batch`);
    if (
      position + RECORDS_OFFSET > this.#windowStart + this.#windowLength || this.#windowLength === 0
    ) {
      this.#load(position, this.#window);
    }
    let at = position - this.#windowStart;
    const problem = headerProblem(this.bytes, at, left);
    if (problem !== null) throw this.#damaged(problem);
    const size = readBatchSize(this.bytes, at);
    if (at + size > this.#windowLength) {
      this.#load(position, Math.max(size, this.#window));
      at = 0;
    }
    try {
      checkBatchCrc(this.bytes, at, this.#arena);
    } catch (error) {
      throw error instanceof RecordError ? this.#damaged(error.message) : error;
    }
    this.at = at;
    this.size = size;
    this.#nextPosition = position + size;
    return true;
  }

  #load(position: number, length: number): void {
    const wanted = Math.min(length, this.#end - position);
    this.#arena.reserve(wanted);
    this.#windowStart = position;
    this.#windowLength = this.#segment!.file.readAt(this.bytes.subarray(0, wanted), position);
    if (this.#windowLength < wanted) {
      throw this.#damaged(`the file ends after ${position + this.#windowLength} bytes`);
    }
  }

  #damaged(why: string): Error {
    return storageError(
      `Cannot read the batch at byte ${this.#nextPosition} of ${this.#segment!.path}`,
      new Error(why),
    );
  }
}
