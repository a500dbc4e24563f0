/**
 * Transactions of the metadata log, which make the records of many batches take effect at once
 * (KIP-868).
 *
 * @module
 */
import type { MetadataRecord } from "./records/metadata_record.ts";

/** Buffers the records of a transaction until it ends. */
export class TransactionReader {
  #buffered: MetadataRecord[] | null = null;

  /** Whether a transaction has begun but not ended. */
  get isOpen(): boolean {
    return this.#buffered !== null;
  }

  /**
   * Returns the records that take effect with `records`: those outside of transactions, and those of
   * transactions that end here.
   */
  read(records: readonly MetadataRecord[]): MetadataRecord[] {
    let effective: MetadataRecord[] = [];
    for (const record of records) {
      switch (record.name) {
        case "BeginTransactionRecord":
          this.#buffered = [];
          break;
        case "EndTransactionRecord":
          effective = effective.concat(this.#buffered ?? []);
          this.#buffered = null;
          break;
        case "AbortTransactionRecord":
          this.#buffered = null;
          break;
        default:
          (this.#buffered ?? effective).push(record);
      }
    }
    return effective;
  }

  /** Drops the records of an open transaction. */
  clear(): void {
    this.#buffered = null;
  }
}
