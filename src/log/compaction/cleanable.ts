/**
 * Determines which part of a log can be compacted now and how much of it is new, by Apache Kafka's
 * rules for choosing the log to compact next.
 *
 * @module
 */
import type { LogConfig } from "../log_config.ts";
import type { Segment } from "../segments/segment.ts";

/** The state of a log that decides about compaction. */
export interface CleanableInput {
  /** Oldest first; the last one is active. */
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** The offset up to which the log has been compacted, from `cleaner-offset-checkpoint`. */
  readonly cleanedOffset: number;
  /**
   * The last stable offset. Records of undecided transactions, at or above it, are not compacted.
   */
  readonly lastStableOffset: number;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/** The part of a log that can be compacted. */
export interface Cleanable {
  /** The first offset that has never been compacted. */
  readonly firstDirtyOffset: number;
  /** The end of the part: the base offset of the first segment that is not compacted now. */
  readonly endOffset: number;
  /** The size of the segments in the part that is not compacted yet, bytes. */
  readonly dirtyBytes: number;
  /** The share of new data in the log before `endOffset`, from 0 to 1. */
  readonly dirtyRatio: number;
  /** Whether `max.compaction.lag.ms` has elapsed for one of its records. */
  readonly isOverdue: boolean;
}

/** Returns what can be compacted, or null for nothing. */
export function findCleanable(input: CleanableInput): Cleanable | null {
  const { segments, config, logStartOffset, logEndOffset, cleanedOffset, nowMs } = input;
  const closed = segments.slice(0, -1);
  // Retention may have deleted beyond the checkpoint, and a log that lost its end may be behind it.
  const firstDirtyOffset = cleanedOffset < logStartOffset || cleanedOffset > logEndOffset
    ? logStartOffset
    : cleanedOffset;
  const firstDirty = closed.findIndex((_, i) => segments[i + 1]!.baseOffset > firstDirtyOffset);
  if (firstDirty === -1) return null;
  const firstLeft = closed.findIndex((segment, i) =>
    segments[i + 1]!.baseOffset > input.lastStableOffset ||
    (i >= firstDirty && config.minCompactionLagMs > 0 &&
      newestMs(segment) > nowMs - config.minCompactionLagMs)
  );
  const end = firstLeft === -1 ? closed.length : firstLeft;
  if (end <= firstDirty) return null;
  const dirtyBytes = sizeOf(closed, firstDirty, end);
  const totalBytes = sizeOf(closed, 0, end);
  if (dirtyBytes === 0) return null;
  return {
    firstDirtyOffset,
    endOffset: segments[end]!.baseOffset,
    dirtyBytes,
    dirtyRatio: dirtyBytes / totalBytes,
    isOverdue: closed.slice(firstDirty).some((segment) =>
      segment.firstTimestamp > 0 && segment.firstTimestamp < nowMs - config.maxCompactionLagMs
    ),
  };
}

/** Returns whether a log with this `cleanable` part should be compacted now. */
export function needsCleaning(cleanable: Cleanable, config: LogConfig): boolean {
  return cleanable.isOverdue || cleanable.dirtyRatio > config.minCleanableDirtyRatio;
}

/**
 * Divides the segments before `endOffset` into groups that are merged into one segment each. A
 * group is no larger than `segment.bytes`, and its offsets fit the relative offsets of one index.
 */
export function groupSegments(
  segments: readonly Segment[],
  endOffset: number,
  segmentBytes: number,
): Segment[][] {
  const groups: Segment[][] = [];
  let size = 0;
  for (const segment of segments) {
    if (segment.baseOffset >= endOffset) break;
    const group = groups.at(-1);
    const fits = group !== undefined && size + segment.size <= segmentBytes &&
      segment.nextOffset - 1 - group[0]!.baseOffset <= LARGEST_RELATIVE_OFFSET;
    if (fits) group.push(segment);
    else groups.push([segment]);
    size = fits ? size + segment.size : segment.size;
  }
  return groups;
}

const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

function sizeOf(segments: readonly Segment[], start: number, end: number): number {
  let size = 0;
  for (let i = start; i < end; i++) size += segments[i]!.size;
  return size;
}

/**
 * Returns the newest timestamp, or the creation time of a segment without timestamps, like
 * retention.
 */
function newestMs(segment: Segment): number {
  return segment.index.maxTimestamp >= 0 ? Number(segment.index.maxTimestamp) : segment.createdMs;
}
