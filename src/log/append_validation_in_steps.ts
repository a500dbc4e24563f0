/**
 * The checks of a client's batch that is too large for one turn of the event loop, such as 4 KB that
 * become 100 MB: the same as those of `append_validation.ts`, with pauses, in memory of its own.
 *
 * @module
 */
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../limits.ts";
import type { Int64 } from "../protocol/int64.ts";
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
} from "../protocol/records/batch.ts";
import { copyInSteps, type Pause, withPauses } from "../protocol/records/compression/steps.ts";
import type { Crc32cArena } from "../protocol/records/crc32c.ts";
import { checkClientHeader, type ClientBatchRules, recompressionOf } from "./append_validation.ts";
import { mayRejectRecords, rejectRecords } from "./record_rules.ts";
import { returnArena, takeArena } from "./segments/scratch.ts";

/** A batch that may be stored. It has no append time yet: that is the time of its append. */
export interface CheckedBatch {
  /** Memory that begins with the batch, to be given back with `returnArena()`. */
  readonly arena: Crc32cArena;
  /** The largest timestamp of its records. */
  readonly newest: Int64;
}

/**
 * Checks a client's batch and compresses it as `takeClientBatch` does, awaiting `pause` between two
 * steps. `records` must not change meanwhile. Rejects as that throws, and as `pause` does.
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
