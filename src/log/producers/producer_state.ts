/**
 * The state of each idempotent producer in a partition (KIP-98): its epoch, its last five batches,
 * which serve to detect duplicates and gaps, and its open transaction.
 *
 * @module
 */
import { MAX_PRODUCERS_PER_PARTITION } from "../../limits.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { OpenTransactions } from "./open_transactions.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot_format.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";

/**
 * The number of batches kept to detect duplicates: the maximum that a producer may have in flight.
 */
export const REMEMBERED_BATCHES = 5;

const LARGEST_SEQUENCE = 2_147_483_647;

/** Returns the sequence number `count` after `sequence`; 0 follows 2^31 - 1. */
export function sequenceAfter(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > LARGEST_SEQUENCE ? sum - LARGEST_SEQUENCE - 1 : sum;
}

/** Returns the sequence number `count` before `sequence`; 2^31 - 1 precedes 0. */
export function sequenceBefore(sequence: number, count: number): number {
  const difference = sequence - count;
  return difference < 0 ? difference + LARGEST_SEQUENCE + 1 : difference;
}

// The three numbers of a batch, relative to its slot.
const LAST_SEQUENCE = 0;
const LAST_OFFSET = 1;
const OFFSET_DELTA = 2;
const SLOT = 3;

/** The state of one producer. */
class ProducerEntry {
  epoch = -1;
  coordinatorEpoch = -1;
  lastTimestamp: Int64 = -1;
  /**
   * When its last batch was received, by the broker's clock, ms since 1970, or -1. The timestamps
   * of records cannot be used: the producer chooses them.
   */
  heardMs = -1;
  /** The first offset of the open transaction, or -1. */
  transactionStartOffset = -1;
  readonly batches = new Float64Array(REMEMBERED_BATCHES * SLOT);
  /** The largest timestamp of each batch, by slot. */
  readonly timestamps: Int64[] = [];
  /** The number of used slots, and the slot of the newest batch. */
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

  /** Returns the slot of the batch with exactly these sequence numbers, or -1. */
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

/** A producer in the response to DescribeProducers. Absent numbers are -1. */
export interface ActiveProducer {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  /** In ms since 1970. */
  readonly lastTimestamp: Int64;
  readonly coordinatorEpoch: number;
  readonly currentTransactionStartOffset: number;
}

/** The original of a duplicate batch. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The largest timestamp, ms. */
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
  /** Whether the transaction was committed instead of aborted. */
  readonly isCommit: boolean;
  /** The marker's offset. */
  readonly offset: number;
  /** The marker's timestamp, ms. */
  readonly timestamp: Int64;
}

/** The divisor of the number of producers that are evicted at once when there are too many. */
const EVICTION_DIVISOR = 10;

/** The producers of one partition. */
export class ProducerState {
  #entries = new Map<Int64, ProducerEntry>();
  readonly #maxProducers: number;
  #transactions = new OpenTransactions();

  /** Creates an empty state. A limit other than that of `limits.ts` is for tests. */
  constructor(maxProducers: number = MAX_PRODUCERS_PER_PARTITION) {
    this.#maxProducers = maxProducers;
  }

  /** The number of producers with state. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns whether the producer has an open transaction in this partition. */
  hasOpenTransaction(producerId: Int64): boolean {
    return (this.#entries.get(producerId)?.transactionStartOffset ?? -1) >= 0;
  }

  /**
   * Returns the epoch and the last offset of the producer's newest batch (-1 if only a marker is
   * known), or null for an unknown producer. Compaction keeps that batch.
   */
  lastProduced(producerId: Int64): { lastOffset: number; producerEpoch: number } | null {
    const entry = this.#entries.get(producerId);
    if (entry === undefined) return null;
    const lastOffset = entry.count === 0 ? -1 : entry.batches[entry.newest * SLOT + LAST_OFFSET]!;
    return { lastOffset, producerEpoch: entry.epoch };
  }

  /**
   * Returns the batch that `batch` duplicates, or null. A duplicate has the epoch and the sequence
   * numbers of one of the producer's last five batches.
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
   * Throws unless `batch`, which is not a duplicate, may be appended: INVALID_PRODUCER_EPOCH for an
   * epoch below the last one, OUT_OF_ORDER_SEQUENCE_NUMBER for a sequence number that does not
   * follow the last one or that does not start a new epoch at 0, INVALID_TXN_STATE for a batch
   * outside of the producer's open transaction. An unknown producer may start with any sequence
   * number, since retention may have removed its state. `checkSequence` is false for batches of the
   * coordinators, which have no sequence numbers. Messages start with `where`.
   */
  check(batch: ProducedBatch, checkSequence: boolean, where: string): void {
    const { producerId, producerEpoch, baseSequence } = batch;
    const entry = this.#entries.get(producerId);
    if (entry === undefined) return;
    if (producerEpoch < entry.epoch) {
      throw new KafkaError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `${where}: producer ${producerId} has the stale epoch ${producerEpoch}, the current one is ` +
          `${entry.epoch}`,
      );
    }
    if (entry.transactionStartOffset >= 0 && !batch.isTransactional) {
      throw new KafkaError(
        ErrorCode.INVALID_TXN_STATE,
        `${where}: producer ${producerId} has an open transaction, but the batch is not transactional`,
      );
    }
    if (!checkSequence) return;
    if (producerEpoch !== entry.epoch) {
      if (baseSequence !== 0) {
        throw new KafkaError(
          ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
          `${where}: producer ${producerId} starts the epoch ${producerEpoch} with the sequence ` +
            `number ${baseSequence} instead of 0`,
        );
      }
      return;
    }
    const expected = sequenceAfter(entry.lastSequence, 1);
    if (baseSequence !== expected) {
      throw new KafkaError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `${where}: producer ${producerId} sent the sequence number ${baseSequence}, ${expected} ` +
          `was expected`,
      );
    }
  }

  /**
   * Adds a batch of data that was appended. `heardMs` is the broker's time at receipt, or -1 for a
   * batch replayed from the log.
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
   * Applies a marker that ends the producer's transaction. Returns the entry for the `.txnindex` if
   * the transaction was aborted and has records in this partition.
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
   * Returns the last stable offset: the first offset below `highWatermark` of a transaction that is
   * open, or whose marker is not below `highWatermark`; `highWatermark` if there is none.
   */
  lastStableOffset(highWatermark: number): number {
    return this.#transactions.lastStableOffset(highWatermark);
  }

  /** Removes completed transactions whose markers are below `highWatermark`. */
  forgetStable(highWatermark: number): void {
    this.#transactions.forgetStable(highWatermark);
  }

  /**
   * Removes the producers without an open transaction that wrote nothing for `expirationMs`
   * (`producer.id.expiration.ms`). For one whose last batch was replayed from the log, the time
   * starts at the first call. Returns the number of producers removed.
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

  /** Returns the content of a snapshot. A producer's timestamp is the time of receipt, if known. */
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

  /** Replaces the state with the content of a snapshot, at the time `nowMs`. */
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

  /** Replaces the state with that of `other`, which must not be used any more. */
  adopt(other: ProducerState): void {
    this.#entries = other.#entries;
    this.#transactions = other.#transactions;
  }

  /** Removes all producers. */
  clear(): void {
    this.#entries.clear();
    this.#transactions.clear();
  }

  /** Returns all producers. */
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

  /** Returns the producer, after updating its time of receipt. */
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

  /**
   * Evicts the producers that have been inactive for longest, except those with an open
   * transaction.
   */
  #makeRoom(): void {
    const idle = [...this.#entries.values()].filter((entry) => entry.transactionStartOffset < 0);
    idle.sort((one, other) => one.heardMs - other.heardMs);
    for (const { producerId } of idle.slice(0, Math.ceil(this.#maxProducers / EVICTION_DIVISOR))) {
      this.#entries.delete(producerId);
    }
  }
}
