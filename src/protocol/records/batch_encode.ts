/**
 * Encodes records into batches of format v2.
 *
 * @module
 */

import { type Int64, isInt64, subtractInt64 } from "../int64.ts";
import type { HostCodecs } from "./compression/host_codecs.ts";
import type { RecordHeader } from "./batch_decode.ts";
import {
  CONTROL_FLAG,
  DELETE_HORIZON_FLAG,
  NONE,
  RECORDS_OFFSET,
  TIMESTAMP_TYPE_FLAG,
  type TimestampType,
  TRANSACTIONAL_FLAG,
  writeBatchHeader,
} from "./batch_header.ts";
import { compress, type CompressionType, idOfCompressionType } from "./compression/codec.ts";
import { grouped, RecordError } from "./record_error.ts";
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from "./varint.ts";

/** A record to encode. */
export interface RecordInput {
  /** Its key. */
  readonly key?: Uint8Array | null;
  /** Its value; null is a tombstone in a compacted topic. */
  readonly value?: Uint8Array | null;
  /** Its headers, in order; names may repeat. */
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970, or -1 for none. The format allows any other 64-bit integer. */
  readonly timestamp: Int64;
  /**
   * The record's offset relative to the batch. Defaults to one more than the previous record's.
   * Larger steps result from compaction; Produce rejects them.
   */
  readonly offsetDelta?: number;
}

/** Header fields and encoding options of a batch. Absent numbers are -1, absent flags false. */
export interface BatchOptions {
  /** Defaults to 0, as producers send it. */
  readonly baseOffset?: number;
  /** The epoch of the leader that appended it, or -1. */
  readonly partitionLeaderEpoch?: number;
  /** Defaults to `none`. */
  readonly compression?: CompressionType;
  /** On the codec's own scale. Defaults to that of the codec. */
  readonly compressionLevel?: number;
  /** The host's codecs, `runtime.codecs()`. Required for gzip and zstd. */
  readonly codecs?: HostCodecs;
  /** Defaults to `CreateTime`. */
  readonly timestampType?: TimestampType;
  /** The largest timestamp, if it is not that of the records (LogAppendTime). */
  readonly maxTimestamp?: Int64;
  /** Whether it belongs to a transaction. */
  readonly isTransactional?: boolean;
  /** Whether it contains control records. */
  readonly isControl?: boolean;
  /**
   * The time from which tombstones may be removed, ms since 1970 (KIP-534). Stored as the base
   * timestamp.
   */
  readonly deleteHorizonMs?: number;
  /** The idempotent producer's id, or -1. */
  readonly producerId?: Int64;
  /** The idempotent producer's epoch, or -1. */
  readonly producerEpoch?: number;
  /** The sequence number of the first record, or -1. */
  readonly baseSequence?: number;
  /** The last offset minus the base offset, if compaction removed the last record. */
  readonly lastOffsetDelta?: number;
}

const utf8 = new TextEncoder();
const DEFAULT_EXPECTED_BYTES = 1024;
/** Maximum size of a record without headers, beside its key and value. */
const RECORD_OVERHEAD = 32;
/** 2^31 - 1: the largest length field. */
const MAX_BYTES = 2_147_483_647;

/**
 * Collects records and encodes them as one batch. Without compression each record is copied once,
 * and {@linkcode BatchBuilder.sizeInBytes} is exact at any time.
 *
 * @example
 * ```ts
 * import { BatchBuilder } from "./batch_encode.ts";
 *
 * const builder = new BatchBuilder({ producerId: 4000, producerEpoch: 0, baseSequence: 0 });
 * builder.append({ value: new TextEncoder().encode("hello"), timestamp: 1_700_000_000_000 });
 * const batch = builder.build();
 * console.log(batch.length === builder.sizeInBytes);
 * ```
 */
export class BatchBuilder {
  readonly #options: BatchOptions;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = RECORDS_OFFSET;
  #count = 0;
  #baseTimestamp: Int64;
  #maxTimestamp: Int64 = NONE;
  #lastDelta = -1;

  /**
   * Builds one batch. `expectedBytes` is a hint: the buffer doubles, with a copy, when it is
   * exceeded.
   */
  constructor(options: BatchOptions = {}, expectedBytes: number = DEFAULT_EXPECTED_BYTES) {
    this.#options = options;
    this.#bytes = new Uint8Array(Math.max(RECORDS_OFFSET, expectedBytes));
    this.#baseTimestamp = options.deleteHorizonMs ?? NONE;
  }

  /** Number of records appended so far. */
  get recordCount(): number {
    return this.#count;
  }

  /** Current size of the batch before compression. */
  get sizeInBytes(): number {
    return this.#length;
  }

  /**
   * Appends a record. Throws a {@linkcode RecordError}: `invalid` if the offset delta does not
   * increase or the timestamp is not an {@linkcode Int64}, `too-large` beyond 2 GiB.
   */
  append(record: RecordInput): void {
    const offsetDelta = record.offsetDelta ?? this.#lastDelta + 1;
    if (!(offsetDelta > this.#lastDelta && offsetDelta <= MAX_BYTES)) {
      throw new RecordError(
        `Cannot append a record: its offset delta ${offsetDelta} does not follow ${this.#lastDelta}`,
        "invalid",
      );
    }
    const isFirst = this.#count === 0 && this.#options.deleteHorizonMs === undefined;
    const baseTimestamp = isFirst ? record.timestamp : this.#baseTimestamp;
    if (!isInt64(record.timestamp)) {
      throw new RecordError(
        `Cannot append a record: its timestamp ${record.timestamp} is not a 64-bit integer`,
        "invalid",
      );
    }
    const timestampDelta = subtractInt64(record.timestamp, baseTimestamp);
    const key = record.key ?? null;
    const value = record.value ?? null;
    const headers = encodeHeaders(record.headers);
    const size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOfField(key) +
      sizeOfField(value) + headers.length;
    this.#reserve(sizeOfVarint(size) + size);

    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#length, size);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeField(bytes, at, key);
    at = writeField(bytes, at, value);
    if (headers === NO_HEADERS) bytes[at++] = 0;
    else {
      bytes.set(headers, at);
      at += headers.length;
    }
    this.#baseTimestamp = baseTimestamp;
    this.#length = at;
    this.#count++;
    this.#lastDelta = offsetDelta;
    if (record.timestamp > this.#maxTimestamp) this.#maxTimestamp = record.timestamp;
  }

  /**
   * Encodes the batch with its checksum, in newly allocated memory. More records may be appended
   * and `build()` called again. A batch without records is valid: it is the remainder of a
   * compacted batch.
   */
  build(): Uint8Array<ArrayBuffer> {
    const options = this.#options;
    const compression = options.compression ?? "none";
    let batch: Uint8Array<ArrayBuffer>;
    if (compression === "none" || this.#count === 0) {
      batch = this.#bytes.slice(0, this.#length);
    } else {
      const records = this.#bytes.subarray(RECORDS_OFFSET, this.#length);
      const packed = compress(compression, records, options.compressionLevel, options.codecs);
      batch = new Uint8Array(RECORDS_OFFSET + packed.length);
      batch.set(packed, RECORDS_OFFSET);
    }
    writeBatchHeader(batch, 0, {
      baseOffset: options.baseOffset ?? 0,
      sizeInBytes: batch.length,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? NONE,
      attributes: attributesOf(options),
      lastOffsetDelta: options.lastOffsetDelta ?? Math.max(0, this.#lastDelta),
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: options.maxTimestamp ?? this.#maxTimestamp,
      producerId: options.producerId ?? NONE,
      producerEpoch: options.producerEpoch ?? NONE,
      baseSequence: options.baseSequence ?? NONE,
      recordCount: this.#count,
    });
    return batch;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > MAX_BYTES) {
      throw new RecordError(
        `Cannot append a record: the batch would be ${grouped(needed)} bytes, the format allows ` +
          `${grouped(MAX_BYTES)}`,
        "too-large",
      );
    }
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Encodes `records` as one batch. Throws as {@linkcode BatchBuilder.append} does. */
export function encodeBatch(
  records: readonly RecordInput[],
  options: BatchOptions = {},
): Uint8Array<ArrayBuffer> {
  let expectedBytes = RECORDS_OFFSET;
  for (const { key, value } of records) {
    expectedBytes += RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  }
  const builder = new BatchBuilder(options, expectedBytes);
  for (const record of records) builder.append(record);
  return builder.build();
}

function attributesOf(options: BatchOptions): number {
  return idOfCompressionType(options.compression ?? "none") |
    (options.timestampType === "LogAppendTime" ? TIMESTAMP_TYPE_FLAG : 0) |
    (options.isTransactional ? TRANSACTIONAL_FLAG : 0) |
    (options.isControl ? CONTROL_FLAG : 0) |
    (options.deleteHorizonMs === undefined ? 0 : DELETE_HORIZON_FLAG);
}

function sizeOfField(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarint(field.length) + field.length;
}

function writeField(bytes: Uint8Array, at: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, at, -1);
  at = writeVarint(bytes, at, field.length);
  bytes.set(field, at);
  return at + field.length;
}

const NO_HEADERS = new Uint8Array(1);

/** Encodes the header count and the headers of a record. */
function encodeHeaders(headers: readonly RecordHeader[] | undefined): Uint8Array {
  if (headers === undefined || headers.length === 0) return NO_HEADERS;
  const keys = headers.map((header) => utf8.encode(header.key));
  let size = sizeOfVarint(headers.length);
  for (const [index, header] of headers.entries()) {
    size += sizeOfField(keys[index]!) + sizeOfField(header.value);
  }
  const bytes = new Uint8Array(size);
  let at = writeVarint(bytes, 0, headers.length);
  for (const [index, header] of headers.entries()) {
    at = writeField(bytes, at, keys[index]!);
    at = writeField(bytes, at, header.value);
  }
  return bytes;
}
