/**
 * Lookup of records by timestamp, for ListOffsets: the index leads to the batch, whose records are
 * then searched.
 *
 * @module
 */
import { CHECKED_AT_ONCE_BYTES, CHECKED_AT_ONCE_RECORDS } from "../../limits.ts";
import { addInt64, type Int64, maxInt64 } from "../../protocol/int64.ts";
import {
  checkBatchCrc,
  compressionOf,
  readAttributes,
  readBaseOffset,
  readBaseTimestamp,
  readBatchSize,
  readLastOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readRecordCount,
  RecordError,
  RECORDS_OFFSET,
  timestampTypeOf,
} from "../../protocol/records/batch.ts";
import { decompress } from "../../protocol/records/compression/codec.ts";
import { decompressInSteps } from "../../protocol/records/compression/in_steps.ts";
import {
  atOnce,
  type Pause,
  type Steps,
  withPauses,
} from "../../protocol/records/compression/steps.ts";
import type { HostCodecs } from "../../runtime/runtime.ts";
import { BatchScanner, WALK_WINDOW } from "./batch_scanner.ts";
import { RECORDS_AT_ONCE, RecordWalk } from "../compaction/record_walk.ts";
import type { Segment } from "./segment.ts";

/** The maximum decompressed size of a stored batch, bytes. */
const MAX_DECOMPRESSED_BYTES = 268_435_456;

/** A record found by its timestamp. */
export interface TimestampedOffset {
  readonly offset: number;
  /** In ms since 1970. */
  readonly timestamp: Int64;
  /** The epoch of the leader that appended the record, or -1. */
  readonly leaderEpoch: number;
}

/** The record to find. */
export interface TimestampQuery {
  /**
   * The smallest timestamp, ms since 1970, to find the first record that has it or a larger one; or
   * "newest" to find the first record with the largest timestamp.
   */
  readonly timestampMs: Int64 | "newest";
  /** The host's compression codecs. */
  readonly codecs: HostCodecs;
  /** Records before this offset are ignored. Defaults to the log start offset. */
  readonly startOffset?: number;
  /**
   * Whether a batch that would take long to search is returned as a {@linkcode LargeBatch} instead
   * of being searched. Defaults to false.
   */
  readonly leavesLarge?: boolean;
}

/** A query with a known timestamp and start. */
interface Search extends TimestampQuery {
  readonly timestampMs: Int64;
  readonly startOffset: number;
}

/**
 * Returns the record at or after `logStartOffset` that matches `query`, or null. Throws a
 * `FileError`, and a `RecordError` for a batch that cannot be read.
 */
export function lookUpTimestamp(
  segments: readonly Segment[],
  query: TimestampQuery,
  logStartOffset: number,
): TimestampedOffset | LargeBatch | null {
  const startOffset = Math.max(query.startOffset ?? 0, logStartOffset);
  const timestampMs = query.timestampMs === "newest"
    ? newestFrom(segments, startOffset)
    : query.timestampMs;
  if (timestampMs === null) return null;
  const search: Search = { ...query, timestampMs, startOffset };
  for (const segment of segments) {
    const found = findInSegment(segment, search);
    if (found !== null) return found;
  }
  return null;
}

/** Returns the largest timestamp of the records from `startOffset` on, or null without records. */
function newestFrom(segments: readonly Segment[], startOffset: number): Int64 | null {
  let max: Int64 = -1;
  for (const segment of segments) max = maxInt64(max, maxTimestampFrom(segment, startOffset));
  return max === -1 ? null : max;
}

function findInSegment(segment: Segment, search: Search): TimestampedOffset | LargeBatch | null {
  const { timestampMs, startOffset } = search;
  if (segment.index.maxTimestamp < timestampMs || segment.nextOffset <= startOffset) return null;
  const known = segment.index.offsetForTimestamp(timestampMs);
  const start = segment.index.locate(Math.max(known, startOffset));
  const scanner = new BatchScanner(segment.file, start, segment.size, WALK_WINDOW);
  while (scanner.next()) {
    if (readMaxTimestamp(scanner.bytes, scanner.at) < timestampMs || !scanner.loadWhole()) continue;
    const { at, size } = scanner;
    const found = findInBatch(scanner.bytes.subarray(at, at + size), search);
    if (found !== null) return found;
  }
  return null;
}

/** Searches the batch `bytes`, or returns a copy of it if the search would take long. */
function findInBatch(bytes: Uint8Array, search: Search): TimestampedOffset | LargeBatch | null {
  // Compaction leaves batches without records; their payload is empty despite the compression flag.
  if (readRecordCount(bytes, 0) === 0) return null;
  const { codecs, leavesLarge } = search;
  const isLarge = leavesLarge === true &&
    (bytes.length > CHECKED_AT_ONCE_BYTES || readRecordCount(bytes, 0) > CHECKED_AT_ONCE_RECORDS);
  if (isLarge) return new LargeBatch(bytes.slice(), search);
  const maxBytes = leavesLarge === true ? CHECKED_AT_ONCE_BYTES : MAX_DECOMPRESSED_BYTES;
  checkBatchCrc(bytes, 0);
  try {
    const type = compressionOf(readAttributes(bytes, 0));
    const records = decompress(type, bytes.subarray(RECORDS_OFFSET), maxBytes, codecs);
    return atOnce(findRecord(bytes, records, search));
  } catch (error) {
    if (leavesLarge && error instanceof RecordError && error.reason === "too-large") {
      return new LargeBatch(bytes.slice(), search);
    }
    throw error;
  }
}

/** A batch that may hold the record, and whose search would block the event loop for too long. */
export class LargeBatch {
  readonly #bytes: Uint8Array;
  readonly #search: Search;

  /** Creates a batch of `bytes`, which must not be shared. */
  constructor(bytes: Uint8Array, search: Search) {
    this.#bytes = bytes;
    this.#search = search;
  }

  /** The query that continues the search if the record is not in this batch. */
  get next(): TimestampQuery {
    return { ...this.#search, startOffset: readLastOffset(this.#bytes, 0) + 1 };
  }

  /**
   * Returns the record, or null. Awaits `pause` between two steps. Rejects with a `RecordError`.
   */
  async find(pause: Pause): Promise<TimestampedOffset | null> {
    const bytes = this.#bytes;
    checkBatchCrc(bytes, 0);
    const records = await decompressInSteps(
      compressionOf(readAttributes(bytes, 0)),
      bytes.subarray(RECORDS_OFFSET, readBatchSize(bytes, 0)),
      MAX_DECOMPRESSED_BYTES,
      this.#search.codecs,
      pause,
    );
    return await withPauses(findRecord(bytes, records, this.#search), pause);
  }
}

/** Finds the first matching record of the batch `bytes` with the decompressed `records`. */
function* findRecord(
  bytes: Uint8Array,
  records: Uint8Array,
  { timestampMs, startOffset }: Search,
): Steps<TimestampedOffset | null> {
  const isStamped = timestampTypeOf(readAttributes(bytes, 0)) === "LogAppendTime";
  const stamp = readMaxTimestamp(bytes, 0);
  const baseOffset = readBaseOffset(bytes, 0);
  const baseTimestamp = readBaseTimestamp(bytes, 0);
  const walk = new RecordWalk();
  walk.begin(records, 0, records.length, readRecordCount(bytes, 0));
  for (let seen = 1; walk.next(); seen++) {
    if (seen % RECORDS_AT_ONCE === 0) yield;
    const offset = baseOffset + walk.offsetDelta;
    const timestamp = isStamped ? stamp : addInt64(baseTimestamp, walk.timestampDelta);
    if (timestamp < timestampMs || offset < startOffset) continue;
    return { offset, timestamp, leaderEpoch: readPartitionLeaderEpoch(bytes, 0) };
  }
  return null;
}

/**
 * Returns the largest timestamp of the batches of `segment` that reach `startOffset`, or -1. It is
 * only computed if part of the segment is before `startOffset`.
 */
export function maxTimestampFrom(segment: Segment, startOffset: number): Int64 {
  if (startOffset <= segment.baseOffset) return segment.index.maxTimestamp;
  const start = segment.index.locate(startOffset);
  if (start === 0) return segment.index.maxTimestamp;
  const scanner = new BatchScanner(segment.file, start, segment.size, WALK_WINDOW);
  let max: Int64 = -1;
  while (scanner.next()) {
    if (readLastOffset(scanner.bytes, scanner.at) < startOffset) continue;
    max = maxInt64(max, readMaxTimestamp(scanner.bytes, scanner.at));
  }
  return max;
}
