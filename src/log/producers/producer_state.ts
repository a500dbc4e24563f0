/**
 * What a partition knows of each idempotent producer (KIP-98): its epoch and its last five batches,
 * which tell a repeated batch from a new one and a gap from a step, and its open transaction.
 *
 * @module
 */
import { MAX_PRODUCERS_PER_PARTITION } from "../../limits.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { OpenTransactions } from "./open_transactions.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot_format.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";

/** How many batches back a repeated one is recognised: as many as a producer may have in flight. */
export const REMEMBERED_BATCHES = 5;

const LARGEST_SEQUENCE = 2_147_483_647;

/** The sequence number `count` after `sequence`: after 2^31 - 1 comes 0. */
export function sequenceAfter(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > LARGEST_SEQUENCE ? sum - LARGEST_SEQUENCE - 1 : sum;
}

/** The sequence number `count` before `sequence`: before 0 comes 2^31 - 1. */
export function sequenceBefore(sequence: number, count: number): number {
  const difference = sequence - count;
  return difference < 0 ? difference + LARGEST_SEQUENCE + 1 : difference;
}

// Slots of three numbers a batch.
const LAST_SEQUENCE = 0;
const LAST_OFFSET = 1;
const OFFSET_DELTA = 2;
const SLOT = 3;

/** One producer. */
class ProducerEntry {
  epoch = -1;
  coordinatorEpoch = -1;
  lastTimestamp: Int64 = -1;
  /**
   * When it was heard of last by the broker's clock, ms since 1970, or -1. Its records' timestamps do
   * not tell: they are the producer's own, and may be from years ago.
   */
  heardMs = -1;
  /** Where its open transaction begins, or -1. */
  transactionStartOffset = -1;
  readonly batches = new Float64Array(REMEMBERED_BATCHES * SLOT);
  /** The largest timestamp of each of these batches, by slot. */
  readonly timestamps: Int64[] = [];
  /** How many slots are in use, and which holds the newest. */
  count = 0;
  newest = -1;

  constructor(readonly producerId: Int64) {}

  get lastSequence(): number {
    return this.count === 0 ? -1 : this.batches[this.newest * SLOT + LAST_SEQUENCE]!;
  }

  setEpoch(epoch: number): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.count = 0;
  }

  add(lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: Int64): void {
    const slot = (this.newest + 1) % REMEMBERED_BATCHES;
    const at = slot * SLOT;
    this.batches[at + LAST_SEQUENCE] = lastSequence;
    this.batches[at + LAST_OFFSET] = lastOffset;
    this.batches[at + OFFSET_DELTA] = offsetDelta;
    this.timestamps[slot] = timestamp;
    this.newest = slot;
    if (this.count < REMEMBERED_BATCHES) this.count++;
    this.lastTimestamp = timestamp;
  }

  /** The slot of the batch with exactly these sequence numbers, or -1. */
  find(firstSequence: number, lastSequence: number): number {
    for (let back = 0; back < this.count; back++) {
      const slot = (this.newest - back + REMEMBERED_BATCHES) % REMEMBERED_BATCHES;
      const at = slot * SLOT;
      if (
        this.batches[at + LAST_SEQUENCE] === lastSequence &&
        sequenceBefore(lastSequence, this.batches[at + OFFSET_DELTA]!) === firstSequence
      ) {
        return slot;
      }
    }
    return -1;
  }
}

/** A producer as DescribeProducers shows it. Absent numbers are -1. */
export interface ActiveProducer {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  /** ms since 1970. */
  readonly lastTimestamp: Int64;
  readonly coordinatorEpoch: number;
  readonly currentTransactionStartOffset: number;
}

/** A batch that was stored before. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Its largest timestamp, ms. */
  readonly timestamp: Int64;
}

/** The fields of a batch that producer state depends on. */
export interface ProducedBatch {
  producerId: Int64;
  producerEpoch: number;
  baseSequence: number;
  lastOffsetDelta: number;
  isTransactional: boolean;
}

/** A marker that ends a producer's transaction. */
export interface EndedTransaction {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  /** Whether it was committed, or else aborted. */
  readonly isCommit: boolean;
  /** The marker's offset. */
  readonly offset: number;
  /** The marker's timestamp, ms. */
  readonly timestamp: Int64;
}

/** One in so many of the producers makes way at a time where there are too many. */
const SHARE = 10;

/** The producers of one partition. */
export class ProducerState {
  readonly #entries = new Map<Int64, ProducerEntry>();
  readonly #maxProducers: number;
  readonly #transactions = new OpenTransactions();

  /** Nobody yet. A bound other than that of `limits.ts` is for tests. */
  constructor(maxProducers: number = MAX_PRODUCERS_PER_PARTITION) {
    this.#maxProducers = maxProducers;
  }

  /** How many producers are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether the producer has a transaction open in this partition. */
  hasOpenTransaction(producerId: Int64): boolean {
    return (this.#entries.get(producerId)?.transactionStartOffset ?? -1) >= 0;
  }

  /**
   * The last offset of the producer's newest batch (-1 when only a marker is known) and its epoch, or
   * null for a producer that is not remembered. Compaction keeps that batch.
   */
  lastProduced(producerId: Int64): { lastOffset: number; producerEpoch: number } | null {
    const entry = this.#entries.get(producerId);
    if (entry === undefined) return null;
    const lastOffset = entry.count === 0 ? -1 : entry.batches[entry.newest * SLOT + LAST_OFFSET]!;
    return { lastOffset, producerEpoch: entry.epoch };
  }

  /**
   * The batch that `batch` repeats, or null. One repeats another when it has the epoch and the
   * sequence numbers of one of the producer's last five.
   */
  findDuplicate(batch: ProducedBatch): StoredBatch | null {
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined || entry.epoch !== batch.producerEpoch) return null;
    const slot = entry.find(
      batch.baseSequence,
      sequenceAfter(batch.baseSequence, batch.lastOffsetDelta),
    );
    if (slot === -1) return null;
    const at = slot * SLOT;
    const lastOffset = entry.batches[at + LAST_OFFSET]!;
    return {
      baseOffset: lastOffset - entry.batches[at + OFFSET_DELTA]!,
      lastOffset,
      timestamp: entry.timestamps[slot]!,
    };
  }

  /**
   * Throws unless `batch`, which is no duplicate, may come next: INVALID_PRODUCER_EPOCH for an epoch
   * below the last seen, OUT_OF_ORDER_SEQUENCE_NUMBER for a sequence that does not follow, or that
   * does not begin a new epoch at 0, INVALID_TXN_STATE for a batch outside of the producer's open
   * transaction. A producer that is not known may begin anywhere: retention may
   * have taken what was known. `checkSequence` is false for batches of the coordinators, which have
   * no sequence numbers. `where` begins the messages.
   */
  check(batch: ProducedBatch, checkSequence: boolean, where: string): void {
    const { producerId, producerEpoch, baseSequence } = batch;
    const entry = this.#entries.get(producerId);
    if (entry === undefined) return;
    if (producerEpoch < entry.epoch) {
      throw new KafkaError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `${where}: producer ${producerId} has the epoch ${producerEpoch}, a newer one has ` +
          `${entry.epoch}`,
      );
    }
    if (entry.transactionStartOffset >= 0 && !batch.isTransactional) {
      throw new KafkaError(
        ErrorCode.INVALID_TXN_STATE,
        `${where}: producer ${producerId} has a transaction open, the batch is not part of one`,
      );
    }
    if (!checkSequence) return;
    if (producerEpoch !== entry.epoch) {
      if (baseSequence !== 0) {
        throw new KafkaError(
          ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
          `${where}: producer ${producerId} begins the epoch ${producerEpoch} with the sequence ` +
            `number ${baseSequence}, 0 is needed`,
        );
      }
      return;
    }
    const expected = sequenceAfter(entry.lastSequence, 1);
    if (baseSequence !== expected) {
      throw new KafkaError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `${where}: producer ${producerId} sent the sequence number ${baseSequence}, ${expected} ` +
          `is next`,
      );
    }
  }

  /**
   * Takes in a batch of data that has been stored, at `heardMs` by the broker's clock, or -1 when it
   * is read from the log again.
   */
  add(batch: ProducedBatch, baseOffset: number, timestamp: Int64, heardMs = -1): void {
    const entry = this.#entryOf(batch.producerId, heardMs);
    entry.setEpoch(batch.producerEpoch);
    if (batch.baseSequence >= 0) {
      entry.add(
        sequenceAfter(batch.baseSequence, batch.lastOffsetDelta),
        baseOffset + batch.lastOffsetDelta,
        batch.lastOffsetDelta,
        timestamp,
      );
    }
    entry.lastTimestamp = timestamp;
    if (batch.isTransactional && entry.transactionStartOffset < 0) {
      entry.transactionStartOffset = baseOffset;
      this.#transactions.begin(batch.producerId, baseOffset);
    }
  }

  /**
   * Takes in a marker that ends the producer's transaction. Returns what the `.txnindex` has to keep
   * of it, when it was aborted and had records here.
   */
  endTransaction(end: EndedTransaction, heardMs: number): AbortedTransaction | null {
    const entry = this.#entryOf(end.producerId, heardMs);
    const firstOffset = entry.transactionStartOffset;
    entry.setEpoch(end.producerEpoch);
    entry.coordinatorEpoch = end.coordinatorEpoch;
    entry.transactionStartOffset = -1;
    entry.lastTimestamp = end.timestamp;
    if (firstOffset < 0) return null;
    const lastStableOffset = this.#transactions.end(end.producerId, end.offset);
    if (end.isCommit) return null;
    return { producerId: end.producerId, firstOffset, lastOffset: end.offset, lastStableOffset };
  }

  /**
   * The first offset below `highWatermark` whose transaction is not decided, or is decided by a marker
   * that is not below it; `highWatermark` when there is none.
   */
  lastStableOffset(highWatermark: number): number {
    return this.#transactions.lastStableOffset(highWatermark);
  }

  /** Frees the memory of decided transactions whose markers are below `highWatermark`. */
  forgetStable(highWatermark: number): void {
    this.#transactions.forgetStable(highWatermark);
  }

  /**
   * Forgets the producers that wrote nothing for `expirationMs` (`producer.id.expiration.ms`) and
   * have no transaction open. One whose last batch was read from the log again counts as heard of at
   * the first call. Returns how many were forgotten.
   */
  expire(nowMs: number, expirationMs: number): number {
    let count = 0;
    for (const [producerId, entry] of this.#entries) {
      if (entry.transactionStartOffset >= 0) continue;
      if (entry.heardMs < 0) entry.heardMs = nowMs;
      else if (nowMs - entry.heardMs >= expirationMs) {
        this.#entries.delete(producerId);
        count++;
      }
    }
    return count;
  }

  /** All that a snapshot keeps. A producer's timestamp is when it was heard of, where that is known. */
  snapshot(): ProducerSnapshotEntry[] {
    return Array.from(this.#entries.values(), (entry) => {
      const at = entry.newest * SLOT;
      const hasBatch = entry.count > 0;
      return {
        producerId: entry.producerId,
        producerEpoch: entry.epoch,
        lastSequence: entry.lastSequence,
        lastOffset: hasBatch ? entry.batches[at + LAST_OFFSET]! : -1,
        offsetDelta: hasBatch ? entry.batches[at + OFFSET_DELTA]! : 0,
        lastTimestamp: entry.heardMs >= 0 ? entry.heardMs : entry.lastTimestamp,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTransactionStartOffset: entry.transactionStartOffset,
      };
    });
  }

  /** Takes in what a snapshot kept, in place of everything known, at the time `nowMs`. */
  restore(entries: readonly ProducerSnapshotEntry[], nowMs: number): void {
    this.clear();
    const inOrder = [...entries].sort((one, other) =>
      one.currentTransactionStartOffset - other.currentTransactionStartOffset
    );
    for (const stored of inOrder) {
      const { lastTimestamp, currentTransactionStartOffset: startOffset } = stored;
      const entry = this.#entryOf(stored.producerId, Math.min(Number(lastTimestamp), nowMs));
      entry.epoch = stored.producerEpoch;
      entry.coordinatorEpoch = stored.coordinatorEpoch;
      if (stored.lastOffset >= 0 && stored.lastSequence >= 0) {
        entry.add(stored.lastSequence, stored.lastOffset, stored.offsetDelta, lastTimestamp);
      }
      entry.lastTimestamp = lastTimestamp;
      entry.transactionStartOffset = startOffset;
      if (startOffset >= 0) this.#transactions.begin(stored.producerId, startOffset);
    }
  }

  /** Forgets every producer. */
  clear(): void {
    this.#entries.clear();
    this.#transactions.clear();
  }

  /** Every producer that is remembered. */
  active(): ActiveProducer[] {
    return Array.from(this.#entries.values(), (entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTransactionStartOffset: entry.transactionStartOffset,
    }));
  }

  /** The producer, which has just been heard of. */
  #entryOf(producerId: Int64, heardMs: number): ProducerEntry {
    let entry = this.#entries.get(producerId);
    if (entry === undefined) {
      if (this.#entries.size >= this.#maxProducers) this.#makeRoom();
      entry = new ProducerEntry(producerId);
      this.#entries.set(producerId, entry);
    }
    entry.heardMs = heardMs;
    return entry;
  }

  /** Forgets some of those that have been silent for longest; one with an open transaction stays. */
  #makeRoom(): void {
    const idle = [...this.#entries.values()].filter((entry) => entry.transactionStartOffset < 0);
    idle.sort((one, other) => one.heardMs - other.heardMs);
    for (const { producerId } of idle.slice(0, Math.ceil(this.#maxProducers / SHARE))) {
      this.#entries.delete(producerId);
    }
  }
}
