/**
 * Reads of a partition: their parameters and results, for a consumer and for the replica of another node
 * alike.
 *
 * @module
 */
import type { PartitionLog } from "../log/partition_log.ts";
import { type LogRecords, NO_RECORDS } from "../log/segments/log_records.ts";
import type { AbortedTransaction } from "../log/segments/transaction_index_format.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

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

/** Reads the batches before `endOffset`, unless the histories of the reader and of `log` diverge. */
export function readBatches(
  log: PartitionLog,
  highWatermark: number,
  endOffset: number,
  position: ReadPosition,
  { committedOnly }: Reader,
  budget: ReadBudget,
): ReadResult {
  const { fetchOffset, maxBytes } = position;
  const divergingEpoch = divergingEpochOf(position, log);
  const records = divergingEpoch !== null ? NO_RECORDS : log.read({
    fetchOffset,
    maxBytes: Math.max(0, Math.min(maxBytes, budget.maxBytes)),
    endOffset,
    minOneBatch: budget.minOneBatch,
  });
  return {
    records,
    endOffset,
    highWatermark,
    lastStableOffset: log.lastStableOffset(highWatermark),
    logStartOffset: log.logStartOffset,
    abortedTransactions: !committedOnly
      ? null
      : records.byteLength === 0
      ? []
      : log.abortedTransactions(fetchOffset, Math.min(endOffset, records.offsetBound)),
    divergingEpoch,
  };
}

/** Returns where the reader's history and that of `log` part, or null while they agree. */
export function divergingEpochOf(
  { lastFetchedEpoch, fetchOffset }: ReadPosition,
  log: PartitionLog,
): DivergingEpoch | null {
  if (lastFetchedEpoch < 0) return null;
  const { leaderEpoch: epoch, endOffset } = log.endOffsetForEpoch(lastFetchedEpoch);
  if (epoch < 0 || endOffset < 0) {
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `Cannot read ${log.name} at offset ${fetchOffset}: epoch ${lastFetchedEpoch} is not known here any more`,
    );
  }
  const isSame = epoch >= lastFetchedEpoch && endOffset >= fetchOffset;
  return isSame ? null : { epoch, endOffset };
}
