/**
 * The model of a partition, kept beside the real one: every batch that was stored, which of them
 * are on the disk for certain, and what else a crash may bring to light. It judges what is found when
 * the log is opened again.
 *
 * @module
 */
import { readPartitionLeaderEpoch } from "../../../../src/protocol/records/batch.ts";
import { judgeCompacted } from "./compaction_model.ts";
import {
  type Decision,
  type FoundLog,
  sameBytes,
  type StoredBatch,
  type StoredRecord,
} from "./stored_batch.ts";
import { TransactionHistory } from "./transaction_model.ts";

/**
 * How the process ended that wrote the log last: in an orderly way, killed, or with the power. After
 * `clean` and `kill` the log must be exactly what it was; only what was deleted may be back after a
 * `kill` that came before the new start was on the disk.
 */
export type Ending = "clean" | "kill" | "power";

/** The possible content of a log. */
interface Content {
  readonly batches: readonly StoredBatch[];
  readonly endOffset: number;
  readonly compactedUpTo: number;
}

/** Content that a cut took away, until the cut is on the disk for certain. */
interface Lineage extends Content {
  readonly number: number;
  /** Records before it are still in the log. */
  readonly cutAt: number;
  compactedUpTo: number;
}

/** A flush that is under way. */
interface PendingFlush {
  readonly end: number;
  readonly lineage: number;
  /** Where the log was cut since it began. */
  cutAt: number;
}

/** One partition. */
export class PartitionModel {
  /** The batches in the log, and those before its start. */
  batches: StoredBatch[] = [];
  startOffset = 0;
  /** The offset that the next record gets. */
  endOffset = 0;
  /** Everything before it was flushed, or was found after a crash. */
  durableEnd = 0;
  /** No crash may bring back what was deleted before it. */
  durableStart = 0;
  /** The epoch of the leader. */
  epoch = 0;
  /** Batches of a write that failed in such a way that some of them may be found all the same. */
  uncertain: readonly StoredBatch[] = [];
  /** Whether something failed half way, so that even a kill may leave another state. */
  isLoose = false;
  /** Where a deletion that failed half way may have moved the start to. */
  latestStart = 0;
  /** Grows when other producers take the place of those that were. */
  producers = 0;
  /** The records up to here have been compacted, as far as is known. */
  compactedUpTo = 0;
  /** The decisions of coordinators, even if a crash loses their markers: see `transactionKey`. */
  readonly decisions: Map<string, Decision> = new Map();
  /** When compaction first met each tombstone. */
  readonly #tombstones = new Map<StoredRecord, number>();
  #compactedMs = 0;
  #lineages: Lineage[] = [];
  #lastLineage = 0;
  /** The lineage that a running truncation may leave or not, or Infinity. */
  #truncating = Infinity;
  readonly #flushes = new Set<PendingFlush>();

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly isCompacted: boolean,
    /** How long compaction leaves tombstones. */
    readonly deleteRetentionMs: number,
  ) {}

  /** As the directory is called. */
  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** The batches that can be read, the first one perhaps in part. */
  get readable(): StoredBatch[] {
    return this.batches.filter((batch) => batch.lastOffset >= this.startOffset);
  }

  /** The producers and transactions in the batches. */
  history(): TransactionHistory {
    return new TransactionHistory(this.batches, this.decisions);
  }

  /** The id of one of the producers of now. */
  producerId(number: number): number {
    return 10_000 * (this.partition + 1) + 10 * this.producers + number;
  }

  /** The last batches of a producer that are still there, the newest first, without markers. */
  lastOf(producerId: number, count: number): StoredBatch[] {
    const found: StoredBatch[] = [];
    for (let i = this.batches.length - 1; i >= 0 && found.length < count; i--) {
      const batch = this.batches[i]!;
      if (batch.producerId === producerId && batch.marker === null) found.push(batch);
    }
    return found;
  }

  /** `batch` was stored at the end. */
  append(batch: StoredBatch): void {
    this.batches.push(batch);
    this.endOffset = batch.lastOffset + 1;
  }

  /**
   * The log is being truncated to `offset`, the beginning of a batch: until the function returned is
   * called, the records may be there or not.
   */
  truncate(offset: number): () => void {
    this.keepLineage(offset);
    const lineage = this.#lastLineage;
    this.#truncating = lineage;
    this.isLoose = true;
    this.batches = this.batches.filter((batch) => batch.lastOffset < offset);
    this.endOffset = offset;
    this.startOffset = Math.min(this.startOffset, offset);
    this.durableStart = Math.min(this.durableStart, this.startOffset);
    this.durableEnd = Math.min(this.durableEnd, offset);
    this.compactedUpTo = Math.min(this.compactedUpTo, offset);
    for (const flush of this.#flushes) flush.cutAt = Math.min(flush.cutAt, offset);
    this.epoch++;
    if (this.compactedUpTo > 0) this.producers++;
    return () => {
      if (this.#truncating !== lineage) return;
      this.#truncating = Infinity;
      this.isLoose = false;
      this.#lineages = this.#lineages.filter(({ number }) => number > lineage);
      this.durableEnd = Math.max(this.durableEnd, offset);
    };
  }

  /** Remembers the current content, which may come back after a crash until a later flush. */
  keepLineage(cutAt: number = this.endOffset): void {
    const { batches, endOffset, compactedUpTo } = this;
    const number = ++this.#lastLineage;
    this.#lineages.push({ number, batches: batches.slice(), endOffset, compactedUpTo, cutAt });
  }

  /** Forgets truncated batches: they cannot come back any more. */
  forgetLineages(): void {
    this.#lineages = this.#lineages.filter(({ number }) => number >= this.#truncating);
    this.durableEnd = this.endOffset;
  }

  /** A flush begins. The function returned says that it has ended well. */
  beginFlush(): () => void {
    const flush = { end: this.endOffset, lineage: this.#lastLineage, cutAt: Infinity };
    this.#flushes.add(flush);
    return () => {
      if (!this.#flushes.delete(flush)) return;
      this.durableEnd = Math.max(this.durableEnd, Math.min(flush.end, flush.cutAt));
      this.#lineages = this.#lineages.filter(({ number }) =>
        number > flush.lineage || number >= this.#truncating
      );
    };
  }

  /** The process is gone, and with it the flushes that were under way. */
  forgetFlushes(): void {
    this.#flushes.clear();
  }

  /**
   * Returns what is wrong with the log after `ending`, or null. From then on the model
   * expects what was found.
   */
  judge(found: FoundLog, ending: Ending): string | null {
    const exact = ending !== "power" && !this.isLoose;
    const candidates: Content[] = [this];
    for (const [last, { lastOffset }] of this.uncertain.entries()) {
      if (ending === "clean") break;
      const batches = [...this.batches, ...this.uncertain.slice(0, last + 1)];
      candidates.unshift({
        batches,
        endOffset: lastOffset + 1,
        compactedUpTo: this.compactedUpTo,
      });
    }
    if (!exact) candidates.push(...this.#lineages);
    let problem: string | null = null;
    for (const candidate of candidates) {
      const wrong = this.#compare(found, candidate, ending);
      if (wrong === null) {
        this.#accept(found, candidate, ending);
        return null;
      }
      if (candidate === this) problem = wrong;
    }
    return problem;
  }

  #compare(found: FoundLog, content: Content, ending: Ending): string | null {
    const { startOffset, endOffset } = found;
    const { batches, endOffset: wantedEnd } = content;
    const exact = ending !== "power" && !this.isLoose;
    const isStartExact = ending === "clean" && !this.isLoose;
    if (
      exact && endOffset !== wantedEnd || isStartExact && startOffset !== this.startOffset
    ) {
      return `it has ${startOffset} to ${endOffset}, ${this.startOffset} to ${wantedEnd} must be`;
    }
    if (startOffset > Math.max(this.startOffset, this.latestStart)) {
      return `it begins at ${startOffset}, ${this.startOffset} was the first`;
    }
    if (startOffset < this.durableStart) {
      return `it begins at ${startOffset}, what is before ${this.durableStart} was deleted for good`;
    }
    if (endOffset < this.durableEnd) {
      return `it ends at ${endOffset}, ${this.durableEnd} had been flushed`;
    }
    if (startOffset === endOffset) return null;
    if (endOffset > wantedEnd) return `it ends at ${endOffset}, beyond ${wantedEnd}`;
    if (this.isCompacted) return this.judgeRecords(found, content);
    // No checksum covers the leader epoch: noise in one that was not durable goes unnoticed.
    const noisyFrom = ending === "power" ? this.durableEnd : Infinity;
    return comparePlain(found, batches, noisyFrom);
  }

  /** Returns what is wrong with the records of a compacted log, or null. */
  judgeRecords(found: FoundLog, { batches, compactedUpTo }: Content = this): string | null {
    const history = new TransactionHistory(batches, this.decisions);
    return judgeCompacted(found, history, compactedUpTo, (record) => {
      const metMs = this.#tombstones.get(record);
      return metMs !== undefined && metMs + this.deleteRetentionMs <= this.#compactedMs;
    });
  }

  /** Marks the records before `offset` as being compacted at `nowMs`. */
  compact(offset: number, nowMs: number): void {
    this.compactedUpTo = Math.max(this.compactedUpTo, offset);
    for (const lineage of this.#lineages) {
      const shared = Math.min(offset, lineage.cutAt);
      lineage.compactedUpTo = Math.max(lineage.compactedUpTo, shared);
    }
    this.#compactedMs = nowMs;
    for (const { baseOffset, records } of this.batches) {
      if (baseOffset >= offset) return;
      for (const record of records) {
        if (record.value === null && !this.#tombstones.has(record)) {
          this.#tombstones.set(record, nowMs);
        }
      }
    }
  }

  #accept(found: FoundLog, { batches, compactedUpTo }: Content, ending: Ending): void {
    this.compactedUpTo = Math.min(compactedUpTo, found.endOffset);
    const bytes = new Map(found.batches.map((batch) => [batch.baseOffset, batch.bytes]));
    this.batches = batches.filter(({ lastOffset }) => lastOffset < found.endOffset)
      .map((batch) => this.isCompacted ? batch : withEpochOf(batch, bytes.get(batch.baseOffset)));
    // Where a log has lost its end behind its start, what producers sent is not known any more.
    // So it is where what a producer sent last is lost, and what it sent before was compacted.
    const isForgotten = found.startOffset === found.endOffset || this.compactedUpTo > 0;
    if (isForgotten && ending === "power") this.producers++;
    this.endOffset = found.endOffset;
    this.startOffset = found.startOffset;
    if (ending !== "kill") {
      this.durableStart = found.startOffset;
      this.durableEnd = found.endOffset;
      this.#lineages = [];
    }
    this.uncertain = [];
    this.isLoose = false;
    this.#truncating = Infinity;
    this.latestStart = 0;
    this.epoch = Math.max(this.epoch, this.batches.at(-1)?.epoch ?? 0);
  }
}

/** The batch with the leader epoch with which it was found, if it was. */
function withEpochOf(batch: StoredBatch, bytes: Uint8Array | undefined): StoredBatch {
  if (bytes === undefined || sameBytes(bytes, batch.bytes)) return batch;
  return { ...batch, bytes, epoch: readPartitionLeaderEpoch(bytes, 0) };
}

/**
 * Every batch of `found` must be the one of `batches` at that place, byte for byte, without gaps. Those
 * from offset `noisyFrom` on may have another leader epoch.
 */
function comparePlain(
  found: FoundLog,
  batches: readonly StoredBatch[],
  noisyFrom: number,
): string | null {
  let index = indexOf(batches, found.startOffset);
  for (const read of found.batches) {
    const wanted = batches[index++];
    if (wanted === undefined) return `there is a batch at ${read.baseOffset} that never was`;
    if (read.baseOffset !== wanted.baseOffset) {
      return `there is a batch at ${read.baseOffset}, the next begins at ${wanted.baseOffset}`;
    }
    const isSame = sameBytes(read.bytes, wanted.bytes) ||
      read.baseOffset >= noisyFrom &&
        sameBytes(read.bytes.subarray(16), wanted.bytes.subarray(16));
    if (!isSame) return `the batch at ${read.baseOffset} is another`;
  }
  const end = (found.batches.at(-1)?.lastOffset ?? found.startOffset - 1) + 1;
  if (end !== found.endOffset) return `reading ends at ${end}, the log at ${found.endOffset}`;
  return null;
}

/** Which of `batches` holds `offset`, or the first after it. */
export function indexOf(batches: readonly StoredBatch[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (batches[middle]!.lastOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
