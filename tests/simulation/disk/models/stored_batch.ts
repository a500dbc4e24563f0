/**
 * The batches of the disk scenarios: their model, their encoding, and reading them from a log.
 *
 * @module
 */
import type { PartitionLog } from "../../../../src/log/partition_log.ts";
import {
  encodeBatch,
  readBaseOffset,
  readLastOffset,
  splitBatches,
  writeBaseOffset,
  writePartitionLeaderEpoch,
} from "../../../../src/protocol/records/batch.ts";
import {
  encodeControlRecordKey,
  encodeEndTransactionMarker,
} from "../../../../src/protocol/records/control_record.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { STORED_CODECS } from "../../stored_codecs.ts";

/** A record of a {@linkcode StoredBatch}. */
export interface StoredRecord {
  readonly key: string | null;
  /** Null for a tombstone. */
  readonly value: string | null;
  readonly timestamp: number;
}

/** The outcome of a transaction. */
export type Decision = "commit" | "abort";

/** A batch that a log holds, or should. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  /** -1 without an idempotent producer. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  /** The decision of a control batch, otherwise null. */
  readonly marker: Decision | null;
  readonly records: readonly StoredRecord[];
  /** As the producer sent it. */
  readonly sent: Uint8Array;
  /** As it lies in the file. */
  readonly bytes: Uint8Array;
}

/** The input of {@linkcode makeBatch}. */
export interface BatchPlan {
  readonly baseOffset: number;
  readonly epoch: number;
  readonly producerId: number;
  /** Defaults to 0. */
  readonly producerEpoch?: number;
  readonly baseSequence: number;
  readonly isTransactional?: boolean;
  readonly records: readonly StoredRecord[];
  readonly isCompressed: boolean;
}

/** The input of {@linkcode makeMarker}. */
export interface MarkerPlan {
  readonly baseOffset: number;
  readonly epoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly decision: Decision;
  readonly timestamp: number;
}

const COORDINATOR_EPOCH = 1;
const encoder = new TextEncoder();

/** The batch that comes of `plan`, both as it is sent and as it is to be stored. */
export function makeBatch(plan: BatchPlan): StoredBatch {
  const { baseOffset, epoch, producerId, producerEpoch = 0, baseSequence, records } = plan;
  const isTransactional = plan.isTransactional === true;
  const sent = encodeBatch(
    records.map(({ key, value, timestamp }) => ({
      key: key === null ? null : encoder.encode(key),
      value: value === null ? null : encoder.encode(value),
      timestamp,
    })),
    {
      ...(producerId >= 0 && { producerId, producerEpoch, baseSequence }),
      ...(isTransactional && { isTransactional }),
      ...(plan.isCompressed && { compression: "gzip" as const, codecs: STORED_CODECS }),
    },
  );
  const producer = { producerId, producerEpoch, baseSequence, isTransactional };
  return placed(
    { ...producer, marker: null, records, sent, baseOffset, lastOffset: -1, epoch, bytes: sent },
    baseOffset,
    epoch,
  );
}

/** The control batch that ends a transaction, as a coordinator writes it. */
export function makeMarker(plan: MarkerPlan): StoredBatch {
  const { baseOffset, epoch, producerId, producerEpoch, decision, timestamp } = plan;
  const sent = encodeBatch(
    [{
      key: encodeControlRecordKey(decision),
      value: encodeEndTransactionMarker(COORDINATOR_EPOCH),
      timestamp,
    }],
    { producerId, producerEpoch, isTransactional: true, isControl: true },
  );
  const producer = { producerId, producerEpoch, baseSequence: -1, isTransactional: true };
  const records = [{ key: null, value: null, timestamp }];
  return placed(
    {
      ...producer,
      marker: decision,
      records,
      sent,
      baseOffset,
      lastOffset: -1,
      epoch,
      bytes: sent,
    },
    baseOffset,
    epoch,
  );
}

/** The same batch, stored at `baseOffset` by the leader of `epoch`. */
export function placed(batch: StoredBatch, baseOffset: number, epoch: number): StoredBatch {
  const bytes = batch.sent.slice();
  writeBaseOffset(bytes, 0, baseOffset);
  writePartitionLeaderEpoch(bytes, 0, epoch);
  return { ...batch, baseOffset, lastOffset: baseOffset + batch.records.length - 1, epoch, bytes };
}

/** A batch that was read. */
export interface FoundBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
}

/** The result of reading a whole log. */
export interface FoundLog {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly batches: readonly FoundBatch[];
}

/** Reads the log from its start to its end, in pieces of any size. Throws what reading throws. */
export function readLog(log: PartitionLog, random: Xoshiro128): FoundLog {
  const { logStartOffset, logEndOffset } = log;
  const batches: FoundBatch[] = [];
  for (let fetchOffset = logStartOffset; fetchOffset < logEndOffset;) {
    const read = readFrom(log, fetchOffset, 1 + random.below(4_000));
    if (read.length === 0) break;
    batches.push(...read);
    fetchOffset = read.at(-1)!.lastOffset + 1;
  }
  return { startOffset: logStartOffset, endOffset: logEndOffset, batches };
}

/** The batches of one read. */
export function readFrom(log: PartitionLog, fetchOffset: number, maxBytes: number): FoundBatch[] {
  return batchesIn(readBytes(log, fetchOffset, maxBytes));
}

/** Returns what a fetch from `fetchOffset` reads, with a complete first batch if nothing is damaged. */
export function readBytes(log: PartitionLog, fetchOffset: number, maxBytes: number): Uint8Array {
  const source = log.read({
    fetchOffset,
    maxBytes,
    endOffset: log.logEndOffset,
    minOneBatch: true,
  });
  const bytes = new Uint8Array(source.byteLength);
  source.copyTo(bytes, 0);
  return bytes;
}

/** The batches in `bytes`, whole ones only. */
export function batchesIn(bytes: Uint8Array): FoundBatch[] {
  return Array.from(splitBatches(bytes, { allowPartial: true }), ({ start, end }) => ({
    baseOffset: readBaseOffset(bytes, start),
    lastOffset: readLastOffset(bytes, start),
    bytes: bytes.subarray(start, end),
  }));
}

/** Whether two pieces of memory hold the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
