/**
 * Opening the segments of a log: their batches are walked by their headers, the index is built, and
 * a torn tail, what a crash left of the last write, is cut off. Damage anywhere else is never cut:
 * the log stays closed, and the error says where the damage is and what can be done.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  readBatchLength,
  readMaxTimestamp,
  RecordError,
  RECORDS_OFFSET,
} from "../protocol/records/batch.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { BatchScanner, WALK_WINDOW } from "./batch_scanner.ts";
import { baseOffsetOf, Segment, segmentFileName } from "./segment.ts";

/** What was found and mended when a log was opened. The broker logs it. */
export interface RecoveryReport {
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The file that was cut or removed. */
  readonly file: string;
  /** Where the log ends now. */
  readonly logEndOffset: number;
  /** How many bytes were cut off. */
  readonly bytesCut: number;
  /** Why, in words. */
  readonly reason: string;
}

/** How {@linkcode openSegments} goes about it. */
export interface RecoveryOptions {
  readonly files: FileSystem;
  /** The log's directory. */
  readonly directory: string;
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  readonly indexIntervalBytes: number;
  /** Segments that lie wholly before this offset were to be deleted, and are now. */
  readonly logStartOffset: number;
  /** Whether compaction may have left gaps between segments. */
  readonly allowGaps: boolean;
  /** Whether to check the checksums of the last segment: not needed after a clean shutdown. */
  readonly checkTail: boolean;
  /** Is shown each batch in order, to build further state. May throw a `RecordError` for a bad one. */
  readonly visit: (scanner: BatchScanner) => void;
  readonly report: (report: RecoveryReport) => void;
}

/**
 * The segments of a directory, oldest first, whole and indexed; none where there are no files.
 * Throws KAFKA_STORAGE_ERROR for damage that is not a torn tail, and a `FileError`.
 */
export function openSegments(options: RecoveryOptions): Segment[] {
  const { files, directory } = options;
  const baseOffsets = files.list(directory).map((entry) => baseOffsetOf(entry.name))
    .filter((offset) => offset >= 0).sort((a, b) => a - b);
  const segments = baseOffsets.map((baseOffset) => segmentAt(options, baseOffset));
  try {
    mend(segments, options);
  } finally {
    for (const segment of segments) segment.release();
  }
  return segments;
}

/** Indexes the segments, cuts the tail, and takes out those that are not needed. */
function mend(segments: Segment[], options: RecoveryOptions): void {
  const sizes = segments.map((segment) => segment.file.size());
  while (segments.length > 1 && segments[1]!.baseOffset <= options.logStartOffset) {
    sizes.shift();
    discard(options.files, segments.shift()!);
  }
  let tail = Math.max(0, sizes.findLastIndex((size) => size > 0));
  for (let i = 0; i < segments.length && i <= tail; i++) {
    const segment = segments[i]!;
    walk(segment, sizes[i]!, i === tail, options);
    while (i + 1 < tail && isSkipped(segment, segments, sizes, i + 1)) {
      sizes.splice(i + 1, 1);
      dropSkipped(segments.splice(i + 1, 1)[0]!, options);
      tail--;
    }
    if (i < tail) checkJoin(segment, segments[i + 1]!, options);
  }
  dropEmptySegments(segments, tail, options);
}

function segmentAt(options: RecoveryOptions, baseOffset: number): Segment {
  return new Segment(
    options.files,
    `${options.directory}/${segmentFileName(baseOffset)}`,
    baseOffset,
    options.nowMs,
    options.indexIntervalBytes,
  );
}

function discard(files: FileSystem, segment: Segment): void {
  segment.close();
  files.remove(segment.path);
}

function walk(segment: Segment, size: number, isTail: boolean, options: RecoveryOptions): void {
  const scanner = new BatchScanner(segment.file, 0, size, WALK_WINDOW);
  let problem: string | null = null;
  while (problem === null && scanner.next()) {
    problem = problemOf(scanner, segment, isTail && options.checkTail);
    if (problem !== null) break;
    try {
      const maxTimestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      options.visit(scanner);
      segment.addBatch(scanner.size, scanner.baseOffset, scanner.lastOffset, maxTimestamp);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      problem = error.message;
    }
  }
  problem ??= scanner.problem;
  if (problem === null) return;
  if (!isTail || isOldFormat(scanner, segment, size)) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot open ${options.name}: the batch at byte ${segment.size} of ${segment.path}, where ` +
        `offset ${segment.nextOffset} should begin, is damaged: ${problem}; bring the file back ` +
        `from a copy or another replica, or remove the partition's directory to lose its records`,
    );
  }
  segment.dropUnfinished();
  segment.isDirty = true;
  options.report({
    name: options.name,
    file: segment.path,
    logEndOffset: segment.nextOffset,
    bytesCut: size - segment.size,
    reason: problem,
  });
}

function problemOf(scanner: BatchScanner, segment: Segment, checkCrc: boolean): string | null {
  if (scanner.baseOffset < segment.nextOffset) {
    return `its base offset is ${scanner.baseOffset}, at least ${segment.nextOffset} is needed`;
  }
  if (scanner.lastOffset - segment.baseOffset > 2_147_483_647) {
    return `its last offset ${scanner.lastOffset} is too far from the file's first one`;
  }
  return checkCrc ? scanner.crcProblem() : null;
}

/** Data of a format before v2 at the very start of a file are no torn write of ours. */
function isOldFormat(scanner: BatchScanner, segment: Segment, size: number): boolean {
  if (segment.size > 0 || size < RECORDS_OFFSET) return false;
  const length = readBatchLength(scanner.bytes, 0);
  return scanner.bytes[16]! < 2 && length >= 14 && length + 12 <= size;
}

function checkJoin(segment: Segment, next: Segment, options: RecoveryOptions): void {
  const { nextOffset } = segment;
  if (next.baseOffset === nextOffset) return;
  if (next.baseOffset > nextOffset && options.allowGaps) return;
  throw new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot open ${options.name}: ${segment.path} ends at offset ${nextOffset}, the next segment ` +
      `begins at ${next.baseOffset}; bring the missing or damaged file back from a copy or ` +
      `another replica, or remove the partition's directory to lose its records`,
  );
}

/**
 * Whether segment `i` is empty and the one before it goes on where the next with data begins: a disk
 * that failed let its file be made, and what should have gone there went into the one before.
 */
function isSkipped(
  before: Segment,
  segments: readonly Segment[],
  sizes: readonly number[],
  i: number,
): boolean {
  if (sizes[i]! > 0) return false;
  const next = segments.find((_, other) => other > i && sizes[other]! > 0);
  return next?.baseOffset === before.nextOffset && segments[i]!.baseOffset < next.baseOffset;
}

function dropSkipped(segment: Segment, options: RecoveryOptions): void {
  discard(options.files, segment);
  options.report({
    name: options.name,
    file: segment.path,
    logEndOffset: segment.baseOffset,
    bytesCut: 0,
    reason: "it is empty, and the segment before it holds what should be there",
  });
}

/** Segments behind the last one with data: kept as the active one where it fits, dropped otherwise. */
function dropEmptySegments(segments: Segment[], tail: number, options: RecoveryOptions): void {
  const last = segments[tail];
  if (last === undefined) return;
  const behind = segments.splice(tail + 1);
  const active = behind.find((segment) =>
    segment.baseOffset === last.nextOffset ||
    (options.allowGaps && segment.baseOffset > last.nextOffset)
  );
  for (const segment of behind) {
    if (segment === active) {
      segments.push(segment);
      continue;
    }
    discard(options.files, segment);
    options.report({
      name: options.name,
      file: segment.path,
      logEndOffset: last.nextOffset,
      bytesCut: 0,
      reason: `it is empty and does not follow the log's end`,
    });
  }
}
