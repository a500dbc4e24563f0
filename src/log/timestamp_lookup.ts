/**
 * Finding records by their timestamps, as ListOffsets asks: the index leads to the batch, the
 * batch's records are then looked at one by one.
 *
 * @module
 */
import { type Int64, maxInt64 } from "../protocol/int64.ts";
import {
  readLastOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readRecords,
} from "../protocol/records/batch.ts";
import type { HostCodecs } from "../runtime/runtime.ts";
import { BatchScanner, WALK_WINDOW } from "./batch_scanner.ts";
import type { Segment } from "./segment.ts";

/** A record found by its timestamp. */
export interface TimestampedOffset {
  readonly offset: number;
  /** ms since 1970. */
  readonly timestamp: Int64;
  /** The epoch of the leader that appended the record, or -1. */
  readonly leaderEpoch: number;
}

/**
 * The first record of a log from `startOffset` on whose timestamp is at least `timestampMs`, or null.
 * Throws as {@linkcode findByTimestamp}.
 */
export function firstFrom(
  segments: readonly Segment[],
  timestampMs: Int64,
  startOffset: number,
  codecs: HostCodecs,
): TimestampedOffset | null {
  for (const segment of segments) {
    const found = findByTimestamp(segment, timestampMs, startOffset, codecs);
    if (found !== null) return found;
  }
  return null;
}

/**
 * The record of a log from `startOffset` on that has the largest timestamp, the first of them where
 * several have it, or null. Throws as {@linkcode findByTimestamp}.
 */
export function newestRecord(
  segments: readonly Segment[],
  startOffset: number,
  codecs: HostCodecs,
): TimestampedOffset | null {
  let max: Int64 = -1;
  let holder: Segment | null = null;
  for (const segment of segments) {
    const timestamp = maxTimestampFrom(segment, startOffset);
    if (timestamp > max) {
      max = timestamp;
      holder = segment;
    }
  }
  return holder && findByTimestamp(holder, max, startOffset, codecs);
}

/**
 * The first record of `segment` from `startOffset` on whose timestamp is at least `timestampMs`, or
 * null. Throws a `FileError`, and a `RecordError` for a batch that cannot be read.
 */
export function findByTimestamp(
  segment: Segment,
  timestampMs: Int64,
  startOffset: number,
  codecs: HostCodecs,
): TimestampedOffset | null {
  if (segment.maxTimestamp < timestampMs || segment.nextOffset <= startOffset) return null;
  const known = segment.baseOffset + segment.index.offsetForTimestamp(timestampMs);
  const start = segment.locate(Math.max(known, startOffset));
  const scanner = new BatchScanner(segment.file, start, segment.size, WALK_WINDOW);
  while (scanner.next()) {
    if (readMaxTimestamp(scanner.bytes, scanner.at) < timestampMs || !scanner.loadWhole()) continue;
    for (const record of readRecords(scanner.bytes, scanner.at, { codecs })) {
      if (record.timestamp >= timestampMs && record.offset >= startOffset) {
        return {
          offset: record.offset,
          timestamp: record.timestamp,
          leaderEpoch: readPartitionLeaderEpoch(scanner.bytes, scanner.at),
        };
      }
    }
  }
  return null;
}

/**
 * The largest timestamp of the batches of `segment` that reach `startOffset`, or -1. The segment
 * knows it unless part of the segment lies before `startOffset`.
 */
export function maxTimestampFrom(segment: Segment, startOffset: number): Int64 {
  if (startOffset <= segment.baseOffset) return segment.maxTimestamp;
  const start = segment.locate(startOffset);
  if (start === 0) return segment.maxTimestamp;
  const scanner = new BatchScanner(segment.file, start, segment.size, WALK_WINDOW);
  let max: Int64 = -1;
  while (scanner.next()) {
    if (readLastOffset(scanner.bytes, scanner.at) < startOffset) continue;
    max = maxInt64(max, readMaxTimestamp(scanner.bytes, scanner.at));
  }
  return max;
}
