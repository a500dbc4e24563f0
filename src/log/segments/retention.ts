/**
 * Which segments of a log may go, by `retention.ms`, `retention.bytes` and the log's start offset.
 *
 * @module
 */
import type { LogConfig } from "../log_config.ts";
import type { Segment } from "./segment.ts";

/** The state of a log that {@linkcode countDeletable} looks at. */
export interface RetentionInput {
  /** Oldest first; the last one is active. */
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly logStartOffset: number;
  /** Records from here on are not yet on every replica in sync and stay. */
  readonly highWatermark: number;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/**
 * How many of the oldest segments may be deleted. The active one counts when it holds records and
 * has expired: it has to be rolled first.
 */
export function countDeletable(input: RetentionInput): number {
  const { segments, config, logStartOffset, highWatermark, nowMs } = input;
  let excess = config.delete && config.retentionBytes >= 0
    ? segments.reduce((sum, segment) => sum + segment.size, 0) - config.retentionBytes
    : -1;
  let count = 0;
  for (const segment of segments) {
    const next = segments[count + 1];
    if (segment.nextOffset > highWatermark || (next === undefined && segment.size === 0)) break;
    const isBeforeStart = next !== undefined && next.baseOffset <= logStartOffset;
    const isExcess = excess >= segment.size;
    const isExpired = config.delete && config.retentionMs >= 0 &&
      nowMs - newestMs(segment) > config.retentionMs;
    if (!isBeforeStart && !isExcess && !isExpired) break;
    excess -= segment.size;
    count++;
  }
  return count;
}

/** The age of a segment counts from its newest record, or where none has a timestamp, from when it was opened. */
function newestMs(segment: Segment): number {
  return segment.index.maxTimestamp >= 0 ? Number(segment.index.maxTimestamp) : segment.createdMs;
}
