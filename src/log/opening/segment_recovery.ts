/**
 * Recovery of the segments of a log. Everything below the recovery point was durable: there only the
 * ends of the segments are checked. After an unclean shutdown everything from there on is read, with
 * its checksums: a torn tail, left by a crash during the last writes, is truncated, and everything
 * behind it is removed. Damage below the recovery point is never truncated: the log stays closed, and
 * the error says where the damage is and what can be done.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  RecordError,
} from "../../protocol/records/batch.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { SWAP_SUFFIX } from "../compaction/swap_files.ts";
import { LEADER_EPOCH_CHECKPOINT } from "../leader_epochs.ts";
import { BatchScanner, WALK_WINDOW } from "../segments/batch_scanner.ts";
import { baseOffsetOf, Segment, segmentFileName } from "../segments/segment.ts";
import { missingSegment, orphanOf } from "./missing_segment.ts";
import type { RecoveryOptions } from "./recovery_types.ts";
import { isOldFormat, isUnbroken, offsetProblem, readEnd } from "./segment_check.ts";

const BRING_BACK = "bring the file back from a copy or another replica";
const REMEDY = `${BRING_BACK}, or remove the partition's directory to lose its records`;

/**
 * Returns the segments of a directory, oldest first, whole; none when it has no segment files. Throws
 * KAFKA_STORAGE_ERROR for damage below the recovery point, and a `FileError`.
 */
export function* openSegments(options: RecoveryOptions): Steps<Segment[]> {
  const baseOffsets = [...options.names]
    .map((name) => baseOffsetOf(name.endsWith(SWAP_SUFFIX) ? name.slice(0, -5) : name))
    .filter((offset) => offset >= 0).sort((one, other) => one - other);
  const segments = baseOffsets.map((offset) => segmentAt(options, offset));
  return yield* new Recovery(options, segments).run();
}

function segmentAt(options: RecoveryOptions, baseOffset: number): Segment {
  const swap = segmentFileName(baseOffset) + SWAP_SUFFIX;
  const name = options.names.has(swap) ? swap : segmentFileName(baseOffset);
  return new Segment(
    options.files,
    `${options.directory}/${name}`,
    baseOffset,
    options.nowMs,
    options.indexIntervalBytes,
    {
      open: options.open,
      hasTransactionIndex: options.names.has(name.replace(".log", ".txnindex")),
      // Otherwise the last process may not have synced the directory after it made the file.
      hasDurableName: options.wasShutDownCleanly && name === segmentFileName(baseOffset),
    },
  );
}

/** The recovery of one log. */
class Recovery {
  readonly #options: RecoveryOptions;
  /** Segments that have been checked and are kept. */
  readonly #kept: Segment[] = [];
  /** Segments that have not been checked yet. */
  readonly #left: Segment[];
  readonly #sizes = new Map<Segment, number>();
  /** Whether the following records may be missing: during the walk, and behind a cut. */
  #isOpenEnded = false;
  /** The newest leader epoch of the batches that were read. */
  #latestEpoch = -1;
  /** Whether the segment read last lacks offsets, as only compaction leaves it. */
  #hasGaps = false;
  /** The base offset of a segment that was durable and is missing, or -1. */
  readonly #missing: number;

  constructor(options: RecoveryOptions, segments: Segment[]) {
    this.#options = options;
    this.#left = segments;
    this.#missing = missingSegment(options, segments);
  }

  *run(): Steps<Segment[]> {
    const segments = [...this.#left];
    try {
      this.#dropDeleted();
      this.#checkBeginning();
      for (const segment of this.#left) this.#measure(segment);
      const safeOffset = this.#safeOffset();
      const walkFrom = this.#options.wasShutDownCleanly ? Infinity : this.#walkFrom(safeOffset);
      while (this.#left.length > 0) {
        const segment = this.#left.shift()!;
        if (!this.#follows(segment, safeOffset)) continue;
        if (segment.baseOffset < walkFrom) {
          const isWhole = yield* this.#check(segment, safeOffset);
          if (!isWhole) yield* this.#walk(segment, safeOffset, false);
        } else {
          if (!this.#isOpenEnded) yield* this.#beginWalk(segment);
          yield* this.#walk(segment, safeOffset, true);
        }
        this.#kept.push(segment);
      }
      yield* this.#checkEnd();
      return this.#kept;
    } finally {
      for (const segment of segments) segment.closeFile();
    }
  }

  *#beginWalk(first: Segment): Steps<void> {
    yield* this.#options.beginWalk(first, this.#kept);
    this.#isOpenEnded = true;
    // The truncation that made it end here may not be durable.
    const before = this.#kept.at(-1);
    if (before !== undefined) before.isDirty = true;
  }

  #measure(segment: Segment): void {
    this.#sizes.set(segment, segment.file.size());
    segment.closeFile();
  }

  #sizeOf(segment: Segment): number {
    return this.#sizes.get(segment)!;
  }

  #dropDeleted(): void {
    const left = this.#left;
    while (left.length > 1 && left[1]!.baseOffset <= this.#options.logStartOffset) {
      discard(left.shift()!);
    }
  }

  /**
   * A power failure may have lost the name of the first segment and kept that of a later one: then
   * nothing of the log is left. When the first segment was durable, it was removed by other means: no
   * segment is deleted before the start of the log is durable.
   */
  #checkBeginning(): void {
    const { recoveryPoint, logStartOffset, firstKnownOffset, directory } = this.#options;
    const [first] = this.#left;
    if (recoveryPoint === undefined || this.#options.wasShutDownCleanly) return;
    if (first === undefined && this.#missing >= 0) throw this.#missed();
    const begin = Math.max(logStartOffset, firstKnownOffset ?? 0);
    if (first === undefined || first.baseOffset <= begin) return;
    if (recoveryPoint > logStartOffset || this.#missing >= 0) {
      // Without the leader epochs' file, go on with the records that exist.
      if (firstKnownOffset === undefined) return;
      throw this.#refusal(
        `its records begin at offset ${begin}, and its first segment is ${first.path}`,
        `bring what is missing in ${directory} back from a copy or another replica, or remove ` +
          `${LEADER_EPOCH_CHECKPOINT} there to go on without those records`,
      );
    }
    for (const segment of this.#left.splice(0)) {
      this.#measure(segment);
      this.#drop(segment, "the segments before it are lost");
    }
  }

  /** Nothing below this offset may be cut. */
  #safeOffset(): number {
    const { recoveryPoint } = this.#options;
    if (recoveryPoint !== undefined) return recoveryPoint;
    const last = this.#left.findLast((segment) => this.#sizeOf(segment) > 0) ?? this.#left[0];
    return last?.baseOffset ?? 0;
  }

  /** The base offset of the first segment to read whole: the one that holds `safeOffset`. */
  #walkFrom(safeOffset: number): number {
    const holder = this.#left.findLast(({ baseOffset }) => baseOffset <= safeOffset);
    return (holder ?? this.#left[0])?.baseOffset ?? 0;
  }

  /**
   * Whether the segment continues where the one before it ended. Otherwise it is removed, as those
   * after it will be, unless the log ended below `safeOffset`.
   */
  #follows(segment: Segment, safeOffset: number): boolean {
    const before = this.#kept.at(-1);
    if (before === undefined || segment.baseOffset === before.nextOffset) return true;
    if (this.#isDeleted(before, segment)) return false;
    const limit = this.#isOpenEnded ? safeOffset : Infinity;
    // Above the recovery point, compaction is not the only reason for missing records: a segment is
    // flushed before it is compacted.
    const mayHaveGap = this.#options.allowGaps &&
      (segment.baseOffset <= limit || this.#hasGaps);
    if (segment.baseOffset > before.nextOffset && mayHaveGap) {
      this.#checkGap(before.nextOffset);
      return true;
    }
    const isEmpty = this.#sizeOf(segment) === 0;
    if (isEmpty && segment.baseOffset < before.nextOffset) {
      this.#drop(segment, "it is empty, and the segment before it holds what should be there");
      return false;
    }
    if (segment.baseOffset < before.nextOffset && segment.baseOffset >= safeOffset) {
      if (this.#truncateAgain(before, segment.baseOffset)) return true;
    }
    if (before.nextOffset < limit) {
      throw this.#refusal(
        `${before.path} ends at offset ${before.nextOffset}, the next segment begins at ` +
          `${segment.baseOffset}`,
      );
    }
    if (before.nextOffset === this.#missing) throw this.#missed();
    this.#drop(segment, `it does not follow the log's end, ${before.nextOffset}`);
    return false;
  }

  /**
   * Returns whether everything up to `before` had been deleted, and a power failure undid the
   * removal except for the file between it and `segment`. In that case the log starts with
   * `segment`, if anywhere.
   */
  #isDeleted(before: Segment, segment: Segment): boolean {
    const { logStartOffset, wasShutDownCleanly } = this.#options;
    if (wasShutDownCleanly || before.nextOffset >= segment.baseOffset) return false;
    // A segment at the log start is the first: a power failure has lost its records.
    if (before.baseOffset >= logStartOffset) return false;
    if (before.nextOffset > logStartOffset || segment.baseOffset <= logStartOffset) return false;
    for (const deleted of this.#kept.splice(0)) discard(deleted);
    this.#left.unshift(segment);
    this.#checkBeginning();
    return true;
  }

  /**
   * Throws when a file shows that the gap from `offset` to the next segment was not left by
   * compaction.
   */
  #checkGap(offset: number): void {
    const { names, directory } = this.#options;
    const orphan = orphanOf(names, offset);
    if (orphan === null) return;
    throw this.#refusal(
      `the segment ${directory}/${segmentFileName(offset)} is missing, and ${orphan} belongs to it`,
      `${BRING_BACK}, or remove the other files of that number to go on without its records`,
    );
  }

  /**
   * Repeats the truncation of `segment` at `offset`: it was lost, but what was appended after it
   * was not. Returns false if no batch ends there. A segment that was read as a whole needs no such
   * repair.
   */
  #truncateAgain(segment: Segment, offset: number): boolean {
    if (this.#isOpenEnded || this.#options.wasShutDownCleanly) return false;
    const size = segment.size;
    segment.truncate(segment.index.locate(offset));
    segment.isDirty = true;
    this.#report(segment, segment.nextOffset, size - segment.size, "its truncation was lost");
    return segment.nextOffset === offset;
  }

  /**
   * Checks the end of a segment that is not read as a whole: the batches after its last index entry
   * must lead to its end. Returns false if they do not, or if the index does not match.
   */
  *#check(segment: Segment, safeOffset: number): Steps<boolean> {
    const size = this.#sizeOf(segment);
    const { names, files, indexIntervalBytes } = this.#options;
    const name = segmentFileName(segment.baseOffset);
    const hasIndexFiles = names.has(name.replace(/\.log$/, ".index")) &&
      names.has(name.replace(/\.log$/, ".timeindex"));
    if (size === 0) {
      yield* segment.adopt(0, segment.baseOffset, hasIndexFiles);
      return true;
    }
    const end = yield* readEnd(files, segment, size, hasIndexFiles, indexIntervalBytes);
    if (end === null || !this.#isJoined(end.nextOffset, safeOffset)) return false;
    yield* segment.adopt(size, end.nextOffset, end.isIndexed);
    return true;
  }

  /** Returns whether a segment that ends at `nextOffset` reaches the next one, or the known end. */
  #isJoined(nextOffset: number, safeOffset: number): boolean {
    const next = this.#left[0];
    if (next === undefined) return nextOffset >= safeOffset;
    return next.baseOffset === nextOffset ||
      (next.baseOffset > nextOffset && this.#options.allowGaps);
  }

  /** Reads all batches of the segment, with their checksums. `isFull`: above the recovery point. */
  *#walk(segment: Segment, safeOffset: number, isFull: boolean): Steps<void> {
    const size = this.#sizeOf(segment);
    const scanner = new BatchScanner(segment.reader, 0, size, WALK_WINDOW);
    let problem: string | null = null;
    this.#hasGaps = false;
    while (problem === null && scanner.next()) {
      problem = offsetProblem(scanner, segment, segment.nextOffset) ??
        scanner.crcProblem() ?? (isFull ? this.#epochProblem(scanner) : null);
      if (problem !== null) break;
      if (scanner.baseOffset > segment.nextOffset) this.#hasGaps = true;
      try {
        const maxTimestamp = readMaxTimestamp(scanner.bytes, scanner.at);
        if (isFull) this.#options.visit(scanner);
        segment.addBatch(scanner.size, scanner.baseOffset, scanner.lastOffset, maxTimestamp);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        problem = error.message;
      }
      if (problem === null && scanner.mayPause) yield;
    }
    problem ??= scanner.problem;
    // These batches may not be durable.
    if (isFull) segment.isDirty = size > 0;
    if (problem !== null) this.#cut(segment, size, problem, scanner, safeOffset);
    segment.index.trim();
    if (isFull) this.#options.endSegment(segment);
  }

  /**
   * Batches of a leader never follow those of a later one. If they do, a truncation was lost, and
   * the removed batches are back, after those that replaced them.
   */
  #epochProblem(scanner: BatchScanner): string | null {
    const epoch = readPartitionLeaderEpoch(scanner.bytes, scanner.at);
    if (epoch >= 0 && epoch < this.#latestEpoch) {
      return `it is of the leader epoch ${epoch}, batches of ${this.#latestEpoch} come before it`;
    }
    this.#latestEpoch = epoch;
    return null;
  }

  #cut(
    segment: Segment,
    size: number,
    problem: string,
    scanner: BatchScanner,
    safeOffset: number,
  ): void {
    const isTail = this.#left.every((next) => this.#sizeOf(next) === 0);
    const isWalk = !this.#options.wasShutDownCleanly && this.#isOpenEnded;
    if (
      this.#options.wasShutDownCleanly || segment.nextOffset < safeOffset || !(isTail || isWalk) ||
      isOldFormat(scanner, segment, size)
    ) {
      throw this.#refusal(
        `the batch at byte ${segment.size} of ${segment.path}, where offset ` +
          `${segment.nextOffset} should begin, is damaged: ${problem}`,
      );
    }
    this.#isOpenEnded = true;
    segment.dropUnfinished();
    segment.isDirty = true;
    this.#report(segment, segment.nextOffset, size - segment.size, problem);
    if (isTail) return;
    for (const next of this.#left.splice(0)) {
      this.#drop(next, `it lies behind the log's end, ${segment.nextOffset}`);
    }
  }

  /** Throws when the log does not reach the offset up to which it was durable. */
  *#checkEnd(): Steps<void> {
    const { recoveryPoint = 0, logStartOffset } = this.#options;
    const last = this.#kept.at(-1);
    const end = last?.nextOffset ?? 0;
    const isKnown = this.#options.recoveryPoint !== undefined && recoveryPoint > logStartOffset;
    // A clean shutdown wrote where the log ended: more records are there when a file was put back, or
    // when a header is damaged.
    const isLater = isKnown && this.#options.wasShutDownCleanly && end > recoveryPoint;
    if (last !== undefined && isLater && !(yield* isUnbroken(last, recoveryPoint))) {
      throw this.#refusal(
        `${last.path} ends at offset ${end}, and the log ended at ${recoveryPoint}`,
      );
    }
    if (last !== undefined && last.baseOffset < this.#missing && end === this.#missing) {
      throw this.#missed();
    }
    if (end >= recoveryPoint || logStartOffset >= recoveryPoint) return;
    throw this.#refusal(
      last === undefined
        ? `its directory ${this.#options.directory} holds no segment, and records up to offset ` +
          `${recoveryPoint} were on the disk`
        : `${last.path} ends at offset ${end}, and records up to offset ${recoveryPoint} were on ` +
          `the disk`,
    );
  }

  #drop(segment: Segment, reason: string): void {
    const logEndOffset = this.#kept.at(-1)?.nextOffset ?? segment.baseOffset;
    this.#report(segment, logEndOffset, this.#sizeOf(segment), reason);
    discard(segment);
  }

  #report(segment: Segment, logEndOffset: number, bytesCut: number, reason: string): void {
    const { name } = this.#options;
    this.#options.report({ name, file: segment.path, logEndOffset, bytesCut, reason });
  }

  #missed(): KafkaError {
    const { directory, recoveryPoint } = this.#options;
    const path = `${directory}/${segmentFileName(this.#missing)}`;
    return this.#refusal(
      `the segment ${path} was there and is missing`,
      // If some of its records are known to be durable, an empty file would be too short.
      this.#missing === recoveryPoint
        ? `${BRING_BACK}, or put an empty file in its place to go on without its records`
        : REMEDY,
    );
  }

  #refusal(what: string, remedy = REMEDY): KafkaError {
    return new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot open ${this.#options.name}: ${what}; ${remedy}`,
    );
  }
}

function discard(segment: Segment): void {
  segment.close();
  segment.removeFiles();
}
