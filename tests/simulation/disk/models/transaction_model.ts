/**
 * The producers and transactions in the batches of a log, computed from all of them each
 * time: this is what the log has to know, whatever has happened to it.
 *
 * @module
 */
import type { Decision, StoredBatch } from "./stored_batch.ts";

/** The outcome of a batch. One outside of transactions counts as committed. */
export type Fate = "committed" | "aborted" | "open";

/** A producer's transaction in one partition. */
export interface Transaction {
  readonly producerId: number;
  readonly batches: StoredBatch[];
  /** Where it begins. */
  readonly firstOffset: number;
  /** The decision of the coordinator, even if its marker was lost; null while it is open. */
  decision: Decision | null;
  /** The batch that ended it, or null. */
  marker: StoredBatch | null;
  /** The last stable offset that its marker left. */
  lastStableOffset: number;
}

/** The state of a producer. */
export interface KnownProducer {
  readonly epoch: number;
  /** Of its last batch in this epoch, or -1. */
  readonly lastSequence: number;
  /** Where that batch lies, or without one, the marker that began this epoch. */
  readonly lastOffset: number;
}

/** Names a transaction for good. */
export function transactionKey({ producerId, firstOffset }: Transaction): string {
  return `${producerId} ${firstOffset}`;
}

/** The producers and transactions of one log. */
export class TransactionHistory {
  /** In the order of their markers. */
  readonly ended: Transaction[] = [];
  /** By producer, in the order in which they began. */
  readonly open: Map<number, Transaction> = new Map();
  /** By id. */
  readonly producers: Map<number, KnownProducer> = new Map();
  readonly #transactions = new Map<StoredBatch, Transaction>();

  constructor(
    readonly batches: readonly StoredBatch[],
    decisions: ReadonlyMap<string, Decision>,
  ) {
    for (const batch of batches) if (batch.producerId >= 0) this.#take(batch);
    for (const transaction of this.open.values()) {
      transaction.decision = decisions.get(transactionKey(transaction)) ?? null;
    }
  }

  /** Returns the outcome of a batch. */
  fateOf(batch: StoredBatch): Fate {
    const transaction = this.#transactions.get(batch);
    if (transaction === undefined || transaction.decision === "commit") return "committed";
    return transaction.decision === "abort" ? "aborted" : "open";
  }

  #take(batch: StoredBatch): void {
    const { producerId, producerEpoch: epoch, baseSequence, lastOffset } = batch;
    const before = this.producers.get(producerId);
    if (batch.marker !== null) {
      if (before?.epoch !== epoch) {
        this.producers.set(producerId, { epoch, lastSequence: -1, lastOffset });
      }
      return this.#end(batch);
    }
    const lastSequence = baseSequence + batch.records.length - 1;
    this.producers.set(producerId, { epoch, lastSequence, lastOffset });
    if (!batch.isTransactional) return;
    let transaction = this.open.get(producerId);
    if (transaction === undefined) {
      const state = { decision: null, marker: null, lastStableOffset: -1 };
      transaction = { producerId, firstOffset: batch.baseOffset, batches: [], ...state };
      this.open.set(producerId, transaction);
    }
    transaction.batches.push(batch);
    this.#transactions.set(batch, transaction);
  }

  #end(marker: StoredBatch): void {
    const transaction = this.open.get(marker.producerId);
    if (transaction === undefined) return;
    this.open.delete(marker.producerId);
    transaction.marker = marker;
    transaction.decision = marker.marker;
    const [first] = this.open.values();
    transaction.lastStableOffset = first?.firstOffset ?? marker.lastOffset + 1;
    this.ended.push(transaction);
  }
}
