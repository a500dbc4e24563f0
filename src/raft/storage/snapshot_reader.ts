/**
 * Reads a snapshot batch by batch and checks that it is complete: the header first, offsets without a gap,
 * every checksum, the footer last and nothing after it.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  checkBatchCrc,
  headerProblem,
  isControl,
  readAttributes,
  readBaseOffset,
  readBatchSize,
  readLastOffset,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { type Crc32cArena, createCrc32cArena } from "../../protocol/records/crc32c.ts";
import { grouped } from "../../protocol/records/record_error.ts";
import { FileError, type FileHandle } from "../../runtime/runtime.ts";
import { storageError } from "../../log/storage_error.ts";
import { type ControlBatch, decodeControlBatch } from "./control_batches.ts";
import type { SnapshotHeader } from "./snapshot_writer.ts";

/** Bytes read ahead. */
const WINDOW = 262_144;
/** A larger batch is treated as damage: Apache Kafka's are at most 8 MiB. */
const MAX_BATCH_BYTES = 16_777_216;

/** Iterates over the batches of one snapshot. Methods throw KAFKA_STORAGE_ERROR for a damaged one. */
export class SnapshotReader {
  /** What the snapshot says about itself. */
  readonly header: SnapshotHeader;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #size: number;
  /** What was read ahead, in memory in which checksums are cheap. */
  readonly #arena: Crc32cArena = createCrc32cArena(WINDOW);
  #windowStart = 0;
  #windowLength = 0;
  #position = 0;
  #nextOffset = 0;
  #isFinished = false;

  /** Reads the header. `file`, which the caller closes, is named `path` in messages. */
  constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
    this.#size = this.#guard(() => file.size());
    this.header = this.#readHeader();
  }

  /**
   * Returns the next batch of records, valid until the next call, or null once the whole file has been
   * read and found complete.
   */
  next(): Uint8Array | null {
    if (this.#isFinished) return null;
    const batch = this.#nextBatch();
    if (!isControl(readAttributes(batch, 0))) return batch;
    const { records } = this.#control(batch);
    if (records.length !== 1 || records[0]!.type !== "snapshot-footer") {
      throw this.#damaged(`its batch of ${nameOf(records)} is neither the first nor the last one`);
    }
    if (this.#position < this.#size) {
      throw this.#damaged(`${grouped(this.#size - this.#position)} bytes follow its footer`);
    }
    this.#isFinished = true;
    return null;
  }

  #readHeader(): SnapshotHeader {
    const batch = this.#nextBatch();
    const records = isControl(readAttributes(batch, 0)) ? this.#control(batch).records : [];
    const [header, ...others] = records;
    if (header?.type !== "snapshot-header") throw this.#damaged("it has no header");
    let kraftVersion = 0;
    let voters: SnapshotHeader["voters"] = null;
    for (const record of others) {
      if (record.type === "kraft-version") kraftVersion = record.kraftVersion;
      else if (record.type === "kraft-voters") voters = record.voters;
      else throw this.#damaged(`its header is followed by ${record.type}`);
    }
    const { lastContainedLogTimestamp } = header;
    return { lastContainedLogTimestamp, kraftVersion, voters };
  }

  /** Moves past the next batch and returns it. */
  #nextBatch(): Uint8Array {
    const left = this.#size - this.#position;
    if (left === 0) {
      throw this.#damaged(this.#size === 0 ? "it is empty" : "it ends without a footer");
    }
    if (left < RECORDS_OFFSET) throw this.#damaged(`its last ${left} bytes are not a batch`);
    const start = this.#load(RECORDS_OFFSET);
    const problem = headerProblem(start, 0, left);
    if (problem !== null) throw this.#damaged(`a batch is damaged, ${problem}`);
    const size = readBatchSize(start, 0);
    if (size > MAX_BATCH_BYTES) {
      throw this.#damaged(`a batch is damaged, its size is ${grouped(size)} bytes`);
    }
    const batch = this.#load(size);
    try {
      checkBatchCrc(this.#arena.memory, this.#position - this.#windowStart, this.#arena);
    } catch (error) {
      if (error instanceof RecordError) throw this.#damaged(error.message, error);
      throw error;
    }
    const baseOffset = readBaseOffset(batch, 0);
    if (baseOffset !== this.#nextOffset) {
      throw this.#damaged(`offset ${this.#nextOffset} is missing, a batch begins at ${baseOffset}`);
    }
    this.#nextOffset = readLastOffset(batch, 0) + 1;
    this.#position += size;
    return batch;
  }

  /** Returns `length` bytes from the current position on, which the file must have. */
  #load(length: number): Uint8Array {
    const end = this.#windowStart + this.#windowLength;
    if (this.#position < this.#windowStart || this.#position + length > end) this.#read(length);
    const at = this.#position - this.#windowStart;
    return this.#arena.memory.subarray(at, at + length);
  }

  /** Reads ahead from the current position on, at least `length` bytes. */
  #read(length: number): void {
    const wanted = Math.min(Math.max(WINDOW, length), this.#size - this.#position);
    this.#arena.reserve(wanted);
    const target = this.#arena.memory.subarray(0, wanted);
    this.#windowStart = this.#position;
    this.#windowLength = this.#guard(() => this.#file.readAt(target, this.#position));
    if (this.#windowLength < length) throw this.#damaged("it became shorter");
  }

  #control(batch: Uint8Array): ControlBatch {
    try {
      return decodeControlBatch(batch);
    } catch (error) {
      if (error instanceof RecordError) throw this.#damaged(error.message, error);
      throw error;
    }
  }

  #guard<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw storageError(`Cannot read the snapshot ${this.#path}`, error);
    }
  }

  #damaged(why: string, cause?: Error): KafkaError {
    return new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot read the snapshot ${this.#path}, at byte ${this.#position}: ${why}; bring the file ` +
        "back from a copy, or format the directory with a new directory id while the other " +
        "controllers have a leader",
      { cause },
    );
  }
}

/** Reads the whole snapshot in steps of one batch. Returns its header. */
export function* checkSnapshot(file: FileHandle, path: string): Steps<SnapshotHeader> {
  const reader = new SnapshotReader(file, path);
  while (reader.next() !== null) yield;
  return reader.header;
}

function nameOf(records: ControlBatch["records"]): string {
  return records.map(({ type }) => type).join(" and ") || "no control records";
}
