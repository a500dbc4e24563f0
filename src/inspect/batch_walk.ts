/**
 * Iterates over the batches of a segment file, each read whole into a buffer owned by the iteration. For
 * tools that inspect files independently of a running log.
 *
 * @module
 */
import {
  computeCrc,
  type Crc32cArena,
  headerProblem,
  readBaseOffset,
  readBatchSize,
  readCrc,
  readLastOffsetDelta,
  RecordError,
  RECORDS_OFFSET,
} from "../protocol/records/batch.ts";
import { createCrc32cArena } from "../protocol/records/crc32c.ts";
import { grouped } from "../protocol/records/record_error.ts";
import type { FileHandle } from "../runtime/runtime.ts";

const WINDOW = 1_048_576;
/** A buffer larger than this is not kept. */
const LARGEST_SPARE = 16_777_216;
const NOTHING = new Uint8Array(0);
/** A larger size is treated as damage: Kafka's `message.max.bytes` defaults to 1 MiB. */
const LARGEST_BATCH = 536_870_912;

/** The buffer of a finished walk, for reuse: allocating one costs more than reading a small segment. */
let spare: Crc32cArena | null = null;

/**
 * One iteration. After {@linkcode BatchWalk.next} has returned true, the fields describe a batch that is
 * complete in {@linkcode BatchWalk.bytes} at {@linkcode BatchWalk.at}, until the next call.
 */
export class BatchWalk {
  /** The buffer with the current batch. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Position of the current batch in {@linkcode BatchWalk.bytes}. */
  at = 0;
  /** Position of the current batch in the file. */
  position = 0;
  /** Size of the current batch, bytes. */
  size = 0;
  /** First offset of the current batch. */
  baseOffset = -1;
  /** Last offset of the current batch. */
  lastOffset = -1;
  /** Position of the next batch; after an early end, of the first bytes that are not a batch. */
  nextPosition = 0;
  /** Why the walk ended before {@linkcode BatchWalk.end}, or null. */
  problem: string | null = null;
  /** Number of bytes of the file to iterate over. */
  readonly end: number;

  readonly #file: FileHandle;
  readonly #arena: Crc32cArena;
  #windowStart = 0;
  #windowLength = 0;

  /** Iterates over the first `end` bytes of `file`. Defaults to its current size. */
  constructor(file: FileHandle, end: number = file.size()) {
    this.#file = file;
    this.end = end;
    this.#arena = spare ?? createCrc32cArena(WINDOW);
    spare = null;
    this.bytes = this.#arena.memory;
  }

  /** Releases the buffer for reuse. The walk must not be continued. */
  release(): void {
    if (this.bytes.length <= LARGEST_SPARE) spare = this.#arena;
    this.bytes = NOTHING;
    this.#windowLength = 0;
  }

  /** Restarts at `position`, where a batch begins. */
  seek(position: number): void {
    this.nextPosition = position;
    this.problem = null;
  }

  /**
   * Moves to the next batch. Returns false at the end, or if no complete batch follows, with the reason
   * in {@linkcode BatchWalk.problem}. Throws a `FileError`.
   */
  next(): boolean {
    const position = this.nextPosition;
    const left = this.end - position;
    if (left === 0) return false;
    if (left < RECORDS_OFFSET) {
      return this.#fail(`${left} bytes are left where a batch header takes ${RECORDS_OFFSET}`);
    }
    if (!this.#load(position, RECORDS_OFFSET)) return this.#fail("the file became shorter");
    const at = position - this.#windowStart;
    const problem = headerProblem(this.bytes, at, left);
    if (problem !== null) return this.#fail(problem);
    const size = readBatchSize(this.bytes, at);
    if (size > LARGEST_BATCH) {
      return this.#fail(`its length field, ${grouped(size)} bytes, is not believable`);
    }
    this.baseOffset = readBaseOffset(this.bytes, at);
    this.lastOffset = this.baseOffset + readLastOffsetDelta(this.bytes, at);
    try {
      if (!this.#load(position, size)) return this.#fail("the file became shorter");
    } catch (error) {
      if (error instanceof RecordError) return this.#fail(error.message);
      throw error;
    }
    this.position = position;
    this.size = size;
    this.at = position - this.#windowStart;
    this.nextPosition = position + size;
    return true;
  }

  /** Returns why the checksum of the current batch does not match, or null if it does. */
  crcProblem(): string | null {
    const stored = readCrc(this.bytes, this.at);
    const computed = computeCrc(this.bytes, this.at, this.#arena);
    if (stored === computed) return null;
    return `its CRC-32C is stored as ${stored} and computed as ${computed}`;
  }

  /** Loads `length` bytes from `position` on into the buffer. */
  #load(position: number, length: number): boolean {
    const end = this.#windowStart + this.#windowLength;
    if (position >= this.#windowStart && position + length <= end) return true;
    const wanted = Math.min(Math.max(WINDOW, length), this.end - position);
    this.#arena.reserve(wanted);
    this.bytes = this.#arena.memory;
    this.#windowStart = position;
    this.#windowLength = this.#file.readAt(this.bytes.subarray(0, wanted), position);
    return this.#windowLength >= length;
  }

  #fail(problem: string): false {
    this.problem = problem;
    return false;
  }
}
