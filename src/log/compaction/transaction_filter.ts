/**
 * Tracks the outcome of transactions whose batches compaction reads: records of aborted
 * transactions are dropped, and a marker may be dropped when no batch of its transaction is left
 * before it. The rules are Apache Kafka's.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import {
  isControl,
  isTransactional,
  readAttributes,
  readBaseOffset,
  readLastOffset,
  readProducerId,
  readRecordCount,
  readRecords,
} from "../../protocol/records/batch.ts";
import { decodeControlRecordKey } from "../../protocol/records/control_record.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";

interface OpenAbort {
  readonly transaction: AbortedTransaction;
  /** Whether a batch of it was found. Its marker is needed as long as there is one. */
  hasBatches: boolean;
}

/** Tracks transactions through the batches of a log, from first to last. */
export class TransactionFilter {
  /** The aborted transactions that start further on, the next one last. */
  #coming: AbortedTransaction[] = [];
  readonly #aborting = new Map<Int64, OpenAbort>();
  readonly #committing = new Set<Int64>();
  #kept: AbortedTransaction[] = [];

  /** Adds the aborted transactions of the next segment. */
  expect(aborted: readonly AbortedTransaction[]): void {
    if (aborted.length === 0) return;
    const known = new Set(this.#coming.map(keyOf));
    for (const { transaction } of this.#aborting.values()) known.add(keyOf(transaction));
    this.#coming.push(...aborted.filter((transaction) => !known.has(keyOf(transaction))));
    this.#coming.sort((one, other) => other.firstOffset - one.firstOffset);
  }

  /**
   * Processes the batch at `at`. Returns true if it is obsolete: records of an aborted transaction,
   * or a marker of a transaction without batches.
   */
  visit(bytes: Uint8Array, at: number): boolean {
    const attributes = readAttributes(bytes, at);
    this.#begin(readLastOffset(bytes, at));
    if (isControl(attributes)) return this.#visitMarker(bytes, at);
    if (!isTransactional(attributes)) return false;
    const producerId = readProducerId(bytes, at);
    const abort = this.#aborting.get(producerId);
    if (abort !== undefined && abort.transaction.firstOffset <= readBaseOffset(bytes, at)) {
      abort.hasBatches = true;
      return true;
    }
    this.#committing.add(producerId);
    return false;
  }

  /**
   * Returns the aborted transactions whose markers were kept since the last call, for the new
   * `.txnindex`.
   */
  takeKept(): AbortedTransaction[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  #visitMarker(bytes: Uint8Array, at: number): boolean {
    // The marker was emptied by a previous compaction.
    if (readRecordCount(bytes, at) === 0) return true;
    const producerId = readProducerId(bytes, at);
    for (const record of readRecords(bytes, at, { checkCrc: false })) {
      switch (decodeControlRecordKey(record.key)) {
        case "abort": {
          const abort = this.#aborting.get(producerId);
          this.#aborting.delete(producerId);
          if (abort?.hasBatches !== true) return true;
          this.#kept.push(abort.transaction);
          return false;
        }
        case "commit":
          return !this.#committing.delete(producerId);
        default:
          return false;
      }
    }
    return true;
  }

  #begin(offset: number): void {
    while (this.#coming.length > 0 && this.#coming.at(-1)!.firstOffset <= offset) {
      const transaction = this.#coming.pop()!;
      if (!this.#aborting.has(transaction.producerId)) {
        this.#aborting.set(transaction.producerId, { transaction, hasBatches: false });
      }
    }
  }
}

function keyOf({ producerId, firstOffset }: AbortedTransaction): string {
  return `${producerId} ${firstOffset}`;
}
