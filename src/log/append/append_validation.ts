/**
 * The checks of batches on their way into a log, done in the memory they are written from: the batch
 * is copied there once, checksummed, looked through and patched, and nothing is allocated. Batches
 * that are too large for one turn of the event loop are left to `append_validation_in_steps.ts`.
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

/** What a client's batch is checked by. */
export interface ClientBatchRules {
  /** The topic's settings. */
  readonly config: LogConfig;
  /** Whether the version of the request knows zstd. */
  readonly allowZstd: boolean;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  /** The host's compressors, asked for when the first compressed batch comes. */
  readonly codecs: () => HostCodecs;
}

/** How large a batch may be that is checked at once. */
export interface AtOnceLimits {
  /** Bytes, as it comes and decompressed. */
  readonly bytes: number;
  /** The same for a batch that is compressed anew. */
  readonly recompressedBytes: number;
  readonly records: number;
}

/** Keeps a turn of the event loop short. */
export const SHORT_TURN: AtOnceLimits = {
  bytes: CHECKED_AT_ONCE_BYTES,
  recompressedBytes: RECOMPRESSED_AT_ONCE_BYTES,
  records: CHECKED_AT_ONCE_RECORDS,
};

/** Checks every batch at once. */
export const UNLIMITED: AtOnceLimits = {
  bytes: Infinity,
  recompressedBytes: Infinity,
  records: Infinity,
};

/**
 * Copies `records`, one partition's field of a Produce request, into the scratch memory and checks
 * all of it: exactly one batch that a client may send, its checksum, every record, the timestamps.
 * Compresses it as the topic wants it, sets its largest timestamp, and the append time where the topic
 * asks for it. Returns the memory, with the batch at 0: its size is in its header, and not that of
 * `records` where it was compressed anew. Returns null for a batch beyond `limits`, whatever it says
 * of itself. Throws a `RecordError`, or a `RejectedRecordsError` that names the records that the topic
 * does not accept.
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

/** Checks the header of a client's batch, which is all of `records`. Throws a `RecordError`. */
export function checkClientHeader(
  records: Uint8Array,
  { config, allowZstd }: ClientBatchRules,
): void {
  headerLimits.maxBatchBytes = config.maxMessageBytes;
  headerLimits.allowZstd = allowZstd;
  checkProducedHeader(records, 0, records.length, headerLimits);
}

/** How the batch at 0 of `bytes` is to be compressed anew, or null when it comes as the topic wants it. */
export function recompressionOf(
  bytes: Uint8Array,
  { recompression }: LogConfig,
): Recompression | null {
  if (recompression === null) return null;
  return compressionOf(readAttributes(bytes, 0)) === recompression.type ? null : recompression;
}

/**
 * Sets the timestamp that the topic wants in the header of the batch at 0 of `arena`: the append time
 * `nowMs`, or `newest`, the largest of its records.
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
 * Fills `bounds` for the batch whose header `bytes` begins with. Where the producer has set the type
 * LogAppendTime, the header's timestamp is that of every record.
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
 * Copies `records`, any number of batches that a coordinator or the metadata log made, into the
 * scratch memory and checks that each is whole and of format 2, with its checksum. `maxBatchBytes`
 * bounds each. Sets the append time where `appendTimeMs` is not null. Returns the memory, with the
 * first batch at 0. Throws a `RecordError`.
 */
export function takeInternalBatches(
  records: Uint8Array,
  maxBatchBytes: number,
  appendTimeMs: number | null,
): Crc32cArena {
  if (records.length === 0) throw new RecordError("there is no batch", "invalid");
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
 * Copies batches that a follower has fetched into the scratch memory and checks their headers and
 * checksums: all of `records` up to a batch that is cut off, as the last of a fetch may be, or that is
 * of a leader epoch above `leaderEpoch`. Returns the memory, with the first batch at 0, and the length
 * of the batches in it. Throws a `RecordError`.
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

/** Fills `batch` with what the header at `at` says of its producer, and returns whether it has one. */
export function readProducedBatch(bytes: Uint8Array, at: number, batch: ProducedBatch): boolean {
  batch.isTransactional = isTransactional(readAttributes(bytes, at));
  batch.producerId = readProducerId(bytes, at);
  batch.producerEpoch = readProducerEpoch(bytes, at);
  batch.baseSequence = readBaseSequence(bytes, at);
  batch.lastOffsetDelta = readLastOffsetDelta(bytes, at);
  return batch.producerId >= 0;
}

/** Whether the batch at `at` is one of control records. */
export function isControlBatch(bytes: Uint8Array, at: number): boolean {
  return isControl(readAttributes(bytes, at));
}

/** The largest timestamp in the appended bytes `[0, length)`: what `segment.ms` is measured by. */
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
