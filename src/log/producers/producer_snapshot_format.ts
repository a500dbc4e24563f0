/**
 * Kafka's file `<offset>.snapshot` of a partition: the state of each producer from the batches below
 * that offset. Big-endian, with one checksum over everything after it:
 *
 * ```
 * int16 version (1), uint32 CRC-32C, int32 number of producers, and for each producer
 *   int64 producer id, int16 epoch, int32 last sequence, int64 last offset, int32 offset delta,
 *   int64 timestamp, int32 coordinator epoch, int64 first offset of its open transaction
 * ```
 *
 * This module does no I/O.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { ByteReader, ByteWriter } from "../../protocol/wire.ts";

const VERSION = 1;
/** Where the checksummed part starts. */
const ENTRIES_AT = 6;
const HEADER_BYTES = 10;
const ENTRY_BYTES = 46;

/** One producer in a snapshot. Absent numbers are -1. */
export interface ProducerSnapshotEntry {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  /** The last sequence number of its last batch. */
  readonly lastSequence: number;
  /** The last offset of its last batch. */
  readonly lastOffset: number;
  /** The last sequence number of the last batch minus its first; 0 without a batch. */
  readonly offsetDelta: number;
  /** The largest timestamp of its last batch or marker, ms since 1970. */
  readonly lastTimestamp: Int64;
  /** The epoch of the coordinator that wrote the last marker. */
  readonly coordinatorEpoch: number;
  /** The first offset of the open transaction. */
  readonly currentTransactionStartOffset: number;
}

/** Encodes a snapshot. Throws a `ProtocolError` for a number outside of the format's range. */
export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + entries.length * ENTRY_BYTES);
  writer.int16(VERSION);
  const crcAt = writer.reserve(4);
  writer.int32(entries.length);
  for (const entry of entries) {
    writer.exactInt64(entry.producerId);
    writer.int16(entry.producerEpoch);
    writer.int32(entry.lastSequence);
    writer.int64(entry.lastOffset);
    writer.int32(entry.offsetDelta);
    writer.exactInt64(entry.lastTimestamp);
    writer.int32(entry.coordinatorEpoch);
    writer.int64(entry.currentTransactionStartOffset);
  }
  writer.patchInt32(crcAt, crc32c(writer.written().subarray(ENTRIES_AT)));
  return writer.written();
}

/**
 * Decodes the snapshot that was read from `path`. Throws KAFKA_STORAGE_ERROR, with `path` in the
 * message, if the bytes are not a snapshot of version 1 or the checksum is wrong.
 */
export function decodeProducerSnapshot(bytes: Uint8Array, path: string): ProducerSnapshotEntry[] {
  if (bytes.length < HEADER_BYTES) {
    throw malformed(path, `it has ${bytes.length} bytes instead of at least ${HEADER_BYTES}`);
  }
  const reader = new ByteReader(bytes);
  const version = reader.int16();
  if (version !== VERSION) {
    throw malformed(path, `its version is ${version}, ${VERSION} is known`);
  }
  const stored = reader.uint32();
  const actual = crc32c(bytes.subarray(ENTRIES_AT));
  if (stored !== actual) {
    throw malformed(path, `its checksum is ${hexadecimal(actual)}, not ${hexadecimal(stored)}`);
  }
  const count = reader.int32();
  if (count * ENTRY_BYTES !== reader.remaining) {
    throw malformed(path, `it contains ${reader.remaining} bytes for ${count} producers`);
  }
  const entries = Array.from({ length: count }, () => readEntry(reader));
  const beyond = entries.find((entry) =>
    !Number.isSafeInteger(entry.lastOffset) ||
    !Number.isSafeInteger(entry.currentTransactionStartOffset)
  );
  if (beyond === undefined) return entries;
  throw malformed(path, `an offset of producer ${beyond.producerId} is beyond 2^53`);
}

function readEntry(reader: ByteReader): ProducerSnapshotEntry {
  return {
    producerId: reader.exactInt64(),
    producerEpoch: reader.int16(),
    lastSequence: reader.int32(),
    lastOffset: reader.int64(),
    offsetDelta: reader.int32(),
    lastTimestamp: reader.exactInt64(),
    coordinatorEpoch: reader.int32(),
    currentTransactionStartOffset: reader.int64(),
  };
}

function hexadecimal(crc: number): string {
  return `0x${crc.toString(16).padStart(8, "0")}`;
}

function malformed(path: string, why: string): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot read the producer snapshot ${path}: ${why}; remove it to have the producers read from ` +
      `the log`,
  );
}
