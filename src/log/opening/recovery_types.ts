/**
 * The options and the reports of the recovery of a log's segments.
 *
 * @module
 */
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import type { BatchScanner } from "../segments/batch_scanner.ts";
import type { OpenSegments } from "../segments/open_segments.ts";
import type { Segment } from "../segments/segment.ts";

/** A repair that was made when a log was opened. The broker logs it. */
export interface RecoveryReport {
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The file that was truncated or removed. */
  readonly file: string;
  /** Where the log ends now. */
  readonly logEndOffset: number;
  /** The number of bytes that were cut off. */
  readonly bytesCut: number;
  /** Why, in words. */
  readonly reason: string;
}

/** The options of `openSegments`. */
export interface RecoveryOptions {
  readonly files: FileSystem;
  /** The log's directory. */
  readonly directory: string;
  /** The names of the files in it. */
  readonly names: ReadonlySet<string>;
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  readonly indexIntervalBytes: number;
  /** Counts open files. */
  readonly open: OpenSegments;
  /** Segments that lie wholly before this offset are deleted. */
  readonly logStartOffset: number;
  /**
   * Everything below this offset was durable. Undefined when that is not known: then all but the last
   * segment with records counts as durable.
   */
  readonly recoveryPoint: number | undefined;
  /**
   * The first offset of the log's leader epochs, 0 when there are none; undefined when their file is
   * missing.
   */
  readonly firstKnownOffset: number | undefined;
  /** Whether compaction may have left gaps between segments. */
  readonly allowGaps: boolean;
  /** Whether the process that wrote the log shut down cleanly: then no segment is read whole. */
  readonly wasShutDownCleanly: boolean;
  /** Called once if segments are read whole: `first` is the first of them, `before` are intact. */
  readonly beginWalk: (first: Segment, before: readonly Segment[]) => Steps<void>;
  /** Called with each batch that is read, in order. May throw a `RecordError` for a bad one. */
  readonly visit: (scanner: BatchScanner) => void;
  /** Called with each segment that was read to its end. */
  readonly endSegment: (segment: Segment) => void;
  readonly report: (report: RecoveryReport) => void;
}
