/**
 * What a read of a partition is asked and answered with, for a consumer and for the replica of another
 * node alike.
 *
 * @module
 */
import type { LogRecords } from "../log/segments/log_records.ts";
import type { AbortedTransaction } from "../log/segments/transaction_index_format.ts";

/** The `replicaId` of a reader that is no replica. */
export const CONSUMER = -1;

/** Where in a partition a reader is. */
export interface ReadPosition {
  /** The offset to read from. */
  readonly fetchOffset: number;
  /** The leader epoch that the reader knows, or -1. */
  readonly currentLeaderEpoch: number;
  /** The leader epoch of the last record that the reader has, or -1. */
  readonly lastFetchedEpoch: number;
  /** Maximum number of bytes of this partition. */
  readonly maxBytes: number;
}

/** Properties of a reader that hold for each partition it reads. */
export interface Reader {
  /** The id of the node that reads for its own replica, or a negative number for a consumer. */
  readonly replicaId: number;
  /** Whether only records of committed transactions are read (`isolation.level=read_committed`). */
  readonly committedOnly: boolean;
  /** Whether the reader can decompress zstd. */
  readonly allowZstd: boolean;
}

/** What one read may return. */
export interface ReadBudget {
  /** Maximum number of bytes, beside that of the position. */
  maxBytes: number;
  /** Whether the first batch is returned even if it is larger than allowed. */
  minOneBatch: boolean;
}

/** Where the log of a reader and this one part (KIP-595). */
export interface DivergingEpoch {
  /** The newest epoch in this log that is not newer than the reader's last one. */
  readonly epoch: number;
  /** Where that epoch ends in this log. */
  readonly endOffset: number;
}

/** The result of a read. */
export interface ReadResult {
  readonly records: LogRecords;
  /** The offset that this reader could read up to. */
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** The aborted transactions with records among these; null unless `committedOnly`. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Null while the histories agree. There are no records otherwise. */
  readonly divergingEpoch: DivergingEpoch | null;
}
