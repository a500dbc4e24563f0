/**
 * Decides which segments of a log can be deleted, by `retention.ms`, `retention.bytes` and the log
 * start offset.
 *
 * @module
 */
import type { LogConfig } from "../log_config.ts";
import type { Segment } from "./segment.ts";

/** The state of a log for {@linkcode countDeletable}. */
export interface RetentionInput {
  /** Oldest first; the last one is active. */
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly logStartOffset: number;
  /** Records at or above it are not replicated to all in-sync replicas yet, and are kept. */
  readonly highWatermark: number;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/**
 * Returns how many of the oldest segments can be deleted. The active segment is included if it
 * holds records and has expired; it must be rolled first.
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

/** Returns the newest timestamp, or the creation time of a segment without timestamps. */
function newestMs(segment: Segment): number {
  return segment.index.maxTimestamp >= 0 ? Number(segment.index.maxTimestamp) : segment.createdMs;
}
