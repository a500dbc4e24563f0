/**
 * Verifies one segment with its indexes, in one pass: the checksum and the header of each batch, and for
 * each entry of `.index`, `.timeindex` and `.txnindex` the batch that it refers to.
 *
 * @module
 */
import { decodeOffsetIndex, decodeTimeIndex } from "../log/segments/index_format.ts";
import {
  type AbortedTransaction,
  decodeTransactionIndex,
} from "../log/segments/transaction_index_format.ts";
import type { Int64 } from "../protocol/int64.ts";
import {
  decodeBatch,
  type HostCodecs,
  isControl,
  isTransactional,
  readAttributes,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerId,
  readRecords,
  RecordError,
} from "../protocol/records/batch.ts";
import { decodeControlRecordKey } from "../protocol/records/control_record.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";
import type { Findings } from "./findings.ts";
import { readWhole } from "./read_whole.ts";

/** The remedy for files that can be rebuilt from the log. */
export const REBUILT = "remove the file, the next start rebuilds it";

/** The state of a partition's verification, up to the current segment. */
export interface PartitionProgress {
  readonly files: FileSystem;
  readonly findings: Findings;
  /** Decodes records, or null to check headers and checksums only. */
  readonly codecs: HostCodecs | null;
  /** Whether offsets may be missing: the topic is compacted, or its policy is unknown. */
  readonly allowGaps: boolean;
  /** Whether the log is complete from offset 0 on, so that every transaction is known from its beginning. */
  readonly isComplete: boolean;
  /** Returns the remedy for damage that begins at an offset in the segment. */
  remedy(isLast: boolean, offset: number): string;
  /** The offset after the last record so far, or -1 before the first segment. */
  nextOffset: number;
  /** Whether earlier damage makes the offset of the next batch unknown. */
  isLost: boolean;
  /** The newest leader epoch so far. */
  epoch: number;
  /** The first offset of each leader epoch. */
  readonly epochStarts: Map<number, number>;
  /** First offsets of open transactions, by producer id. */
  readonly transactions: Map<Int64, number>;
  /** Yields to other work. */
  pause(): Promise<void>;
}

const BYTES_BETWEEN_PAUSES = 33_554_432;

/** Verifies the segment at `path`. Throws a `FileError`. */
export async function verifySegment(
  progress: PartitionProgress,
  path: string,
  baseOffset: number,
  isLast: boolean,
): Promise<void> {
  const { files, findings } = progress;
  const stem = path.slice(0, -".log".length);
  const checks = [
    new OffsetIndexCheck(findings, files, `${stem}.index`, baseOffset),
    new TimeIndexCheck(findings, files, `${stem}.timeindex`, baseOffset),
    new TransactionCheck(progress, `${stem}.txnindex`),
  ];
  const file = files.open(path, "read");
  try {
    const walk = new BatchWalk(file);
    verifyJoin(progress, path, baseOffset);
    let pauseAt = BYTES_BETWEEN_PAUSES;
    while (walk.next()) {
      const isWhole = verifyBatch(progress, path, walk, isLast);
      for (const check of checks) check.see(walk, isWhole);
      if (walk.position < pauseAt) continue;
      pauseAt = walk.position + BYTES_BETWEEN_PAUSES;
      await progress.pause();
    }
    findings.segments++;
    findings.bytes += walk.nextPosition;
    if (walk.problem !== null) {
      const offset = progress.nextOffset;
      progress.isLost = true;
      findings.add(
        path,
        `no batch begins here: ${walk.problem}; ${progress.remedy(isLast, offset)}`,
        { position: walk.nextPosition, offset },
      );
    }
    for (const check of checks) check.finish(walk);
    walk.release();
  } finally {
    file.close();
  }
}

/** Checks that the segment follows the previous one. */
function verifyJoin(progress: PartitionProgress, path: string, baseOffset: number): void {
  const { nextOffset } = progress;
  progress.nextOffset = baseOffset;
  if (nextOffset < 0 || progress.isLost || baseOffset === nextOffset) return;
  if (baseOffset > nextOffset && progress.allowGaps) return;
  progress.findings.add(
    path,
    `the segment begins at offset ${baseOffset}, the previous one ends at ${nextOffset}; restore ` +
      `the missing or damaged file from a backup or another replica`,
    { position: 0, offset: Math.min(nextOffset, baseOffset) },
  );
}

/** Checks a batch. Returns whether its header can be trusted. */
function verifyBatch(
  progress: PartitionProgress,
  path: string,
  walk: BatchWalk,
  isLast: boolean,
): boolean {
  const { findings } = progress;
  const { baseOffset, position } = walk;
  const expected = progress.nextOffset;
  findings.batches++;
  const damaged = (problem: string) =>
    findings.add(path, `${problem}; ${progress.remedy(isLast, baseOffset)}`, {
      position,
      offset: baseOffset,
    });
  const crc = walk.crcProblem();
  if (crc !== null) {
    damaged(`the batch is damaged: ${crc}`);
    progress.isLost = true;
    return false;
  }
  if (baseOffset < expected) {
    damaged(`the batch begins at offset ${baseOffset}, expected at least ${expected}`);
  } else if (baseOffset > expected && !progress.allowGaps && !progress.isLost) {
    damaged(
      `the offsets ${expected} to ${baseOffset - 1} are missing before it, and the topic is not ` +
        `compacted`,
    );
  }
  progress.isLost = false;
  progress.nextOffset = Math.max(expected, walk.lastOffset + 1);
  try {
    verifyEpoch(progress, walk, damaged);
    if (progress.codecs === null) return true;
    decodeBatch(walk.bytes, walk.at, { checkCrc: false, codecs: progress.codecs });
    return true;
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    damaged(`its checksum is right, but its records are not: ${error.message}`);
    return false;
  }
}

function verifyEpoch(
  progress: PartitionProgress,
  walk: BatchWalk,
  damaged: (problem: string) => void,
): void {
  const epoch = readPartitionLeaderEpoch(walk.bytes, walk.at);
  if (epoch < progress.epoch) {
    damaged(`its leader epoch is ${epoch}, that of an earlier batch is ${progress.epoch}`);
  } else if (epoch > progress.epoch) {
    progress.epoch = epoch;
    progress.epochStarts.set(epoch, walk.baseOffset);
  }
}

/** Checks an `.index`: each entry has the position and the last offset of a batch. */
class OffsetIndexCheck {
  readonly #entries;
  #next = 0;

  constructor(
    readonly findings: Findings,
    files: FileSystem,
    readonly path: string,
    readonly baseOffset: number,
  ) {
    const { entries, problem } = decodeOffsetIndex(contentOf(files, path));
    this.#entries = entries;
    if (problem !== null) findings.add(path, `${problem}; ${REBUILT}`);
  }

  see(walk: BatchWalk, isWhole: boolean): void {
    const { positions, relativeOffsets, length } = this.#entries;
    this.#complainBefore(walk.position);
    if (this.#next >= length || positions[this.#next] !== walk.position) return;
    const offset = this.baseOffset + relativeOffsets[this.#next]!;
    if (isWhole && offset !== walk.lastOffset) {
      this.#complain(`the batch at byte ${walk.position} of the log ends at ${walk.lastOffset}`);
    }
    this.#next++;
  }

  finish(walk: BatchWalk): void {
    if (walk.problem === null) this.#complainBefore(Infinity);
  }

  #complainBefore(position: number): void {
    const { positions, length } = this.#entries;
    for (; this.#next < length && positions[this.#next]! < position; this.#next++) {
      this.#complain(`no batch begins at byte ${positions[this.#next]} of the log`);
    }
  }

  #complain(problem: string): void {
    const offset = this.baseOffset + this.#entries.relativeOffsets[this.#next]!;
    this.findings.add(this.path, `${problem}; ${REBUILT}`, { position: this.#next * 8, offset });
  }
}

/** Checks a `.timeindex`: each entry has the last offset and the largest timestamp of a batch. */
class TimeIndexCheck {
  readonly #entries;
  #next = 0;

  constructor(
    readonly findings: Findings,
    files: FileSystem,
    readonly path: string,
    readonly baseOffset: number,
  ) {
    const { entries, problem } = decodeTimeIndex(contentOf(files, path));
    this.#entries = entries;
    if (problem !== null) findings.add(path, `${problem}; ${REBUILT}`);
  }

  see(walk: BatchWalk, isWhole: boolean): void {
    const { timestamps, length } = this.#entries;
    for (; this.#next < length && this.#offset <= walk.lastOffset; this.#next++) {
      if (!isWhole) continue;
      const timestamp = timestamps.at(this.#next);
      const actual = readMaxTimestamp(walk.bytes, walk.at);
      if (this.#offset !== walk.lastOffset) {
        this.#complain(`no batch ends at offset ${this.#offset}`);
      } else if (actual !== timestamp) {
        this.#complain(`it has timestamp ${timestamp}, the batch has ${actual}`);
      }
    }
  }

  finish(walk: BatchWalk): void {
    if (walk.problem !== null) return;
    for (; this.#next < this.#entries.length; this.#next++) {
      this.#complain(`no batch ends at offset ${this.#offset}`);
    }
  }

  get #offset(): number {
    return this.baseOffset + this.#entries.relativeOffsets[this.#next]!;
  }

  #complain(problem: string): void {
    this.findings.add(this.path, `${problem}; ${REBUILT}`, {
      position: this.#next * 12,
      offset: this.#offset,
    });
  }
}

/** Checks a `.txnindex`: each entry is an abort marker, and each marker that ends data has an entry. */
class TransactionCheck {
  readonly #entries: readonly AbortedTransaction[];
  #next = 0;

  constructor(readonly progress: PartitionProgress, readonly path: string) {
    const { entries, problem } = decodeTransactionIndex(contentOf(progress.files, path));
    this.#entries = entries;
    if (problem !== null) progress.findings.add(path, `${problem}; ${REBUILT}`);
  }

  see(walk: BatchWalk, isWhole: boolean): void {
    if (!isWhole) return this.#pass(walk.lastOffset);
    const attributes = readAttributes(walk.bytes, walk.at);
    const producerId = readProducerId(walk.bytes, walk.at);
    const { transactions } = this.progress;
    if (!isControl(attributes)) {
      if (isTransactional(attributes) && !transactions.has(producerId)) {
        transactions.set(producerId, walk.baseOffset);
      }
    } else if (isTransactional(attributes)) {
      if (isAbort(walk)) this.#seeAbort(walk, producerId);
      transactions.delete(producerId);
    }
    this.#complainUpTo(walk.lastOffset);
  }

  finish(walk: BatchWalk): void {
    if (walk.problem === null) this.#complainUpTo(Infinity);
  }

  #seeAbort(walk: BatchWalk, producerId: Int64): void {
    this.#complainUpTo(walk.lastOffset - 1);
    const entry = this.#entries[this.#next];
    const firstOffset = this.progress.transactions.get(producerId);
    if (entry?.lastOffset === walk.lastOffset && entry.producerId === producerId) {
      this.#compare(entry, firstOffset ?? -1);
      this.#next++;
    } else if (firstOffset !== undefined) {
      this.progress.findings.add(
        this.path,
        `it lacks the transaction of producer ${producerId} that began at offset ${firstOffset} ` +
          `and was aborted at ${walk.lastOffset}; ${REBUILT}`,
        { offset: walk.lastOffset },
      );
    }
  }

  /** Compares an entry with its transaction in the log. `firstOffset` is -1 if its beginning is deleted. */
  #compare(entry: AbortedTransaction, firstOffset: number): void {
    const { isComplete, transactions } = this.progress;
    let stable = entry.lastOffset + 1;
    for (const [producerId, start] of transactions) {
      if (producerId !== entry.producerId) stable = Math.min(stable, start);
    }
    // If the log's beginning is deleted, or records are compacted, not everything is known.
    const begins = isComplete
      ? entry.firstOffset === firstOffset
      : firstOffset < 0 || entry.firstOffset <= firstOffset;
    const isStable = isComplete
      ? entry.lastStableOffset === stable
      : entry.lastStableOffset <= stable;
    if (begins && isStable) return;
    const problem = begins
      ? `it has the last stable offset ${entry.lastStableOffset}, the log has ${stable}`
      : `it has the transaction's first offset ${entry.firstOffset}, the log has ${firstOffset}`;
    this.#complain(this.#next, entry, problem);
  }

  /** Skips the entries up to `offset`: they refer to damaged batches. */
  #pass(offset: number): void {
    const entries = this.#entries;
    while (this.#next < entries.length && entries[this.#next]!.lastOffset <= offset) this.#next++;
  }

  /** Reports the entries up to `offset` without a marker. */
  #complainUpTo(offset: number): void {
    for (; this.#next < this.#entries.length; this.#next++) {
      const entry = this.#entries[this.#next]!;
      if (entry.lastOffset > offset) return;
      this.#complain(
        this.#next,
        entry,
        `there is no abort marker of producer ${entry.producerId} at offset ${entry.lastOffset}`,
      );
    }
  }

  #complain(index: number, entry: AbortedTransaction, problem: string): void {
    this.progress.findings.add(this.path, `${problem}; ${REBUILT}`, {
      position: index * 34,
      offset: entry.lastOffset,
    });
  }
}

function isAbort(walk: BatchWalk): boolean {
  try {
    for (const { key } of readRecords(walk.bytes, walk.at, { checkCrc: false })) {
      return decodeControlRecordKey(key) === "abort";
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
  }
  return false;
}

function contentOf(files: FileSystem, path: string): Uint8Array {
  return files.exists(path) ? readWhole(files, path) : new Uint8Array(0);
}
