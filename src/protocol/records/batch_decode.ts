/**
 * Decodes record batches, with all checks. Used by clients, tools and coordinator logs, never by
 * the broker's produce and fetch paths.
 *
 * @module
 */

import { addInt64, type Int64 } from "../int64.ts";
import type { HostCodecs } from "./compression/host_codecs.ts";
import {
  compressionOf,
  computeCrc,
  CURRENT_MAGIC,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  readAttributes,
  readBaseOffset,
  readBaseSequence,
  readBaseTimestamp,
  readCrc,
  readLastOffsetDelta,
  readMagic,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readProducerId,
  readRecordCount,
  RECORDS_OFFSET,
  type TimestampType,
  timestampTypeOf,
} from "./batch_header.ts";
import { endOfBatch } from "./batch_split.ts";
import { type CompressionType, decompress } from "./compression/codec.ts";
import { RecordError } from "./record_error.ts";
import { VarintReader } from "./varint.ts";

/** A header of a record. */
export interface RecordHeader {
  /** Its name. */
  readonly key: string;
  /** Its value, which may be null. */
  readonly value: Uint8Array | null;
}

/**
 * One record. Key, value and header values are views into the batch or its decompressed payload.
 */
export interface DecodedRecord {
  /** Its offset in the partition. */
  readonly offset: number;
  /**
   * Milliseconds since 1970, or -1. Set by the broker's clock if the batch has LogAppendTime.
   * Producers may send any other 64-bit integer.
   */
  readonly timestamp: Int64;
  /** Its key. */
  readonly key: Uint8Array | null;
  /** Its value; null is a tombstone in a compacted topic. */
  readonly value: Uint8Array | null;
  /** Its headers, in order; names may repeat. */
  readonly headers: readonly RecordHeader[];
}

/** A whole batch. */
export interface DecodedBatch {
  /** The offset of the first record. Offset deltas are relative to it. */
  readonly baseOffset: number;
  /** The offset of the last record, even if compaction removed that record. */
  readonly lastOffset: number;
  /** Size of the whole batch, header included. */
  readonly sizeInBytes: number;
  /** The epoch of the leader that appended it, or -1. */
  readonly partitionLeaderEpoch: number;
  /** The compression of the records. */
  readonly compression: CompressionType;
  /** The clock that set the timestamps. */
  readonly timestampType: TimestampType;
  /** Whether it belongs to a transaction. */
  readonly isTransactional: boolean;
  /** Whether it contains control records. */
  readonly isControl: boolean;
  /**
   * The time from which tombstones and markers of this batch may be removed, ms since 1970, or null
   * (KIP-534).
   */
  readonly deleteHorizonMs: Int64 | null;
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
  /** The records, in order. */
  readonly records: readonly DecodedRecord[];
}

/** Options of decoding. */
export interface DecodeOptions {
  /** The host's codecs, `runtime.codecs()`. Required for gzip. */
  readonly codecs?: HostCodecs;
  /** Maximum decompressed size of a batch. Defaults to 256 MiB. */
  readonly maxDecompressedBytes?: number;
  /** Whether to check the CRC-32C. Defaults to true. */
  readonly checkCrc?: boolean;
}

const DEFAULT_MAX_DECOMPRESSED_BYTES = 268_435_456;
const NO_HEADERS: readonly RecordHeader[] = [];
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The minimum record size: a size, attributes, two deltas, two lengths and a header count. */
const SMALLEST_RECORD = 7;

/**
 * Decodes the records of the batch at `at` one by one, on demand. The batch is checked first
 * (complete, magic 2, CRC), each record when it is reached. Throws a {@linkcode RecordError}.
 */
export function* readRecords(
  bytes: Uint8Array,
  at: number = 0,
  options: DecodeOptions = {},
): Generator<DecodedRecord, void, undefined> {
  const reader = new BatchRecordReader(bytes, at, options);
  for (let index = 0; index < reader.count; index++) yield reader.next(index);
  reader.finish();
}

/** Decodes the batch at `at` with all its records. Throws a {@linkcode RecordError}. */
export function decodeBatch(
  bytes: Uint8Array,
  at: number = 0,
  options: DecodeOptions = {},
): DecodedBatch {
  const reader = new BatchRecordReader(bytes, at, options);
  const records: DecodedRecord[] = [];
  for (let index = 0; index < reader.count; index++) records.push(reader.next(index));
  reader.finish();
  const attributes = readAttributes(bytes, at);
  const baseTimestamp = readBaseTimestamp(bytes, at);
  return {
    baseOffset: reader.baseOffset,
    lastOffset: reader.baseOffset + readLastOffsetDelta(bytes, at),
    sizeInBytes: reader.sizeInBytes,
    partitionLeaderEpoch: readPartitionLeaderEpoch(bytes, at),
    compression: compressionOf(attributes),
    timestampType: timestampTypeOf(attributes),
    isTransactional: isTransactional(attributes),
    isControl: isControl(attributes),
    deleteHorizonMs: hasDeleteHorizon(attributes) ? baseTimestamp : null,
    baseTimestamp,
    maxTimestamp: readMaxTimestamp(bytes, at),
    producerId: readProducerId(bytes, at),
    producerEpoch: readProducerEpoch(bytes, at),
    baseSequence: readBaseSequence(bytes, at),
    records,
  };
}

/** One pass over the records of a batch. */
class BatchRecordReader {
  /** The offset of the first record. Offset deltas are relative to it. */
  readonly baseOffset: number;
  /** Size of the whole batch, header included. */
  readonly sizeInBytes: number;
  readonly count: number;
  readonly #baseTimestamp: Int64;
  readonly #appendTime: Int64 | null;
  readonly #lastOffsetDelta: number;
  readonly #reader: VarintReader;
  readonly #payloadEnd: number;
  #previousDelta = -1;

  constructor(bytes: Uint8Array, at: number, options: DecodeOptions) {
    const end = endOfBatch(bytes, at, bytes.length);
    if (end === -1) {
      throw new RecordError(
        `Cannot decode the record batch at byte ${at}: it is truncated after ` +
          `${Math.max(0, bytes.length - at)} bytes`,
        "corrupt",
      );
    }
    const magic = readMagic(bytes, at);
    if (magic !== CURRENT_MAGIC) {
      throw new RecordError(
        `Cannot decode a message set of magic ${magic}: only magic 2 is supported`,
        "invalid",
      );
    }
    if (options.checkCrc !== false) {
      const computed = computeCrc(bytes, at);
      if (computed !== readCrc(bytes, at)) throw wrongCrc(readCrc(bytes, at), computed);
    }
    this.sizeInBytes = end - at;
    this.baseOffset = readBaseOffset(bytes, at);
    this.count = readRecordCount(bytes, at);
    this.#lastOffsetDelta = readLastOffsetDelta(bytes, at);
    this.#baseTimestamp = readBaseTimestamp(bytes, at);
    const attributes = readAttributes(bytes, at);
    this.#appendTime = timestampTypeOf(attributes) === "LogAppendTime"
      ? readMaxTimestamp(bytes, at)
      : null;
    const compression = compressionOf(attributes);
    // A batch emptied by compaction keeps its compression bits but has no payload.
    const payload = compression === "none" || (this.count === 0 && end === at + RECORDS_OFFSET)
      ? bytes
      : decompress(
        compression,
        bytes.subarray(at + RECORDS_OFFSET, end),
        options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES,
        options.codecs,
      );
    const payloadStart = payload === bytes ? at + RECORDS_OFFSET : 0;
    this.#payloadEnd = payload === bytes ? end : payload.length;
    this.#reader = new VarintReader(payload, payloadStart, this.#payloadEnd);
    if (this.count < 0 || this.count * SMALLEST_RECORD > this.#payloadEnd - payloadStart) {
      throw new RecordError(
        `Cannot decode a record batch: it announces ${this.count} records in ` +
          `${this.#payloadEnd - payloadStart} bytes`,
        "invalid",
      );
    }
  }

  next(index: number): DecodedRecord {
    const reader = this.#reader;
    reader.end = this.#payloadEnd;
    const size = reader.readVarint();
    const recordEnd = reader.position + size;
    if (size < 0 || recordEnd > this.#payloadEnd) {
      throw invalidRecord(index, `has an impossible size of ${size} bytes`);
    }
    reader.end = recordEnd;
    reader.position++; // Unused attributes.
    const timestampDelta = reader.readVarlong();
    const offsetDelta = reader.readVarint();
    if (offsetDelta <= this.#previousDelta || offsetDelta > this.#lastOffsetDelta) {
      throw invalidRecord(
        index,
        `has the offset delta ${offsetDelta} after ${this.#previousDelta}, the last one being ` +
          `${this.#lastOffsetDelta}`,
      );
    }
    this.#previousDelta = offsetDelta;
    const key = this.#readBytes(index);
    const value = this.#readBytes(index);
    const headers = this.#readHeaders(index);
    if (reader.position !== recordEnd) {
      throw invalidRecord(index, `has ${recordEnd - reader.position} trailing bytes`);
    }
    return {
      offset: this.baseOffset + offsetDelta,
      timestamp: this.#appendTime ?? addInt64(this.#baseTimestamp, timestampDelta),
      key,
      value,
      headers,
    };
  }

  finish(): void {
    const left = this.#payloadEnd - this.#reader.position;
    if (left !== 0) throw invalidRecord(this.count, `is followed by ${left} trailing bytes`);
  }

  #readBytes(index: number): Uint8Array | null {
    const reader = this.#reader;
    const length = reader.readVarint();
    if (length < 0) return null;
    const start = reader.position;
    if (length > reader.end - start) {
      throw invalidRecord(index, `has a field of ${length} bytes beyond its end`);
    }
    reader.position = start + length;
    return reader.bytes.subarray(start, start + length);
  }

  #readHeaders(index: number): readonly RecordHeader[] {
    const reader = this.#reader;
    const count = reader.readVarint();
    if (count === 0) return NO_HEADERS;
    // Each header takes at least two bytes.
    if (count < 0 || count > (reader.end - reader.position) >> 1) {
      throw invalidRecord(index, `announces ${count} headers`);
    }
    const headers: RecordHeader[] = [];
    for (let header = 0; header < count; header++) {
      const key = this.#readBytes(index);
      if (key === null) throw invalidRecord(index, "has a header without a key");
      headers.push({ key: utf8.decode(key), value: this.#readBytes(index) });
    }
    return headers;
  }
}

/** Creates the error for a checksum mismatch. */
export function wrongCrc(stored: number, computed: number): RecordError {
  return new RecordError(
    `The record batch is corrupt: its CRC-32C is stored as ${stored} and computed as ${computed}`,
    "corrupt",
  );
}

function invalidRecord(index: number, what: string): RecordError {
  return new RecordError(`Record ${index} of the batch ${what}`, "invalid");
}
