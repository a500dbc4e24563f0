/**
 * Validation of a client's batch that would block the event loop for too long, such as 4 KB that
 * decompress to 100 MB. The checks are the same as in `append_validation.ts`, but with pauses and
 * in memory of their own.
 *
 * @module
 */
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../../limits.ts";
import type { Int64 } from "../../protocol/int64.ts";
import {
  checkBatchCrcInSteps,
  checkRecordsInSteps,
  createRecordScan,
  createTimestampBounds,
  readAttributes,
  readBaseTimestamp,
  readMaxTimestamp,
  readRecordCount,
  readTimestampBoundsInSteps,
  recompressBatchInSteps,
  RECORDS_OFFSET,
  timestampTypeOf,
} from "../../protocol/records/batch.ts";
import { copyInSteps, type Pause, withPauses } from "../../protocol/records/compression/steps.ts";
import type { Crc32cArena } from "../../protocol/records/crc32c.ts";
import { checkClientHeader, type ClientBatchRules, recompressionOf } from "./append_validation.ts";
import { mayRejectRecords, rejectRecords } from "./record_rules.ts";
import { returnArena, takeArena } from "../segments/scratch.ts";

/** A batch that may be stored. Its append time is set when it is appended. */
export interface CheckedBatch {
  /** An arena that starts with the batch. It must be returned with `returnArena()`. */
  readonly arena: Crc32cArena;
  /** The largest timestamp of its records. */
  readonly newest: Int64;
}

/**
 * Validates a client's batch and compresses it like `takeClientBatch`, but awaits `pause` between
 * steps. `records` must not change in the meantime. Rejects with the errors of `takeClientBatch`
 * and of `pause`.
 */
export async function checkClientBatchInSteps(
  records: Uint8Array,
  rules: ClientBatchRules,
  pause: Pause,
): Promise<CheckedBatch> {
  checkClientHeader(records, rules);
  const arena = takeArena(records.length);
  try {
    return await checkInArena(arena, records, rules, pause);
  } catch (error) {
    returnArena(arena);
    throw error;
  }
}

async function checkInArena(
  arena: Crc32cArena,
  records: Uint8Array,
  { config, nowMs, codecs }: ClientBatchRules,
  pause: Pause,
): Promise<CheckedBatch> {
  const bytes = arena.memory;
  await withPauses(copyInSteps(records, bytes, 0), pause);
  await withPauses(checkBatchCrcInSteps(arena), pause);
  const scan = createRecordScan();
  const payload = await checkRecordsInSteps(
    bytes,
    0,
    records.length,
    scan,
    { codecs, maxDecompressedBytes: MAX_DECOMPRESSED_BATCH_BYTES },
    pause,
  );
  const unpacked = payload ?? bytes.subarray(RECORDS_OFFSET, records.length);
  const bounds = createTimestampBounds();
  if (timestampTypeOf(readAttributes(bytes, 0)) === "LogAppendTime") {
    bounds.oldest = bounds.newest = readMaxTimestamp(bytes, 0);
  } else {
    const count = readRecordCount(bytes, 0);
    const base = readBaseTimestamp(bytes, 0);
    const steps = readTimestampBoundsInSteps(unpacked, 0, count, base, scan, bounds);
    await withPauses(steps, pause);
  }
  if (mayRejectRecords(bytes, scan, bounds, config, nowMs)) {
    const steps = rejectRecords(bytes, unpacked, 0, unpacked.length, config, nowMs);
    const rejection = await withPauses(steps, pause);
    if (rejection !== null) throw rejection;
  }
  const recompression = recompressionOf(bytes, config);
  if (recompression !== null) {
    const { maxMessageBytes } = config;
    await recompressBatchInSteps(arena, unpacked, recompression, codecs, maxMessageBytes, pause);
  }
  return { arena, newest: bounds.newest };
}
