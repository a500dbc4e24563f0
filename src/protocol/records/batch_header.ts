/**
 * The header of a record batch (format v2, 61 bytes), read and patched in place without allocating:
 * functions over a byte array and the position of the batch in it. The caller has made sure that the
 * header lies within the array (`batch_split.ts` does). Timestamps and producer ids are read and
 * written without loss; an offset beyond 2^53 throws a {@linkcode RecordError}.
 *
 * @module
 */

import { highOf, type Int64, int64Of, isInt64, lowOf } from "../int64.ts";
import { type CompressionType, compressionTypeOfId } from "./compression/codec.ts";
import type { Steps } from "./compression/steps.ts";
import { checksumInSteps, crc32c, type Crc32cArena } from "./crc32c.ts";
import { RecordError } from "./record_error.ts";

/** Bytes of base offset and length, which the length field does not count. */
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
/** Position of the int16 attributes: where the checksum's range begins. */
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
/** Where the records begin: the size of the header. */
export const RECORDS_OFFSET = 61;
/** The only format that is written, and that Produce accepts. */
export const CURRENT_MAGIC = 2;

/** Stands for "none" in producer id, producer epoch, sequence, timestamp and leader epoch. */
export const NONE: number = -1;

/** Attributes: the bits of the compression. */
export const COMPRESSION_MASK = 0x07;
/** Attributes: set when timestamps are the broker's (LogAppendTime). */
export const TIMESTAMP_TYPE_FLAG = 0x08;
/** Attributes: set in a transaction's batches and markers. */
export const TRANSACTIONAL_FLAG = 0x10;
/** Attributes: set in batches of control records. */
export const CONTROL_FLAG = 0x20;
/** Attributes: set when the base timestamp holds a delete horizon (KIP-534). */
export const DELETE_HORIZON_FLAG = 0x40;

/** Whose clock a batch's timestamps are: the producer's or the broker's. */
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
      `Cannot write a batch header: ${value} is not a whole number of 64 bits`,
      "invalid",
    );
  }
  writeInt32(bytes, at, highOf(value));
  writeInt32(bytes, at + 4, lowOf(value));
}

/** The offset of the batch's first record. Throws `invalid` beyond 2^53 - 1. */
export function readBaseOffset(bytes: Uint8Array, at: number): number {
  const offset = readInt64(bytes, at + BASE_OFFSET_OFFSET);
  if (typeof offset === "number") return offset;
  throw new RecordError(
    `Cannot read a batch header: its base offset is ${offset}, the limit is 2^53 - 1`,
    "invalid",
  );
}

/** The length field: bytes after it. May be any int32 in data that were not checked. */
export function readBatchLength(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + BATCH_LENGTH_OFFSET);
}

/** The whole batch's size in bytes, as its length field has it. */
export function readBatchSize(bytes: Uint8Array, at: number): number {
  return LOG_OVERHEAD + readInt32(bytes, at + BATCH_LENGTH_OFFSET);
}

/** The epoch of the leader that appended the batch, -1 before one did. */
export function readPartitionLeaderEpoch(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + PARTITION_LEADER_EPOCH_OFFSET);
}

/** The format: 2, or 0 and 1 in data of before Kafka 0.11. Signed. */
export function readMagic(bytes: Uint8Array, at: number): number {
  return (bytes[at + MAGIC_OFFSET]! << 24) >> 24;
}

/** The stored checksum, 0 to 2^32 - 1. */
export function readCrc(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + CRC_OFFSET) >>> 0;
}

/** All attribute bits, to be asked with the functions below. */
export function readAttributes(bytes: Uint8Array, at: number): number {
  return readInt16(bytes, at + ATTRIBUTES_OFFSET);
}

/** The compression in `attributes`. Throws `unsupported-compression`. */
export function compressionOf(attributes: number): CompressionType {
  return compressionTypeOfId(attributes & COMPRESSION_MASK);
}

/** Whose clock the timestamps are. */
export function timestampTypeOf(attributes: number): TimestampType {
  return (attributes & TIMESTAMP_TYPE_FLAG) === 0 ? "CreateTime" : "LogAppendTime";
}

/** Whether the batch belongs to a transaction. */
export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_FLAG) !== 0;
}

/** Whether the batch holds control records. */
export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_FLAG) !== 0;
}

/** Whether the base timestamp is a delete horizon. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_FLAG) !== 0;
}

/** The last record's offset minus the base offset. Compaction may have removed that record. */
export function readLastOffsetDelta(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + LAST_OFFSET_DELTA_OFFSET);
}

/** The offset of the batch's last record. */
export function readLastOffset(bytes: Uint8Array, at: number): number {
  return readBaseOffset(bytes, at) + readLastOffsetDelta(bytes, at);
}

/** What timestamp deltas are counted from, ms; -1 for none. */
export function readBaseTimestamp(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + BASE_TIMESTAMP_OFFSET);
}

/** The largest timestamp in the batch, ms; -1 for none. */
export function readMaxTimestamp(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + MAX_TIMESTAMP_OFFSET);
}

/** The idempotent producer's id, or -1. */
export function readProducerId(bytes: Uint8Array, at: number): Int64 {
  return readInt64(bytes, at + PRODUCER_ID_OFFSET);
}

/** The idempotent producer's epoch, or -1. */
export function readProducerEpoch(bytes: Uint8Array, at: number): number {
  return readInt16(bytes, at + PRODUCER_EPOCH_OFFSET);
}

/** The first record's sequence number, or -1. */
export function readBaseSequence(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + BASE_SEQUENCE_OFFSET);
}

/** The number of records, as the header has it: any int32 in data that were not checked. */
export function readRecordCount(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + RECORD_COUNT_OFFSET);
}

/** Sets the base offset. It is outside the checksum's range. Throws `invalid` beyond 2^53 - 1. */
export function writeBaseOffset(bytes: Uint8Array, at: number, offset: number): void {
  writeInt64(bytes, at + BASE_OFFSET_OFFSET, offset);
}

/** Sets the leader's epoch. It is outside the checksum's range. */
export function writePartitionLeaderEpoch(bytes: Uint8Array, at: number, epoch: number): void {
  writeInt32(bytes, at + PARTITION_LEADER_EPOCH_OFFSET, epoch);
}

/**
 * The checksum over a batch whose size field is true and within `bytes`. Give `arena` when `bytes`
 * is its memory: it is several times faster.
 */
export function computeCrc(bytes: Uint8Array, at: number, arena?: Crc32cArena): number {
  const length = readBatchSize(bytes, at) - ATTRIBUTES_OFFSET;
  const start = at + ATTRIBUTES_OFFSET;
  return arena === undefined
    ? crc32c(bytes.subarray(start, start + length))
    : arena.checksum(start, length);
}

/** As {@linkcode computeCrc} of the batch at 0 of `arena`, in steps. */
export function* computeCrcInSteps(arena: Crc32cArena): Steps<number> {
  const length = readBatchSize(arena.memory, 0) - ATTRIBUTES_OFFSET;
  return yield* checksumInSteps(arena, ATTRIBUTES_OFFSET, length);
}

/** As {@linkcode writeCrc} for the batch at 0 of `arena`, in steps. */
export function* writeCrcInSteps(arena: Crc32cArena): Steps<void> {
  writeInt32(arena.memory, CRC_OFFSET, yield* computeCrcInSteps(arena));
}

/** Computes and stores the checksum. */
export function writeCrc(bytes: Uint8Array, at: number, arena?: Crc32cArena): void {
  writeInt32(bytes, at + CRC_OFFSET, computeCrc(bytes, at, arena));
}

/**
 * Sets the largest timestamp and whose clock it is, and the checksum where that changed anything.
 * `arena` as in {@linkcode computeCrc}. Says whether anything changed.
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

/** The fields of a header that {@linkcode writeBatchHeader} writes. */
export interface BatchHeaderFields {
  /** The first record's offset; what offset deltas count from. */
  readonly baseOffset: number;
  /** The whole batch's size, header included. */
  readonly sizeInBytes: number;
  /** The epoch of the leader that appended it, or -1. */
  readonly partitionLeaderEpoch: number;
  /** All attribute bits. */
  readonly attributes: number;
  /** The last offset minus the base offset. */
  readonly lastOffsetDelta: number;
  /** What timestamp deltas count from, ms since 1970, or -1. */
  readonly baseTimestamp: Int64;
  /** The largest timestamp, ms since 1970, or -1. */
  readonly maxTimestamp: Int64;
  /** The idempotent producer's id, or -1. */
  readonly producerId: Int64;
  /** The idempotent producer's epoch, or -1. */
  readonly producerEpoch: number;
  /** The first record's sequence number, or -1. */
  readonly baseSequence: number;
  /** How many records there are. */
  readonly recordCount: number;
}

/** Writes a whole header at `at`, and the checksum over what follows it, which must be there already. */
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
