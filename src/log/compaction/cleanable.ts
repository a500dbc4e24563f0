/**
 * Which part of a log compaction may touch now, and how much of it is new: Apache Kafka's rules for
 * choosing the log that needs it most.
 *
 * @module
 */
import type { LogConfig } from "../log_config.ts";
import type { Segment } from "../segments/segment.ts";

/** The state of a log that is looked at. */
export interface CleanableInput {
  /** Oldest first; the last one is active. */
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** What comes before it has been compacted: `cleaner-offset-checkpoint`. */
  readonly cleanedOffset: number;
  /** Records from here on are not decided yet and stay: the last stable offset. */
  readonly lastStableOffset: number;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/** What could be compacted. */
export interface Cleanable {
  /** Where the part that was never compacted begins. */
  readonly firstDirtyOffset: number;
  /** Where it ends for now: the beginning of the first segment that is left alone. */
  readonly endOffset: number;
  /** Bytes of the segments that hold it. */
  readonly dirtyBytes: number;
  /** How much of the log up to `endOffset` is new, 0 to 1. */
  readonly dirtyRatio: number;
  /** Whether `max.compaction.lag.ms` has passed for a record of it. */
  readonly isOverdue: boolean;
}

/** What of a log can be compacted, or null for nothing. */
export function findCleanable(input: CleanableInput): Cleanable | null {
  const { segments, config, logStartOffset, logEndOffset, cleanedOffset, nowMs } = input;
  const closed = segments.slice(0, -1);
  // Deletion may have passed the checkpoint, and a log that lost its end may have fallen behind it.
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

/** Whether a log whose `cleanable` part this is should be compacted now. */
export function needsCleaning(cleanable: Cleanable, config: LogConfig): boolean {
  return cleanable.isOverdue || cleanable.dirtyRatio > config.minCleanableDirtyRatio;
}

/**
 * The segments before `endOffset` in groups that become one segment each: together no larger than
 * `segment.bytes`, and no further apart than a segment's offsets may be.
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

/** As retention counts: from the newest record, or from when the segment was opened. */
function newestMs(segment: Segment): number {
  return segment.index.maxTimestamp >= 0 ? Number(segment.index.maxTimestamp) : segment.createdMs;
}
