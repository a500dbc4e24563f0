/**
 * Opening the segments of a log. What lay below the recovery point was on the disk: there only the
 * ends of the segments are looked at. After an unclean end everything from there on is walked, with
 * its checksums: a torn tail, what a crash left of the last writes, is cut off, and what lies behind
 * it goes. Damage below the recovery point is never cut: the log stays closed, and the error says
 * where the damage is and what can be done.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  readBatchLength,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import { BatchScanner, LOOKUP_WINDOW, WALK_WINDOW } from "../segments/batch_scanner.ts";
import { SWAP_SUFFIX } from "../compaction/swap_files.ts";
import { LEADER_EPOCH_CHECKPOINT } from "../leader_epochs.ts";
import type { OpenSegments } from "../segments/open_segments.ts";
import { baseOffsetOf, Segment, segmentFileName } from "../segments/segment.ts";
import { lastIndexEntry } from "../segments/index_storage.ts";

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
  /** The names of the files in it. */
  readonly names: ReadonlySet<string>;
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  readonly indexIntervalBytes: number;
  /** Keeps count of open files. */
  readonly open: OpenSegments;
  /** Segments that lie wholly before this offset were to be deleted, and are now. */
  readonly logStartOffset: number;
  /**
   * Everything below was on the disk. Where it is not known, undefined: all but the last segment that
   * holds anything.
   */
  readonly recoveryPoint: number | undefined;
  /**
   * The first offset that the log's leader epochs know of, 0 when they know of none; undefined when
   * their file is missing.
   */
  readonly firstKnownOffset: number | undefined;
  /** Whether compaction may have left gaps between segments. */
  readonly allowGaps: boolean;
  /** Whether the process that wrote the log ended cleanly: then nothing need be walked. */
  readonly wasShutDownCleanly: boolean;
  /**
   * The walk begins at this segment; those before it are whole. Called once, if there is a walk.
   */
  readonly beginWalk: (first: Segment, before: readonly Segment[]) => void;
  /** Is shown each batch of the walk in order. May throw a `RecordError` for a bad one. */
  readonly visit: (scanner: BatchScanner) => void;
  /** Is told of each segment that was walked to its end. */
  readonly endSegment: (segment: Segment) => void;
  readonly report: (report: RecoveryReport) => void;
}

/** The largest distance of an offset from its segment's first. */
const LARGEST_RELATIVE_OFFSET = 2_147_483_647;

const BRING_BACK = "bring the file back from a copy or another replica";
const REMEDY = `${BRING_BACK}, or remove the partition's directory to lose its records`;

/**
 * The segments of a directory, oldest first, whole; none where there are no files. Throws
 * KAFKA_STORAGE_ERROR for damage below the recovery point, and a `FileError`.
 */
export function openSegments(options: RecoveryOptions): Segment[] {
  const baseOffsets = [...options.names]
    .map((name) => baseOffsetOf(name.endsWith(SWAP_SUFFIX) ? name.slice(0, -5) : name))
    .filter((offset) => offset >= 0).sort((one, other) => one - other);
  return new Recovery(options, baseOffsets.map((offset) => segmentAt(options, offset))).run();
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
      isNamed: options.wasShutDownCleanly && name === segmentFileName(baseOffset),
    },
  );
}

/** One opening. */
class Recovery {
  readonly #options: RecoveryOptions;
  /** Those that were looked at and are kept. */
  readonly #kept: Segment[] = [];
  /** Those that are left to look at. */
  readonly #left: Segment[];
  readonly #sizes = new Map<Segment, number>();
  /** Whether what comes next may be missing: where the walk is, or behind a cut. */
  #isOpenEnded = false;
  /** The newest leader epoch of the batches that were walked. */
  #latestEpoch = -1;
  /** Whether the segment that was walked last lacks offsets, as only compaction leaves it. */
  #hasGaps = false;
  /** Where a segment begins that was on the disk and that somebody has removed, or -1. */
  readonly #missing: number;

  constructor(options: RecoveryOptions, segments: Segment[]) {
    this.#options = options;
    this.#left = segments;
    this.#missing = missingSegment(options, segments);
  }

  run(): Segment[] {
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
          if (!this.#check(segment, safeOffset)) this.#walk(segment, safeOffset, false);
        } else {
          if (!this.#isOpenEnded) this.#beginWalk(segment);
          this.#walk(segment, safeOffset, true);
        }
        this.#kept.push(segment);
      }
      this.#checkEnd();
      return this.#kept;
    } finally {
      for (const segment of segments) segment.closeFile();
    }
  }

  #beginWalk(first: Segment): void {
    this.#options.beginWalk(first, this.#kept);
    this.#isOpenEnded = true;
    // The cut that made it end here may not have reached the disk.
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
   * A loss of power may have taken the name of the first segment and kept that of a later one: then
   * nothing of the log is left. Where the first one was on the disk, it was taken away otherwise: no
   * segment goes before the disk has where the log begins then.
   */
  #checkBeginning(): void {
    const { recoveryPoint, logStartOffset, firstKnownOffset, directory } = this.#options;
    const [first] = this.#left;
    if (recoveryPoint === undefined || this.#options.wasShutDownCleanly) return;
    if (first === undefined && this.#missing >= 0) throw this.#missed();
    const begin = Math.max(logStartOffset, firstKnownOffset ?? 0);
    if (first === undefined || first.baseOffset <= begin) return;
    if (recoveryPoint > logStartOffset || this.#missing >= 0) {
      // Whoever has removed the file that tells goes on with what is there.
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

  /** Below this nothing may be cut. */
  #safeOffset(): number {
    const { recoveryPoint } = this.#options;
    if (recoveryPoint !== undefined) return recoveryPoint;
    const last = this.#left.findLast((segment) => this.#sizeOf(segment) > 0) ?? this.#left[0];
    return last?.baseOffset ?? 0;
  }

  /** Where the segment begins that the walk begins with: the one that `safeOffset` lies in. */
  #walkFrom(safeOffset: number): number {
    const holder = this.#left.findLast(({ baseOffset }) => baseOffset <= safeOffset);
    return (holder ?? this.#left[0])?.baseOffset ?? 0;
  }

  /**
   * Whether the segment goes on where the one before it ended. Otherwise it goes, as those after it
   * will, unless the log ended below `safeOffset`.
   */
  #follows(segment: Segment, safeOffset: number): boolean {
    const before = this.#kept.at(-1);
    if (before === undefined || segment.baseOffset === before.nextOffset) return true;
    if (this.#isDeleted(before, segment)) return false;
    const limit = this.#isOpenEnded ? safeOffset : Infinity;
    // Above the recovery point records may be missing for another reason than that they were
    // compacted: what is compacted was brought to the disk first.
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
      if (this.#uncut(before, segment.baseOffset)) return true;
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
   * Whether all up to `before` had been deleted, and a loss of power took the removal back, but not the
   * file between it and `segment`: then the log begins with `segment`, if anywhere.
   */
  #isDeleted(before: Segment, segment: Segment): boolean {
    const { logStartOffset, wasShutDownCleanly } = this.#options;
    if (wasShutDownCleanly || before.nextOffset >= segment.baseOffset) return false;
    // One that begins where the log does is its first: a loss of power has taken its records.
    if (before.baseOffset >= logStartOffset) return false;
    if (before.nextOffset > logStartOffset || segment.baseOffset <= logStartOffset) return false;
    for (const deleted of this.#kept.splice(0)) discard(deleted);
    this.#left.unshift(segment);
    this.#checkBeginning();
    return true;
  }

  /**
   * Compaction has left no record from `offset` to the next segment, or somebody has removed one that
   * began there. Whoever takes a segment away for good takes what belongs to it as well: our own
   * compaction before the segment that takes its place gives up the name that tells of the exchange,
   * Apache Kafka while there still is a `.log.deleted`, at which it has been finished by now.
   */
  #checkGap(offset: number): void {
    const { names, directory } = this.#options;
    const digits = segmentFileName(offset).slice(0, -".log".length);
    const left = [".index", ".timeindex", ".txnindex", ".snapshot"]
      .map((suffix) => `${digits}${suffix}`).find((name) => names.has(name));
    if (left === undefined) return;
    throw this.#refusal(
      `the segment ${directory}/${digits}.log is missing, and ${left} belongs to it`,
      `${BRING_BACK}, or remove the other files of that number to go on without its records`,
    );
  }

  /**
   * A cut of `segment` was lost, and what was written behind it was not: cuts it again at `offset`.
   * False where it has no batch that ends there. Where it was walked, its own end is as good.
   */
  #uncut(segment: Segment, offset: number): boolean {
    if (this.#isOpenEnded || this.#options.wasShutDownCleanly) return false;
    const size = segment.size;
    segment.truncate(segment.locate(offset));
    segment.isDirty = true;
    this.#report(segment, segment.nextOffset, size - segment.size, "a cut of it was lost");
    return segment.nextOffset === offset;
  }

  /**
   * Looks at the end of a segment that needs no walk: from the last entry of its index the batches
   * must lead to its end. False when they do not, or when the index is of no use for that.
   */
  #check(segment: Segment, safeOffset: number): boolean {
    const size = this.#sizeOf(segment);
    const { names, files, indexIntervalBytes } = this.#options;
    const name = segmentFileName(segment.baseOffset);
    const hasIndexFiles = names.has(name.replace(/\.log$/, ".index")) &&
      names.has(name.replace(/\.log$/, ".timeindex"));
    if (size === 0) {
      segment.adopt(0, segment.baseOffset, hasIndexFiles);
      return true;
    }
    const entry = hasIndexFiles ? lastIndexEntry(files, segment.path, size) : null;
    const start = entry?.position ?? 0;
    const window = size - start > WALK_WINDOW ? WALK_WINDOW : LOOKUP_WINDOW;
    const scanner = new BatchScanner(segment.file, start, size, window);
    let nextOffset = segment.baseOffset;
    let isIndexed = hasIndexFiles;
    while (scanner.next()) {
      if (offsetProblem(scanner, segment, nextOffset) !== null) return false;
      if (
        entry !== null && scanner.position === start &&
        scanner.lastOffset > segment.baseOffset + entry.relativeOffset
      ) return false;
      if (scanner.position - start > indexIntervalBytes) isIndexed = false;
      nextOffset = scanner.lastOffset + 1;
    }
    if (scanner.problem !== null) return false;
    if (!this.#isJoined(nextOffset, safeOffset)) return false;
    segment.adopt(size, nextOffset, isIndexed);
    return true;
  }

  /** Whether a segment that ends at `nextOffset` reaches the next one, or the end that is known. */
  #isJoined(nextOffset: number, safeOffset: number): boolean {
    const next = this.#left[0];
    if (next === undefined) return nextOffset >= safeOffset;
    return next.baseOffset === nextOffset ||
      (next.baseOffset > nextOffset && this.#options.allowGaps);
  }

  /** Reads all batches of the segment, with their checksums. `isFull`: above the recovery point. */
  #walk(segment: Segment, safeOffset: number, isFull: boolean): void {
    const size = this.#sizeOf(segment);
    const scanner = new BatchScanner(segment.file, 0, size, WALK_WINDOW);
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
    }
    problem ??= scanner.problem;
    // Nobody knows whether these have reached the disk.
    if (isFull) segment.isDirty = size > 0;
    if (problem !== null) this.#cut(segment, size, problem, scanner, safeOffset);
    segment.index.trim();
    if (isFull) this.#options.endSegment(segment);
  }

  /**
   * A leader's batches never follow those of a later one: where they do, a cut was lost and what it
   * took away is back, behind what was written in its place.
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

  /** The log must reach what was on the disk. */
  #checkEnd(): void {
    const { recoveryPoint = 0, logStartOffset } = this.#options;
    const last = this.#kept.at(-1);
    const end = last?.nextOffset ?? 0;
    const isKnown = this.#options.recoveryPoint !== undefined && recoveryPoint > logStartOffset;
    const isLater = isKnown && this.#options.wasShutDownCleanly && end > recoveryPoint;
    if (last !== undefined && isLater && !this.#isUnbroken(last, recoveryPoint)) {
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

  /**
   * Whether the batches of the last segment from `offset` on are whole and follow one another. An
   * orderly end wrote down where the log ended: more is there when somebody has put a file back, or
   * when a header says what it should not.
   */
  #isUnbroken(segment: Segment, offset: number): boolean {
    const scanner = new BatchScanner(segment.file, 0, segment.size, WALK_WINDOW);
    let nextOffset = segment.baseOffset;
    while (scanner.next()) {
      const isNew = scanner.lastOffset >= offset;
      if (isNew && scanner.baseOffset !== nextOffset) return false;
      if (isNew && scanner.crcProblem() !== null) return false;
      nextOffset = scanner.lastOffset + 1;
    }
    return scanner.problem === null;
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
      // With records of it known to be on the disk, an empty one would be too short.
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

/**
 * As `Recovery.#missing`: the `.index` of the newest segment is there without its `.log`, whose name had
 * reached the disk before it (`Segment.placeIndex`). When the recovery point is below, the segment may
 * have been cut off; when the log's start is beyond, it has been deleted. After an orderly end others
 * tell: what is missing then held records.
 */
function missingSegment(options: RecoveryOptions, segments: readonly Segment[]): number {
  const { names, recoveryPoint, logStartOffset, wasShutDownCleanly } = options;
  if (wasShutDownCleanly || recoveryPoint === undefined) return -1;
  let newest = -1;
  for (const name of names) {
    if (/^\d{20}\.index$/.test(name)) newest = Math.max(newest, Number(name.slice(0, 20)));
  }
  if (newest < logStartOffset || newest > recoveryPoint) return -1;
  return segments.some(({ baseOffset }) => baseOffset === newest) ? -1 : newest;
}

function discard(segment: Segment): void {
  segment.close();
  segment.removeFiles();
}

function offsetProblem(
  scanner: BatchScanner,
  segment: Segment,
  nextOffset: number,
): string | null {
  if (scanner.baseOffset < nextOffset) {
    return `its base offset is ${scanner.baseOffset}, at least ${nextOffset} is needed`;
  }
  if (scanner.lastOffset - segment.baseOffset > LARGEST_RELATIVE_OFFSET) {
    return `its last offset ${scanner.lastOffset} is too far from the file's first one`;
  }
  return null;
}

/**
 * Data of a format before v2 at the very start of a file are no torn write of ours: such a message has
 * a checksum of its own, over what follows it.
 */
function isOldFormat(scanner: BatchScanner, segment: Segment, size: number): boolean {
  const { bytes } = scanner;
  if (segment.size > 0 || size < RECORDS_OFFSET || bytes[16]! > 1) return false;
  const end = readBatchLength(bytes, 0) + 12;
  if (end < 26 || end > Math.min(size, bytes.length)) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
  return stored === crc32(bytes.subarray(16, end));
}

/** CRC-32, the checksum of the old formats. Slow: it is needed once, when a log is refused. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
