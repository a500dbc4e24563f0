/**
 * Reads and patches the header of a record batch (format v2, 61 bytes) in place, without
 * allocation. The functions take a byte array and the position of the batch. The caller ensures
 * that the header lies within the array (as `batch_split.ts` does). Timestamps and producer ids are
 * read and written without loss; an offset beyond 2^53 throws a {@linkcode RecordError}.
 *
 * @module
 */

import { highOf, type Int64, int64Of, isInt64, lowOf } from "../int64.ts";
import { type CompressionType, compressionTypeOfId } from "./compression/codec.ts";
import type { Steps } from "./compression/steps.ts";
import { checksumInSteps, crc32c, type Crc32cArena } from "./crc32c.ts";
import { RecordError } from "./record_error.ts";

/** Size of base offset and length, which the length field does not include. */
export const LOG_OVERHEAD = 12;
/** Position of the int64 base offset. */
export const BASE_OFFSET_OFFSET = 0;
/** Position of the int32 batch length. */
export const BATCH_LENGTH_OFFSET = 8;
/** Position of the int32 partition leader epoch. */
export const PARTITION_LEADER_EPOCH_OFFSET = 12;
/** Position of the int8 magic, in every format. */
export const MAGIC_OFFSET = 16;
/** Position of the uint32 CRC. */
export const CRC_OFFSET = 17;
/** Position of the int16 attributes, where the checksummed range begins. */
export const ATTRIBUTES_OFFSET = 21;
/** Position of the int32 last offset delta. */
export const LAST_OFFSET_DELTA_OFFSET = 23;
/** Position of the int64 base timestamp. */
export const BASE_TIMESTAMP_OFFSET = 27;
/** Position of the int64 largest timestamp. */
export const MAX_TIMESTAMP_OFFSET = 35;
/** Position of the int64 producer id. */
export const PRODUCER_ID_OFFSET = 43;
/** Position of the int16 producer epoch. */
export const PRODUCER_EPOCH_OFFSET = 51;
/** Position of the int32 base sequence. */
export const BASE_SEQUENCE_OFFSET = 53;
/** Position of the int32 number of records. */
export const RECORD_COUNT_OFFSET = 57;
/** Position of the records: the size of the header. */
export const RECORDS_OFFSET = 61;
/** The only format that is written and that Produce accepts. */
export const CURRENT_MAGIC = 2;

/** "None" in producer id, producer epoch, sequence, timestamp and leader epoch. */
export const NONE: number = -1;

/** Attribute bits of the compression. */
export const COMPRESSION_MASK = 0x07;
/** Attribute bit set if the broker set the timestamps (LogAppendTime). */
export const TIMESTAMP_TYPE_FLAG = 0x08;
/** Attribute bit of transactional batches and markers. */
export const TRANSACTIONAL_FLAG = 0x10;
/** Attribute bit of batches with control records. */
export const CONTROL_FLAG = 0x20;
/** Attribute bit set if the base timestamp is a delete horizon (KIP-534). */
export const DELETE_HORIZON_FLAG = 0x40;

/** The clock that set the timestamps of a batch: the producer's or the broker's. */
export type TimestampType = "CreateTime" | "LogAppendTime";

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function readInt16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16)) >> 16;
}

function readInt64(bytes: Uint8Array, at: number): Int64 {
  return int64Of(readInt32(bytes, at), readInt32(bytes, at + 4));
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function writeInt64(bytes: Uint8Array, at: number, value: Int64): void {
  if (!isInt64(value)) {
    throw new RecordError(
      `Cannot write a batch header: ${value} is not a 64-bit integer`,
      "invalid",
    );
  }
  writeInt32(bytes, at, highOf(value));
  writeInt32(bytes, at + 4, lowOf(value));
}

/** Returns the offset of the first record. Throws `invalid` beyond 2^53 - 1. */
export function readBaseOffset(bytes: Uint8Array, at: number): number {
  const offset = readInt64(bytes, at + BASE_OFFSET_OFFSET);
  if (typeof offset === "number") return offset;
  throw new RecordError(
    `Cannot read a batch header: its base offset is ${offset}, the limit is 2^53 - 1`,
    "invalid",
  );
}

/** Returns the length field: the number of bytes after it. May be any int32 in unchecked data. */
export function readBatchLength(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + BATCH_LENGTH_OFFSET);
}

/** Returns the size of the whole batch according to its length field. */
export function readBatchSize(bytes: Uint8Array, at: number): number {
  return LOG_OVERHEAD + readInt32(bytes, at + BATCH_LENGTH_OFFSET);
}

/** Returns the epoch of the leader that appended the batch, or -1. */
export function readPartitionLeaderEpoch(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + PARTITION_LEADER_EPOCH_OFFSET);
}

/** Returns the format version, signed: 2, or 0 and 1 in data older than Kafka 0.11. */
export function readMagic(bytes: Uint8Array, at: number): number {
  return (bytes[at + MAGIC_OFFSET]! << 24) >> 24;
}

/** Returns the stored checksum, 0 to 2^32 - 1. */
export function readCrc(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + CRC_OFFSET) >>> 0;
}

/** Returns all attribute bits, as arguments for the functions below. */
export function readAttributes(bytes: Uint8Array, at: number): number {
  return readInt16(bytes, at + ATTRIBUTES_OFFSET);
}

/** Returns the compression in `attributes`. Throws `unsupported-compression`. */
export function compressionOf(attributes: number): CompressionType {
  return compressionTypeOfId(attributes & COMPRESSION_MASK);
}

/** Returns the clock that set the timestamps. */
export function timestampTypeOf(attributes: number): TimestampType {
  return (attributes & TIMESTAMP_TYPE_FLAG) === 0 ? "CreateTime" : "LogAppendTime";
}

/** Returns whether the batch belongs to a transaction. */
export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_FLAG) !== 0;
}

/** Returns whether the batch contains control records. */
export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_FLAG) !== 0;
}

/** Returns whether the base timestamp is a delete horizon. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_FLAG) !== 0;
}

/**
 * Returns the last record's offset minus the base offset. Compaction may have removed that record.
 */
export function readLastOffsetDelta(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + LAST_OFFSET_DELTA_OFFSET);
}

/** Returns the offset of the last record. */
export function readLastOffset(bytes: Uint8Array, at: number): number {
  return readBaseOffset(bytes, at) + readLastOffsetDelta(bytes, at);
}

/** Returns the timestamp in ms that deltas are relative to, or -1. */
export function readBaseTimestamp(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + BASE_TIMESTAMP_OFFSET);
}

/** Returns the largest timestamp in ms, or -1. */
export function readMaxTimestamp(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + MAX_TIMESTAMP_OFFSET);
}

/** Returns the idempotent producer's id, or -1. */
export function readProducerId(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + PRODUCER_ID_OFFSET);
}

/** Returns the idempotent producer's epoch, or -1. */
export function readProducerEpoch(bytes: Uint8Array, at: number): number {
  return readInt16(bytes, at + PRODUCER_EPOCH_OFFSET);
}

/** Returns the sequence number of the first record, or -1. */
export function readBaseSequence(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + BASE_SEQUENCE_OFFSET);
}

/** Returns the record count field. May be any int32 in unchecked data. */
export function readRecordCount(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + RECORD_COUNT_OFFSET);
}

/** Sets the base offset, which the checksum does not cover. Throws `invalid` beyond 2^53 - 1. */
export function writeBaseOffset(bytes: Uint8Array, at: number, offset: number): void {
  writeInt64(bytes, at + BASE_OFFSET_OFFSET, offset);
}

/** Sets the leader epoch, which the checksum does not cover. */
export function writePartitionLeaderEpoch(bytes: Uint8Array, at: number, epoch: number): void {
  writeInt32(bytes, at + PARTITION_LEADER_EPOCH_OFFSET, epoch);
}

/**
 * Computes the checksum of a batch whose size field is valid and within `bytes`. Pass `arena` if
 * `bytes` is its memory: this is several times faster.
 */
export function computeCrc(bytes: Uint8Array, at: number, arena?: Crc32cArena): number {
  const length = readBatchSize(bytes, at) - ATTRIBUTES_OFFSET;
  const start = at + ATTRIBUTES_OFFSET;
  return arena === undefined
    ? crc32c(bytes.subarray(start, start + length))
    : arena.checksum(start, length);
}

/** Like {@linkcode computeCrc} for the batch at position 0 of `arena`, in steps. */
export function* computeCrcInSteps(arena: Crc32cArena): Steps<number> {
  const length = readBatchSize(arena.memory, 0) - ATTRIBUTES_OFFSET;
  return yield* checksumInSteps(arena, ATTRIBUTES_OFFSET, length);
}

/** Like {@linkcode writeCrc} for the batch at position 0 of `arena`, in steps. */
export function* writeCrcInSteps(arena: Crc32cArena): Steps<void> {
  writeInt32(arena.memory, CRC_OFFSET, yield* computeCrcInSteps(arena));
}

/** Computes and stores the checksum. */
export function writeCrc(bytes: Uint8Array, at: number, arena?: Crc32cArena): void {
  writeInt32(bytes, at + CRC_OFFSET, computeCrc(bytes, at, arena));
}

/**
 * Sets the largest timestamp and the timestamp type, and updates the checksum if they changed.
 * `arena` as in {@linkcode computeCrc}. Returns whether anything changed.
 */
export function writeMaxTimestamp(
  bytes: Uint8Array,
  at: number,
  type: TimestampType,
  maxTimestamp: Int64,
  arena?: Crc32cArena,
): boolean {
  const attributes = readAttributes(bytes, at);
  if (timestampTypeOf(attributes) === type && readMaxTimestamp(bytes, at) === maxTimestamp) {
    return false;
  }
  const low = at + ATTRIBUTES_OFFSET + 1;
  bytes[low] = type === "LogAppendTime"
    ? bytes[low]! | TIMESTAMP_TYPE_FLAG
    : bytes[low]! & ~TIMESTAMP_TYPE_FLAG;
  writeInt64(bytes, at + MAX_TIMESTAMP_OFFSET, maxTimestamp);
  writeCrc(bytes, at, arena);
  return true;
}

/** The header fields written by {@linkcode writeBatchHeader}. */
export interface BatchHeaderFields {
  /** The offset of the first record. Offset deltas are relative to it. */
  readonly baseOffset: number;
  /** Size of the whole batch, header included. */
  readonly sizeInBytes: number;
  /** The epoch of the leader that appended it, or -1. */
  readonly partitionLeaderEpoch: number;
  /** All attribute bits. */
  readonly attributes: number;
  /** The last offset minus the base offset. */
  readonly lastOffsetDelta: number;
  /** The timestamp that deltas are relative to, ms since 1970, or -1. */
  readonly baseTimestamp: Int64;
  /** The largest timestamp, ms since 1970, or -1. */
  readonly maxTimestamp: Int64;
  /** The idempotent producer's id, or -1. */
  readonly producerId: Int64;
  /** The idempotent producer's epoch, or -1. */
  readonly producerEpoch: number;
  /** The sequence number of the first record, or -1. */
  readonly baseSequence: number;
  /** Number of records. */
  readonly recordCount: number;
}

/**
 * Writes a whole header at `at` with the checksum of the data after it, which must be written
 * already.
 */
export function writeBatchHeader(bytes: Uint8Array, at: number, fields: BatchHeaderFields): void {
  writeInt64(bytes, at + BASE_OFFSET_OFFSET, fields.baseOffset);
  writeInt32(bytes, at + BATCH_LENGTH_OFFSET, fields.sizeInBytes - LOG_OVERHEAD);
  writeInt32(bytes, at + PARTITION_LEADER_EPOCH_OFFSET, fields.partitionLeaderEpoch);
  bytes[at + MAGIC_OFFSET] = CURRENT_MAGIC;
  bytes[at + ATTRIBUTES_OFFSET] = fields.attributes >>> 8;
  bytes[at + ATTRIBUTES_OFFSET + 1] = fields.attributes;
  writeInt32(bytes, at + LAST_OFFSET_DELTA_OFFSET, fields.lastOffsetDelta);
  writeInt64(bytes, at + BASE_TIMESTAMP_OFFSET, fields.baseTimestamp);
  writeInt64(bytes, at + MAX_TIMESTAMP_OFFSET, fields.maxTimestamp);
  writeInt64(bytes, at + PRODUCER_ID_OFFSET, fields.producerId);
  bytes[at + PRODUCER_EPOCH_OFFSET] = fields.producerEpoch >>> 8;
  bytes[at + PRODUCER_EPOCH_OFFSET + 1] = fields.producerEpoch;
  writeInt32(bytes, at + BASE_SEQUENCE_OFFSET, fields.baseSequence);
  writeInt32(bytes, at + RECORD_COUNT_OFFSET, fields.recordCount);
  writeCrc(bytes, at);
}
