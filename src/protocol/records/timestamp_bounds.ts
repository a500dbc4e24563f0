/**
 * The oldest and the newest timestamp of a batch. A record's timestamp is the batch's base plus the
 * record's delta, modulo 2^64.
 *
 * @module
 */
import { addInt64, type Int64, maxInt64 } from "../int64.ts";
import { atOnce, type Steps } from "./compression/steps.ts";
import type { RecordScan } from "./record_scan.ts";
import { VarintReader } from "./varint.ts";

/** What {@linkcode readTimestampBounds} finds. A caller keeps one and reuses it. */
export interface TimestampBounds {
  /** The smallest timestamp, ms since 1970. */
  oldest: Int64;
  /** The largest timestamp, ms since 1970. */
  newest: Int64;
}

/** A {@linkcode TimestampBounds} to hand to {@linkcode readTimestampBounds}. */
export function createTimestampBounds(): TimestampBounds {
  return { oldest: 0, newest: 0 };
}

/** No sum of a safe integer and a base between these wraps around. */
const LARGEST_BASE = 2n ** 63n - 2n ** 53n;
const SMALLEST_BASE = -LARGEST_BASE;

/** How many records one step reads at most. */
const RECORDS_PER_STEP = 4_096;

/**
 * Fills `bounds` for `count` records, at least one, that begin at `start` of `records`. `scanRecords`
 * has accepted them and filled `scan`. The records are read again only if the extreme deltas do not
 * decide: beyond 2^53, or with a base so large that a sum may wrap around.
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

/** As {@linkcode readTimestampBounds}, in steps. */
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

/** Fills `bounds` by the extreme deltas, and returns whether they decide. */
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
    reader.position++; // The attributes.
    const timestamp = addInt64(base, reader.readVarlong());
    bounds.newest = index === 0 ? timestamp : maxInt64(bounds.newest, timestamp);
    if (index === 0 || timestamp < bounds.oldest) bounds.oldest = timestamp;
    reader.position = end;
  }
}
