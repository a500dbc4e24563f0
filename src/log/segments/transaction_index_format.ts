/**
 * Kafka's `.txnindex`: the aborted transactions whose abort marker is in the segment, in the order of
 * their markers. A file is a list of entries of 34 bytes, big-endian, without a checksum:
 *
 * ```
 * int16 version (0), int64 producer id, int64 first offset, int64 last offset, int64 last stable offset
 * ```
 *
 * This module does no I/O.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import { ByteReader, ByteWriter } from "../../protocol/wire.ts";

/** The size of an entry of a `.txnindex`, bytes. */
export const ABORTED_TRANSACTION_BYTES = 34;

const VERSION = 0;

/** A transaction that was aborted in a partition. */
export interface AbortedTransaction {
  readonly producerId: Int64;
  /** The offset of its first record. */
  readonly firstOffset: number;
  /** The offset of its abort marker. */
  readonly lastOffset: number;
  /**
   * The partition's last stable offset when the marker was written: all transactions below it were
   * completed. A search for the aborted transactions of a range can stop at an entry whose value is
   * not below the end of the range.
   */
  readonly lastStableOffset: number;
}

/** The content of a `.txnindex`. */
export interface DecodedTransactionIndex {
  /** The valid entries: all, or those before the first invalid one. */
  readonly entries: readonly AbortedTransaction[];
  /** What is invalid, and at which byte, or null. An invalid index is rebuilt. */
  readonly problem: string | null;
}

/** Encodes one entry, to be appended to a `.txnindex`. */
export function encodeAbortedTransaction(transaction: AbortedTransaction): Uint8Array {
  const writer = new ByteWriter(ABORTED_TRANSACTION_BYTES);
  writer.int16(VERSION);
  writer.exactInt64(transaction.producerId);
  writer.int64(transaction.firstOffset);
  writer.int64(transaction.lastOffset);
  writer.int64(transaction.lastStableOffset);
  return writer.written();
}

/** Decodes a `.txnindex`. Never throws. */
export function decodeTransactionIndex(bytes: Uint8Array): DecodedTransactionIndex {
  const entries: AbortedTransaction[] = [];
  const reader = new ByteReader(bytes);
  while (reader.remaining > 0) {
    const problem = readEntry(reader, entries);
    if (problem !== null) return { entries, problem };
  }
  return { entries, problem: null };
}

/** Reads one entry into `entries`, or returns why it is invalid. */
function readEntry(reader: ByteReader, entries: AbortedTransaction[]): string | null {
  const at = reader.offset;
  if (reader.remaining < ABORTED_TRANSACTION_BYTES) {
    return `${reader.remaining} bytes are left at byte ${at}, an entry takes ` +
      `${ABORTED_TRANSACTION_BYTES}`;
  }
  const version = reader.int16();
  if (version !== VERSION) return `the version at byte ${at} is ${version}, ${VERSION} is known`;
  const entry: AbortedTransaction = {
    producerId: reader.exactInt64(),
    firstOffset: reader.int64(),
    lastOffset: reader.int64(),
    lastStableOffset: reader.int64(),
  };
  const { producerId, firstOffset, lastOffset, lastStableOffset } = entry;
  if (!Number.isSafeInteger(lastOffset) || !Number.isSafeInteger(lastStableOffset)) {
    return `the entry at byte ${at} has an offset beyond 2^53`;
  }
  if (producerId < 0 || firstOffset < 0 || lastOffset < firstOffset || lastStableOffset < 0) {
    return `the entry at byte ${at} has producer ${producerId} from offset ${firstOffset} to ` +
      `${lastOffset}, last stable offset ${lastStableOffset}`;
  }
  const previous = entries.at(-1);
  if (previous !== undefined && lastOffset <= previous.lastOffset) {
    return `the entry at byte ${at} ends at offset ${lastOffset}, the one before it at ` +
      `${previous.lastOffset}`;
  }
  entries.push(entry);
  return null;
}
