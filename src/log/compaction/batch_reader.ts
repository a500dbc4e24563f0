/**
 * Reads the batches of a segment one by one and verifies their checksums. Compaction computes new
 * checksums for what it writes, so damaged data must be detected before.
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
import type { Segment } from "../segments/segment.ts";
import { storageError } from "../storage_error.ts";

/** The upper bound of one read, bytes. Processing it takes about 50 us. */
const LARGEST_WINDOW = 49_152;

/**
 * Reads the batches of one segment after another with asynchronous reads. The buffer belongs to the
 * reader, so callers may pause between batches.
 *
 * @example
 * ```ts ignore
 * reader.open(segment, 0);
 * while (await reader.fill()) {
 *   while (reader.next()) use(reader.bytes, reader.at, reader.size);
 * }
 * ```
 */
export class BatchReader {
  /** The position of the current batch in {@linkcode BatchReader.bytes}. */
  at = 0;
  /** The size of the current batch, bytes. */
  size = 0;

  readonly #arena: Crc32cArena;
  readonly #window: number;
  #segment: Segment | null = null;
  #nextPosition = 0;
  #end = 0;
  #windowStart = 0;
  #windowLength = 0;

  /**
   * Creates a reader that reads at most `window` bytes at a time, limited to 48 KiB, or more if a
   * single batch is larger.
   */
  constructor(window: number) {
    this.#window = Math.max(Math.min(window, LARGEST_WINDOW), RECORDS_OFFSET);
    this.#arena = createCrc32cArena(this.#window);
  }

  /** The buffer that holds the current batch. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#arena.memory;
  }

  /** Whether the current batch is the last one of its segment. */
  get isLast(): boolean {
    return this.#nextPosition === this.#end;
  }

  /** The size of the buffer, bytes. */
  get byteLength(): number {
    return this.#arena.memory.length;
  }

  /** Starts at the batch at `position` of `segment`. */
  open(segment: Segment, position: number): void {
    this.#segment = segment;
    this.#nextPosition = position;
    this.#end = segment.size;
    this.#windowStart = position;
    this.#windowLength = 0;
  }

  /**
   * Reads on until the next batch is complete in memory. Resolves to false at the end of the
   * segment. Rejects with KAFKA_STORAGE_ERROR for damaged data, or with a `FileError`.
   */
  async fill(): Promise<boolean> {
    const left = this.#end - this.#nextPosition;
    if (left === 0) return false;
    if (left < RECORDS_OFFSET) throw this.#damaged(`${left} bytes are too short for a batch`);
    await this.#load(this.#window);
    this.#checkHeader(0);
    const size = readBatchSize(this.bytes, 0);
    if (size > this.#windowLength) await this.#load(size);
    return true;
  }

  /**
   * Moves to the next batch if it is completely in memory. Otherwise returns false, and {@linkcode
   * BatchReader.fill} must be called. Throws KAFKA_STORAGE_ERROR for damaged data.
   */
  next(): boolean {
    const at = this.#nextPosition - this.#windowStart;
    const length = this.#windowLength - at;
    if (length < RECORDS_OFFSET) return false;
    this.#checkHeader(at);
    const size = readBatchSize(this.bytes, at);
    if (size > length) return false;
    try {
      checkBatchCrc(this.bytes, at, this.#arena);
    } catch (error) {
      throw error instanceof RecordError ? this.#damaged(error.message) : error;
    }
    this.at = at;
    this.size = size;
    this.#nextPosition += size;
    return true;
  }

  #checkHeader(at: number): void {
    const problem = headerProblem(this.bytes, at, this.#end - this.#nextPosition);
    if (problem !== null) throw this.#damaged(problem);
  }

  /** Reads up to `length` bytes, starting at the next batch. */
  async #load(length: number): Promise<void> {
    const position = this.#nextPosition;
    const wanted = Math.min(length, this.#end - position);
    this.#arena.reserve(wanted);
    this.#windowLength = 0;
    const count = await this.#segment!.file.read(this.bytes.subarray(0, wanted), position);
    if (count < wanted) throw this.#damaged(`the file ends after ${position + count} bytes`);
    this.#windowStart = position;
    this.#windowLength = count;
  }

  #damaged(why: string): Error {
    return storageError(
      `Cannot read the batch at byte ${this.#nextPosition} of ${this.#segment!.path}`,
      new Error(why),
    );
  }
}
