/**
 * Validates produced batches, in three steps of different cost:
 *
 * 1. {@linkcode checkProducedHeader}: the frame and the header, about 50 ns.
 * 2. {@linkcode checkBatchCrc}: the checksum, at 2 to 12 GB/s.
 * 3. {@linkcode checkRecords}: the structure of every record, about 30 ns each. A compressed batch is
 *    decompressed first, at 0.9 to 1.1 GB/s of output.
 *
 * The rules are those of `ProduceRequest.validateRecords`, the log's analysis and `LogValidator` in
 * Apache Kafka, with two stricter ones. Bytes after the batch are rejected; Kafka drops them. Offset
 * deltas other than 0, 1, 2, ... are rejected; Kafka rewrites compressed batches that have them and
 * stores uncompressed ones unchanged.
 *
 * @module
 */

import type { HostCodecs } from "./compression/host_codecs.ts";
import { wrongCrc } from "./batch_decode.ts";
import {
  compressionOf,
  computeCrc,
  computeCrcInSteps,
  CURRENT_MAGIC,
  isControl,
  NONE,
  readAttributes,
  readBaseOffset,
  readBaseSequence,
  readCrc,
  readLastOffsetDelta,
  readMagic,
  readProducerId,
  readRecordCount,
  RECORDS_OFFSET,
} from "./batch_header.ts";
import { endOfBatch } from "./batch_split.ts";
import { decompress } from "./compression/codec.ts";
import { decompressInSteps } from "./compression/in_steps.ts";
import { type Pause, type Steps, withPauses } from "./compression/steps.ts";
import type { Crc32cArena } from "./crc32c.ts";
import { grouped, RecordError } from "./record_error.ts";
import { type RecordScan, scanRecords, scanRecordsInSteps } from "./record_scan.ts";

/** Limits of a produced batch. */
export interface ProducedLimits {
  /** Maximum batch size in bytes: `max.message.bytes` of the topic. */
  readonly maxBatchBytes: number;
  /** Whether zstd is allowed: since Produce version 7 (KIP-110). */
  readonly allowZstd: boolean;
}

/**
 * Checks that `bytes[start..end)`, the records field of one partition in a Produce request, is
 * exactly one batch with a header that a client may send. Touches 61 bytes and allocates nothing.
 *
 * Throws a {@linkcode RecordError}: `invalid` for a missing batch, a second batch, trailing bytes,
 * message sets of magic 0 and 1 (Apache Kafka also returns INVALID_RECORD since Produce version 3,
 * the oldest it supports), inconsistent counts and offsets, control batches, a base offset other
 * than 0, and a producer id without a sequence; `corrupt` for an impossible length or magic;
 * `too-large`; `unsupported-compression`.
 */
export function checkProducedHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: ProducedLimits,
): void {
  const batchEnd = endOfBatch(bytes, start, end);
  if (batchEnd === -1) {
    throw refused(
      end === start ? "it has no record batch" : "its record batch is longer than the field",
    );
  }
  if (readMagic(bytes, start) !== CURRENT_MAGIC) {
    throw refused(`its magic is ${readMagic(bytes, start)}, only ${CURRENT_MAGIC} is accepted`);
  }
  const attributes = readAttributes(bytes, start);
  const compression = compressionOf(attributes);
  if (compression === "zstd" && !limits.allowZstd) {
    throw new RecordError(
      "Cannot store produced records: zstd needs Produce version 7 or later",
      "unsupported-compression",
    );
  }
  if (batchEnd !== end) {
    throw refused(`${end - batchEnd} bytes follow the batch: only one batch is allowed`);
  }
  if (end - start > limits.maxBatchBytes) {
    throw new RecordError(
      `Cannot store produced records: the batch is ${grouped(end - start)} bytes, ` +
        `max.message.bytes is ${grouped(limits.maxBatchBytes)}`,
      "too-large",
    );
  }
  const baseOffset = readBaseOffset(bytes, start);
  if (baseOffset !== 0) throw refused(`its base offset is ${baseOffset}, a producer must send 0`);
  const count = readRecordCount(bytes, start);
  if (count <= 0) throw refused(`its record count is ${count}`);
  const lastOffsetDelta = readLastOffsetDelta(bytes, start);
  if (lastOffsetDelta !== count - 1) {
    throw refused(`its last offset delta is ${lastOffsetDelta} with ${count} records`);
  }
  if (isControl(attributes)) throw refused("clients may not write control records");
  if (readProducerId(bytes, start) > NONE && readBaseSequence(bytes, start) < 0) {
    throw refused(
      `its sequence is ${readBaseSequence(bytes, start)} although it has a producer id`,
    );
  }
}

/**
 * Checks the CRC-32C of the batch at `start`, whose size must be valid. Pass `arena` if `bytes` is
 * its memory: this is several times faster. Throws `corrupt`.
 */
export function checkBatchCrc(bytes: Uint8Array, start: number, arena?: Crc32cArena): void {
  const stored = readCrc(bytes, start);
  const computed = computeCrc(bytes, start, arena);
  if (stored !== computed) throw wrongCrc(stored, computed);
}

/** Like {@linkcode checkBatchCrc} for the batch at position 0 of `arena`, in steps. */
export function* checkBatchCrcInSteps(arena: Crc32cArena): Steps<void> {
  const computed = yield* computeCrcInSteps(arena);
  const stored = readCrc(arena.memory, 0);
  if (stored !== computed) throw wrongCrc(stored, computed);
}

/** Options of {@linkcode checkRecords}. */
export interface DeepCheckOptions {
  /**
   * Returns the host's codecs, required for gzip. Called for compressed batches only.
   */
  readonly codecs?: () => HostCodecs;
  /** Maximum decompressed size of the batch. */
  readonly maxDecompressedBytes: number;
}

/**
 * Checks every record of the batch `bytes[start..end)`: sizes, deltas and counts, and that no bytes
 * remain. A compressed batch is decompressed for this. Fills `scan`, whose timestamp deltas are
 * relative to the batch's base timestamp. Returns the decompressed records, or null if the batch is
 * not compressed. Throws a {@linkcode RecordError}: `invalid`, or `too-large` if more than
 * `maxDecompressedBytes` are produced.
 */
export function checkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: RecordScan,
  options: DeepCheckOptions,
): Uint8Array | null {
  const compression = compressionOf(readAttributes(bytes, start));
  const count = readRecordCount(bytes, start);
  if (compression === "none") {
    scanRecords(bytes, start + RECORDS_OFFSET, end, count, scan);
    return null;
  }
  const records = decompress(
    compression,
    bytes.subarray(start + RECORDS_OFFSET, end),
    options.maxDecompressedBytes,
    options.codecs?.(),
  );
  scanRecords(records, 0, records.length, count, scan);
  return records;
}

/**
 * Like {@linkcode checkRecords}, awaiting `pause` between two steps. `bytes` must not change
 * meanwhile.
 */
export async function checkRecordsInSteps(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: RecordScan,
  options: DeepCheckOptions,
  pause: Pause,
): Promise<Uint8Array | null> {
  const compression = compressionOf(readAttributes(bytes, start));
  const count = readRecordCount(bytes, start);
  if (compression === "none") {
    await withPauses(scanRecordsInSteps(bytes, start + RECORDS_OFFSET, end, count, scan), pause);
    return null;
  }
  const records = await decompressInSteps(
    compression,
    bytes.subarray(start + RECORDS_OFFSET, end),
    options.maxDecompressedBytes,
    options.codecs?.(),
    pause,
  );
  await withPauses(scanRecordsInSteps(records, 0, records.length, count, scan), pause);
  return records;
}

function refused(why: string): RecordError {
  return new RecordError(`Cannot store produced records: ${why}`, "invalid");
}
