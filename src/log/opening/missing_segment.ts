/**
 * Detection of segments that were durable and whose `.log` is missing, by the files that belong to
 * them.
 *
 * @module
 */
import { type Segment, segmentFileName } from "../segments/segment.ts";

/** What is known about a log before its segments are opened. */
export interface MissingSegmentInput {
  /** The names of the files in its directory. */
  readonly names: ReadonlySet<string>;
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number;
  readonly wasShutDownCleanly: boolean;
}

/**
 * The base offset of the newest segment when its `.index` exists without its `.log`, whose name was
 * durable before (`Segment.placeIndex`); otherwise -1. When the recovery point is below it, the segment
 * may have been truncated; when the log starts beyond it, the segment was deleted. After a clean
 * shutdown the recovery point is enough: it covers every record.
 */
export function missingSegment(
  { names, recoveryPoint, logStartOffset, wasShutDownCleanly }: MissingSegmentInput,
  segments: readonly Segment[],
): number {
  if (wasShutDownCleanly || recoveryPoint === undefined) return -1;
  let newest = -1;
  for (const name of names) {
    if (/^\d{20}\.index$/.test(name)) newest = Math.max(newest, Number(name.slice(0, 20)));
  }
  if (newest < logStartOffset || newest > recoveryPoint) return -1;
  return segments.some(({ baseOffset }) => baseOffset === newest) ? -1 : newest;
}

/**
 * The name of a file that belongs to a segment at `baseOffset`, of which there is no `.log`, or null.
 * Whatever deletes a segment deletes its other files too: compaction of this broker before the
 * replacement gives up its `.swap` name, Apache Kafka while a `.log.deleted` exists, at which the
 * deletion has been finished by now. So such a file shows that the `.log` was removed by other means.
 */
export function orphanOf(names: ReadonlySet<string>, baseOffset: number): string | null {
  const digits = segmentFileName(baseOffset).slice(0, -".log".length);
  return [".index", ".timeindex", ".txnindex", ".snapshot"]
    .map((suffix) => `${digits}${suffix}`).find((name) => names.has(name)) ?? null;
}
