/**
 * The checks of batches on their way into a log, done in the memory they are written from: the batch
 * is copied there once, checksummed, looked through and patched, and nothing is allocated.
 *
 * @module
 */
import { type Int64, maxInt64 } from "../protocol/int64.ts";
import {
  checkBatchCrc,
  checkProducedHeader,
  checkRecords,
  compressionOf,
  createRecordScan,
  createTimestampBounds,
  CURRENT_MAGIC,
  type DeepCheckOptions,
  endOfBatch,
  isControl,
  isTransactional,
  readAttributes,
  readBaseSequence,
  readBaseTimestamp,
  readBatchSize,
  readLastOffsetDelta,
  readMagic,
  readMaxTimestamp,
  readProducerEpoch,
  readProducerId,
  readRecordCount,
  readTimestampBounds,
  recompressBatch,
  RecordError,
  RECORDS_OFFSET,
  timestampTypeOf,
  writeMaxTimestamp,
} from "../protocol/records/batch.ts";
import { atOnce } from "../protocol/records/compression/steps.ts";
import type { Crc32cArena } from "../protocol/records/crc32c.ts";
import { grouped } from "../protocol/records/record_error.ts";
import type { LogConfig } from "./log_config.ts";
import type { ProducedBatch } from "./producer_state.ts";
import { mayRejectRecords, NO_TIMESTAMP, rejectRecords } from "./record_rules.ts";
import { scratch } from "./scratch.ts";

const scan = createRecordScan();
const bounds = createTimestampBounds();
const limits = { maxBatchBytes: 0, allowZstd: true };

/**
 * Copies `records`, one partition's field of a Produce request, into the scratch memory and checks
 * all of it: exactly one batch that a client may send, its checksum, every record, the timestamps.
 * Compresses it as the topic wants it, sets its largest timestamp, and the append time where the topic
 * asks for it. Returns the memory, with the batch at 0: its size is in its header, and not that of
 * `records` where it was compressed anew. Throws a `RecordError`, or a `RejectedRecordsError` that names
 * the records that the topic does not accept.
 */
export function takeClientBatch(
  records: Uint8Array,
  config: LogConfig,
  allowZstd: boolean,
  nowMs: number,
  deep: DeepCheckOptions,
): Crc32cArena {
  limits.maxBatchBytes = config.maxMessageBytes;
  limits.allowZstd = allowZstd;
  checkProducedHeader(records, 0, records.length, limits);
  const arena = copyIn(records);
  const bytes = arena.memory;
  checkBatchCrc(bytes, 0, arena);
  const payload = checkRecords(bytes, 0, records.length, scan, deep);
  const start = payload === null ? RECORDS_OFFSET : 0;
  readBounds(bytes, payload ?? bytes, start);
  if (mayRejectRecords(bytes, scan, bounds, config, nowMs)) {
    const end = payload?.length ?? records.length;
    const rejection = atOnce(
      rejectRecords(bytes, payload ?? bytes, start, end, config, nowMs),
    );
    if (rejection !== null) throw rejection;
  }
  if (config.messageTimestampType === "LogAppendTime") {
    writeMaxTimestamp(bytes, 0, "LogAppendTime", nowMs, arena);
  } else {
    writeMaxTimestamp(bytes, 0, "CreateTime", maxInt64(bounds.newest, NO_TIMESTAMP), arena);
  }
  if (config.recompression !== null) recompress(arena, payload, config, deep);
  return arena;
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

/** Compresses the checked batch as the topic wants it, unless it comes so. */
function recompress(
  arena: Crc32cArena,
  payload: Uint8Array | null,
  { recompression, maxMessageBytes }: LogConfig,
  { codecs }: DeepCheckOptions,
): void {
  const bytes = arena.memory;
  if (recompression === null || compressionOf(readAttributes(bytes, 0)) === recompression.type) {
    return;
  }
  const records = payload ?? bytes.subarray(RECORDS_OFFSET, readBatchSize(bytes, 0));
  const size = recompressBatch(arena, records, recompression, codecs);
  if (size > maxMessageBytes) {
    throw new RecordError(
      `the batch is ${grouped(size)} bytes once compressed with ${recompression.type}, ` +
        `max.message.bytes is ${grouped(maxMessageBytes)}`,
      "too-large",
    );
  }
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
  for (let at = 0; at < records.length;) {
    const end = endOfBatch(bytes, at, records.length);
    if (end === -1) throw new RecordError(`the batch at byte ${at} is cut off`, "corrupt");
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
    at = end;
  }
  return arena;
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
