/**
 * Validation of batches before they are appended. A batch is copied once to the memory it is
 * written from, then verified and modified in place, without allocations. Batches that would block
 * the event loop for too long are left to `append_validation_in_steps.ts`.
 *
 * @module
 */
import {
  CHECKED_AT_ONCE_BYTES,
  CHECKED_AT_ONCE_RECORDS,
  MAX_DECOMPRESSED_BATCH_BYTES,
  RECOMPRESSED_AT_ONCE_BYTES,
} from "../../limits.ts";
import { type Int64, maxInt64 } from "../../protocol/int64.ts";
import {
  checkBatchCrc,
  checkProducedHeader,
  checkRecords,
  compressionOf,
  createRecordScan,
  createTimestampBounds,
  CURRENT_MAGIC,
  endOfBatch,
  headerProblem,
  isControl,
  isTransactional,
  readAttributes,
  readBaseSequence,
  readBaseTimestamp,
  readLastOffsetDelta,
  readMagic,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readProducerId,
  readRecordCount,
  readTimestampBounds,
  recompressBatch,
  type Recompression,
  RecordError,
  RECORDS_OFFSET,
  splitBatches,
  timestampTypeOf,
  writeMaxTimestamp,
} from "../../protocol/records/batch.ts";
import { atOnce } from "../../protocol/records/compression/steps.ts";
import type { Crc32cArena } from "../../protocol/records/crc32c.ts";
import type { HostCodecs } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import type { ProducedBatch } from "../producers/producer_state.ts";
import { mayRejectRecords, NO_TIMESTAMP, rejectRecords } from "./record_rules.ts";
import { scratch } from "../segments/scratch.ts";

const scan = createRecordScan();
const bounds = createTimestampBounds();
const headerLimits = { maxBatchBytes: 0, allowZstd: true };
const deep: { codecs?: () => HostCodecs; maxDecompressedBytes: number } = {
  maxDecompressedBytes: 0,
};

/** The input of the validation of a client's batch. */
export interface ClientBatchRules {
  /** The topic's settings. */
  readonly config: LogConfig;
  /** Whether the version of the request allows zstd. */
  readonly allowZstd: boolean;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  /** Returns the host's compression codecs. Called for the first compressed batch. */
  readonly codecs: () => HostCodecs;
}

/** The maximum size of a batch that is validated synchronously. */
export interface AtOnceLimits {
  /** The size of the batch as received and after decompression, bytes. */
  readonly bytes: number;
  /** The same for a batch that must be recompressed. */
  readonly recompressedBytes: number;
  readonly records: number;
}

/** Limits that keep a turn of the event loop short. */
export const SHORT_TURN: AtOnceLimits = {
  bytes: CHECKED_AT_ONCE_BYTES,
  recompressedBytes: RECOMPRESSED_AT_ONCE_BYTES,
  records: CHECKED_AT_ONCE_RECORDS,
};

/** Limits that allow every batch. */
export const UNLIMITED: AtOnceLimits = {
  bytes: Infinity,
  recompressedBytes: Infinity,
  records: Infinity,
};

/**
 * Copies `records`, one partition's field of a Produce request, to the scratch memory and validates
 * all of it: exactly one batch of a client, its checksum, every record, and the timestamps.
 * Recompresses it if the topic requires it, and sets its largest timestamp, or the append time if
 * configured. Returns the memory, which starts with the batch; after recompression, the size in its
 * header differs from that of `records`. Returns null for a batch beyond `limits`, regardless of
 * the sizes it declares. Throws a `RecordError`, or a `RejectedRecordsError` with the records that
 * the topic rejects.
 */
export function takeClientBatch(
  records: Uint8Array,
  rules: ClientBatchRules,
  limits: AtOnceLimits = UNLIMITED,
): Crc32cArena | null {
  const { config, nowMs } = rules;
  checkClientHeader(records, rules);
  const recompression = recompressionOf(records, config);
  const maxBytes = recompression === null ? limits.bytes : limits.recompressedBytes;
  if (records.length > maxBytes || readRecordCount(records, 0) > limits.records) return null;
  const arena = copyIn(records);
  const bytes = arena.memory;
  checkBatchCrc(bytes, 0, arena);
  deep.codecs = rules.codecs;
  deep.maxDecompressedBytes = Math.min(MAX_DECOMPRESSED_BATCH_BYTES, maxBytes);
  let payload: Uint8Array | null;
  try {
    payload = checkRecords(bytes, 0, records.length, scan, deep);
  } catch (error) {
    if (isTooLarge(error) && maxBytes < MAX_DECOMPRESSED_BATCH_BYTES) return null;
    throw error;
  }
  const start = payload === null ? RECORDS_OFFSET : 0;
  readBounds(bytes, payload ?? bytes, start);
  if (mayRejectRecords(bytes, scan, bounds, config, nowMs)) {
    const end = payload?.length ?? records.length;
    const rejection = atOnce(rejectRecords(bytes, payload ?? bytes, start, end, config, nowMs));
    if (rejection !== null) throw rejection;
  }
  stampClientBatch(arena, bounds.newest, config, nowMs);
  if (recompression !== null) {
    const unpacked = payload ?? bytes.subarray(RECORDS_OFFSET, records.length);
    recompressBatch(arena, unpacked, recompression, rules.codecs, config.maxMessageBytes);
  }
  return arena;
}

/** Checks the header of a client's batch, which must fill `records`. Throws a `RecordError`. */
export function checkClientHeader(
  records: Uint8Array,
  { config, allowZstd }: ClientBatchRules,
): void {
  headerLimits.maxBatchBytes = config.maxMessageBytes;
  headerLimits.allowZstd = allowZstd;
  checkProducedHeader(records, 0, records.length, headerLimits);
}

/**
 * Returns how to recompress the batch at the start of `bytes`, or null if it has the topic's
 * compression.
 */
export function recompressionOf(
  bytes: Uint8Array,
  { recompression }: LogConfig,
): Recompression | null {
  if (recompression === null) return null;
  return compressionOf(readAttributes(bytes, 0)) === recompression.type ? null : recompression;
}

/**
 * Sets the timestamp in the header of the batch at the start of `arena`, as the topic requires: the
 * append time `nowMs`, or `newest`, the largest timestamp of its records.
 */
export function stampClientBatch(
  arena: Crc32cArena,
  newest: Int64,
  config: LogConfig,
  nowMs: number,
): void {
  const type = config.messageTimestampType;
  const timestamp = type === "LogAppendTime" ? nowMs : maxInt64(newest, NO_TIMESTAMP);
  writeMaxTimestamp(arena.memory, 0, type, timestamp, arena);
}

/**
 * Sets `bounds` for the batch whose header is at the start of `bytes`. If the producer has set the
 * type LogAppendTime, the timestamp in the header applies to all records.
 */
function readBounds(bytes: Uint8Array, records: Uint8Array, start: number): void {
  if (timestampTypeOf(readAttributes(bytes, 0)) === "LogAppendTime") {
    bounds.oldest = bounds.newest = readMaxTimestamp(bytes, 0);
    return;
  }
  const count = readRecordCount(bytes, 0);
  readTimestampBounds(records, start, count, readBaseTimestamp(bytes, 0), scan, bounds);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RecordError && error.reason === "too-large";
}

/**
 * Copies `records`, one or more batches of a coordinator or the metadata log, to the scratch memory
 * and checks that each is complete, of format 2, at most `maxBatchBytes` large, and has a valid
 * checksum. Sets the append time unless `appendTimeMs` is null. Returns the memory, which starts
 * with the first batch. Throws a `RecordError`.
 */
export function takeInternalBatches(
  records: Uint8Array,
  maxBatchBytes: number,
  appendTimeMs: number | null,
): Crc32cArena {
  if (records.length === 0) throw new RecordError("it contains no batch", "invalid");
  const arena = copyIn(records);
  const bytes = arena.memory;
  for (const { start: at, end } of splitBatches(bytes.subarray(0, records.length))) {
    if (readMagic(bytes, at) !== CURRENT_MAGIC) {
      throw new RecordError(`the batch at byte ${at} has the magic ${bytes[at + 16]}`, "invalid");
    }
    if (end - at > maxBatchBytes) {
      throw new RecordError(
        `the batch is ${end - at} bytes, max.message.bytes is ${maxBatchBytes}`,
        "too-large",
      );
    }
    if (readLastOffsetDelta(bytes, at) < 0) {
      throw new RecordError(`the batch at byte ${at} has no offsets`, "invalid");
    }
    checkBatchCrc(bytes, at, arena);
    if (appendTimeMs !== null) writeMaxTimestamp(bytes, at, "LogAppendTime", appendTimeMs, arena);
  }
  return arena;
}

/**
 * Copies batches fetched by a follower to the scratch memory and checks their headers and
 * checksums: all of `records` up to an incomplete batch, which may be the last of a fetch, or a
 * batch of a leader epoch above `leaderEpoch`. Returns the memory, which starts with the first
 * batch, and the length of the batches. Throws a `RecordError`.
 */
export function takeFetchedBatches(
  records: Uint8Array,
  leaderEpoch: number,
): { readonly arena: Crc32cArena; readonly length: number } {
  const arena = copyIn(records);
  const bytes = arena.memory;
  let at = 0;
  while (at < records.length) {
    const end = endOfBatch(bytes, at, records.length);
    if (end === -1 && at > 0) break;
    const problem = end === -1
      ? `it is cut off after ${records.length} bytes`
      : headerProblem(bytes, at, end - at);
    if (problem !== null) {
      throw new RecordError(`the batch at byte ${at} is damaged: ${problem}`, "corrupt");
    }
    if (readPartitionLeaderEpoch(bytes, at) > leaderEpoch) break;
    checkBatchCrc(bytes, at, arena);
    at = end;
  }
  return { arena, length: at };
}

/**
 * Sets the producer fields of `batch` from the header at `at`. Returns whether it has a producer.
 */
export function readProducedBatch(bytes: Uint8Array, at: number, batch: ProducedBatch): boolean {
  batch.isTransactional = isTransactional(readAttributes(bytes, at));
  batch.producerId = readProducerId(bytes, at);
  batch.producerEpoch = readProducerEpoch(bytes, at);
  batch.baseSequence = readBaseSequence(bytes, at);
  batch.lastOffsetDelta = readLastOffsetDelta(bytes, at);
  return batch.producerId >= 0;
}

/** Returns whether the batch at `at` is a control batch. */
export function isControlBatch(bytes: Uint8Array, at: number): boolean {
  return isControl(readAttributes(bytes, at));
}

/**
 * Returns the largest timestamp in the appended bytes `[0, length)`, which determines when the
 * segment is rolled by `segment.ms`.
 */
export function newestTimestamp(bytes: Uint8Array, length: number): Int64 {
  let newest: Int64 = NO_TIMESTAMP;
  for (let at = 0; at < length; at = endOfBatch(bytes, at, length)) {
    newest = maxInt64(newest, readMaxTimestamp(bytes, at));
  }
  return newest;
}

function copyIn(records: Uint8Array): Crc32cArena {
  const arena = scratch(records.length);
  arena.memory.set(records, 0);
  return arena;
}
