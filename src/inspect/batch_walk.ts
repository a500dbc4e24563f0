/**
 * Walks the batches of a segment file whole, one after another, in memory of its own: for tools that
 * look at a file from outside, and that nobody else's work on the log must disturb.
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
/** Memory that grew larger for one batch is not kept. */
const LARGEST_SPARE = 16_777_216;
const NOTHING = new Uint8Array(0);
/** A larger batch is no batch: Kafka's `message.max.bytes` is 1 MiB unless somebody raised it. */
const LARGEST_BATCH = 536_870_912;

/** Memory that a walk is done with, for the next one: a new one costs more than a small segment. */
let spare: Crc32cArena | null = null;

/**
 * One walk. After each {@linkcode BatchWalk.next} that returned true the fields describe a batch that
 * lies whole in {@linkcode BatchWalk.bytes} at {@linkcode BatchWalk.at}, until the next step.
 */
export class BatchWalk {
  /** The memory that holds the current batch. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where in {@linkcode BatchWalk.bytes} the current batch begins. */
  at = 0;
  /** Where in the file the current batch begins. */
  position = 0;
  /** The current batch's size, bytes. */
  size = 0;
  /** The current batch's first offset. */
  baseOffset = -1;
  /** The current batch's last offset. */
  lastOffset = -1;
  /** Where the next batch begins; after an early end, where the bytes begin that are no batch. */
  nextPosition = 0;
  /** Why the walk ended before {@linkcode BatchWalk.end}, or null. */
  problem: string | null = null;
  /** How many bytes of the file are walked over. */
  readonly end: number;

  readonly #file: FileHandle;
  readonly #arena: Crc32cArena;
  #windowStart = 0;
  #windowLength = 0;

  /** A walk over the first `end` bytes of `file`; all it has now when absent. */
  constructor(file: FileHandle, end: number = file.size()) {
    this.#file = file;
    this.end = end;
    this.#arena = spare ?? createCrc32cArena(WINDOW);
    spare = null;
    this.bytes = this.#arena.memory;
  }

  /** Gives the memory to the next walk. This one must not go on. */
  release(): void {
    if (this.bytes.length <= LARGEST_SPARE) spare = this.#arena;
    this.bytes = NOTHING;
    this.#windowLength = 0;
  }

  /** Begins anew at `position`, where a batch begins. */
  seek(position: number): void {
    this.nextPosition = position;
    this.problem = null;
  }

  /**
   * Moves to the next batch. False at the end, and where no whole batch begins:
   * {@linkcode BatchWalk.problem} says why then. Throws a `FileError`.
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

  /** Why the current batch's checksum does not fit, or null when it does. */
  crcProblem(): string | null {
    const stored = readCrc(this.bytes, this.at);
    const computed = computeCrc(this.bytes, this.at, this.#arena);
    if (stored === computed) return null;
    return `its CRC-32C is stored as ${stored} and computed as ${computed}`;
  }

  /** Makes `length` bytes from `position` on lie in the memory. */
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
