/**
 * The smallest and largest timestamp of a batch. A record's timestamp is the batch's base timestamp
 * plus the record's delta, modulo 2^64.
 *
 * @module
 */
import { addInt64, type Int64, maxInt64 } from "../int64.ts";
import { atOnce, type Steps } from "./compression/steps.ts";
import type { RecordScan } from "./record_scan.ts";
import { VarintReader } from "./varint.ts";

/** Results of {@linkcode readTimestampBounds}. A caller reuses one object. */
export interface TimestampBounds {
  /** The smallest timestamp, ms since 1970. */
  oldest: Int64;
  /** The largest timestamp, ms since 1970. */
  newest: Int64;
}

/** Creates a {@linkcode TimestampBounds} for {@linkcode readTimestampBounds}. */
export function createTimestampBounds(): TimestampBounds {
  return { oldest: 0, newest: 0 };
}

/** The sum of a safe integer and a base up to this magnitude never wraps around. */
const LARGEST_BASE = 2n ** 63n - 2n ** 53n;
const SMALLEST_BASE = -LARGEST_BASE;

/** Maximum number of records per step. */
const RECORDS_PER_STEP = 4_096;

/**
 * Fills `bounds` for `count` records, at least one, beginning at `start` of `records`.
 * `scanRecords` must have accepted them and filled `scan`. Reads the records again only if the
 * extreme deltas are not sufficient: beyond 2^53, or with a base so large that a sum may wrap
 * around.
 */
export function readTimestampBounds(
  records: Uint8Array,
  start: number,
  count: number,
  base: Int64,
  scan: RecordScan,
  bounds: TimestampBounds,
): void {
  if (boundsFromScan(base, scan, bounds)) return;
  atOnce(boundsFromRecords(records, start, count, base, bounds));
}

/** Like {@linkcode readTimestampBounds}, in steps. */
export function* readTimestampBoundsInSteps(
  records: Uint8Array,
  start: number,
  count: number,
  base: Int64,
  scan: RecordScan,
  bounds: TimestampBounds,
): Steps<void> {
  if (boundsFromScan(base, scan, bounds)) return;
  yield* boundsFromRecords(records, start, count, base, bounds);
}

/** Fills `bounds` from the extreme deltas. Returns false if they are not sufficient. */
function boundsFromScan(base: Int64, scan: RecordScan, bounds: TimestampBounds): boolean {
  const { minTimestampDelta: min, maxTimestampDelta: max } = scan;
  const isExact = Number.isSafeInteger(min) && Number.isSafeInteger(max);
  if (!isExact || base > LARGEST_BASE || base < SMALLEST_BASE) return false;
  bounds.oldest = addInt64(base, min);
  bounds.newest = addInt64(base, max);
  return true;
}

function* boundsFromRecords(
  records: Uint8Array,
  start: number,
  count: number,
  base: Int64,
  bounds: TimestampBounds,
): Steps<void> {
  const reader = new VarintReader(records, start, records.length);
  for (let index = 0; index < count; index++) {
    if (index > 0 && index % RECORDS_PER_STEP === 0) yield;
    const size = reader.readVarint();
    const end = reader.position + size;
    reader.position++; // Attributes.
    const timestamp = addInt64(base, reader.readVarlong());
    bounds.newest = index === 0 ? timestamp : maxInt64(bounds.newest, timestamp);
    if (index === 0 || timestamp < bounds.oldest) bounds.oldest = timestamp;
    reader.position = end;
  }
}
