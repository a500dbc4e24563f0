/**
 * Looks over one segment with the files beside it, in one pass: the checksum and the header of each
 * batch, and for each entry of `.index`, `.timeindex` and `.txnindex` the batch that it speaks of.
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

/** Said of files that hold nothing but what the log says too. */
export const MADE_ANEW = "remove the file, a start makes it anew";

/** What the segments of a partition have in common, as far as they have been walked. */
export interface PartitionProgress {
  readonly files: FileSystem;
  readonly findings: Findings;
  /** To decode records as well, or null to look at headers and checksums only. */
  readonly codecs: HostCodecs | null;
  /** Whether offsets may be missing: the topic is compacted, or nobody knows. */
  readonly allowGaps: boolean;
  /** Whether all offsets from 0 on are there, so that every transaction is known from its beginning. */
  readonly isComplete: boolean;
  /** What to say of damage that begins at an offset in the segment. */
  remedy(isLast: boolean, offset: number): string;
  /** The offset after the last record's so far, or -1 before the first segment. */
  nextOffset: number;
  /** Whether something before is damaged, so that it is not known where the next batch should begin. */
  isLost: boolean;
  /** The newest leader epoch so far. */
  epoch: number;
  /** The first offset of each leader epoch. */
  readonly epochStarts: Map<number, number>;
  /** Transactions that are open, by producer id, with their first offset. */
  readonly transactions: Map<Int64, number>;
  /** Lets other work go first. */
  pause(): Promise<void>;
}

const BYTES_BETWEEN_PAUSES = 33_554_432;

/** Looks over the segment at `path`. Throws a `FileError`. */
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

/** Looks at how the segment follows the one before it. */
function verifyJoin(progress: PartitionProgress, path: string, baseOffset: number): void {
  const { nextOffset } = progress;
  progress.nextOffset = baseOffset;
  if (nextOffset < 0 || progress.isLost || baseOffset === nextOffset) return;
  if (baseOffset > nextOffset && progress.allowGaps) return;
  progress.findings.add(
    path,
    `the segment begins at offset ${baseOffset}, the one before it ends at ${nextOffset}; bring ` +
      `the missing or damaged file back from a copy or another replica`,
    { position: 0, offset: Math.min(nextOffset, baseOffset) },
  );
}

/** Looks at one batch. Says whether its header may be believed. */
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
    damaged(`the batch begins at offset ${baseOffset}, at least ${expected} is needed`);
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
    damaged(`its checksum fits, but what it holds does not: ${error.message}`);
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
    damaged(`its leader epoch is ${epoch}, that of a batch before it ${progress.epoch}`);
  } else if (epoch > progress.epoch) {
    progress.epoch = epoch;
    progress.epochStarts.set(epoch, walk.baseOffset);
  }
}

/** An `.index`: each entry is where a batch begins and what its last offset is. */
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
    if (problem !== null) findings.add(path, `${problem}; ${MADE_ANEW}`);
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
    this.findings.add(this.path, `${problem}; ${MADE_ANEW}`, { position: this.#next * 8, offset });
  }
}

/** A `.timeindex`: each entry is the last offset of a batch and the largest timestamp in it. */
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
    if (problem !== null) findings.add(path, `${problem}; ${MADE_ANEW}`);
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
        this.#complain(`it says timestamp ${timestamp}, the batch says ${actual}`);
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
    this.findings.add(this.path, `${problem}; ${MADE_ANEW}`, {
      position: this.#next * 12,
      offset: this.#offset,
    });
  }
}

/** A `.txnindex`: each entry is an abort marker, and each marker that ends data has an entry. */
class TransactionCheck {
  readonly #entries: readonly AbortedTransaction[];
  #next = 0;

  constructor(readonly progress: PartitionProgress, readonly path: string) {
    const { entries, problem } = decodeTransactionIndex(contentOf(progress.files, path));
    this.#entries = entries;
    if (problem !== null) progress.findings.add(path, `${problem}; ${MADE_ANEW}`);
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
          `and was aborted at ${walk.lastOffset}; ${MADE_ANEW}`,
        { offset: walk.lastOffset },
      );
    }
  }

  /** Compares an entry with what the log says of its transaction; -1 when its beginning is gone. */
  #compare(entry: AbortedTransaction, firstOffset: number): void {
    const { isComplete, transactions } = this.progress;
    let stable = entry.lastOffset + 1;
    for (const [producerId, start] of transactions) {
      if (producerId !== entry.producerId) stable = Math.min(stable, start);
    }
    // Of a log whose beginning is deleted, or whose records are compacted, not all is known.
    const begins = isComplete
      ? entry.firstOffset === firstOffset
      : firstOffset < 0 || entry.firstOffset <= firstOffset;
    const isStable = isComplete
      ? entry.lastStableOffset === stable
      : entry.lastStableOffset <= stable;
    if (begins && isStable) return;
    const problem = begins
      ? `it says last stable offset ${entry.lastStableOffset}, the log says ${stable}`
      : `it says that the transaction began at ${entry.firstOffset}, the log says ${firstOffset}`;
    this.#complain(this.#next, entry, problem);
  }

  /** Leaves out the entries up to `offset`: what they speak of is damaged. */
  #pass(offset: number): void {
    const entries = this.#entries;
    while (this.#next < entries.length && entries[this.#next]!.lastOffset <= offset) this.#next++;
  }

  /** Complains of the entries up to `offset` that no marker was seen for. */
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
    this.progress.findings.add(this.path, `${problem}; ${MADE_ANEW}`, {
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
