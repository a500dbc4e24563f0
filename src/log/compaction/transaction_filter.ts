/**
 * What became of the transactions whose batches compaction meets: records of aborted ones go, and a
 * marker may go once nothing of its transaction is left before it. The rules are Apache Kafka's.
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
  /** Whether a batch of it has been met: its marker is needed as long as there is one. */
  hasBatches: boolean;
}

/** Follows the transactions through the batches of a log, from its first to its last. */
export class TransactionFilter {
  /** Aborted transactions that begin further on, the next one last. */
  #coming: AbortedTransaction[] = [];
  readonly #aborting = new Map<Int64, OpenAbort>();
  readonly #committing = new Set<Int64>();
  #kept: AbortedTransaction[] = [];

  /** Learns which transactions were aborted in the segment that comes next. */
  expect(aborted: readonly AbortedTransaction[]): void {
    if (aborted.length === 0) return;
    const known = new Set(this.#coming.map(keyOf));
    for (const { transaction } of this.#aborting.values()) known.add(keyOf(transaction));
    this.#coming.push(...aborted.filter((transaction) => !known.has(keyOf(transaction))));
    this.#coming.sort((one, other) => other.firstOffset - one.firstOffset);
  }

  /**
   * Takes in the batch at `at`. True when its records, or its marker, are not needed any more: those
   * of an aborted transaction, and a marker of whose transaction no batch was met.
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

  /** The aborted transactions whose markers were kept since the last call: a new `.txnindex`. */
  takeKept(): AbortedTransaction[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  #visitMarker(bytes: Uint8Array, at: number): boolean {
    // One that compaction has emptied before.
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
