/**
 * Holds what a log says of its producers and transactions against the model: where committed reading
 * ends, which transactions were aborted, what each producer may send next, and, as a consumer works
 * it out, and the records that readers of committed records see.
 *
 * @module
 */
import type { PartitionLog } from "../../../../src/log/partition_log.ts";
import {
  isControl,
  isTransactional,
  readAttributes,
  readProducerId,
  readRecordCount,
  readRecords,
} from "../../../../src/protocol/records/batch.ts";
import { decodeControlRecordKey } from "../../../../src/protocol/records/control_record.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { indexOf, type PartitionModel } from "./partition_model.ts";
import { type FoundBatch, readFrom } from "./stored_batch.ts";
import type { Transaction, TransactionHistory } from "./transaction_model.ts";

/** Returns the first difference between `log` and the model in producers and transactions, or null. */
export function judgeTransactions(
  log: PartitionLog,
  model: PartitionModel,
  random: Xoshiro128,
): string | null {
  const history = model.history();
  return judgeStable(log, model, history) ?? judgeAborted(log, model, history) ??
    judgeProducers(log, model, history) ?? judgeCommitted(log, history, random);
}

/** Whether nothing has been taken away from the log, so that it must know all to the letter. */
function isWhole({ isCompacted, startOffset }: PartitionModel): boolean {
  return !isCompacted && startOffset === 0;
}

function judgeStable(
  log: PartitionLog,
  model: PartitionModel,
  history: TransactionHistory,
): string | null {
  const stable = log.lastStableOffset(log.logEndOffset);
  let earliest = model.endOffset;
  let latest = model.endOffset;
  for (const transaction of history.open.values()) {
    earliest = Math.min(earliest, transaction.firstOffset);
    latest = Math.min(latest, firstLeft(transaction, model));
  }
  earliest = Math.max(earliest, model.startOffset);
  latest = Math.max(latest, model.startOffset);
  if (stable >= earliest && stable <= latest) return null;
  return `its last stable offset is ${stable}, ${earliest} to ${latest} is right`;
}

/** Where the first batch lies of a transaction that must be there. */
function firstLeft({ batches, decision }: Transaction, model: PartitionModel): number {
  // Where a decision is known, and its marker is lost, records may have been compacted as it says.
  const mayLack = model.isCompacted && decision !== null ? model.compactedUpTo : 0;
  const limit = Math.max(model.startOffset, mayLack);
  return batches.find(({ lastOffset }) => lastOffset >= limit)?.baseOffset ?? Infinity;
}

function judgeAborted(
  log: PartitionLog,
  model: PartitionModel,
  history: TransactionHistory,
): string | null {
  if (!isWhole(model)) return null;
  const wanted = history.ended.filter(({ decision }) => decision === "abort")
    .map(({ producerId, firstOffset, marker, lastStableOffset }) =>
      `${producerId}: ${firstOffset} to ${marker!.lastOffset}, ${lastStableOffset}`
    ).join("; ");
  const found = log.abortedTransactions(0, log.logEndOffset)
    .map(({ producerId, firstOffset, lastOffset, lastStableOffset }) =>
      `${producerId}: ${firstOffset} to ${lastOffset}, ${lastStableOffset}`
    ).join("; ");
  return found === wanted ? null : `it lists "${found}" as aborted, expected "${wanted}"`;
}

function judgeProducers(
  log: PartitionLog,
  model: PartitionModel,
  history: TransactionHistory,
): string | null {
  const known = new Map(log.activeProducers().map((producer) => [producer.producerId, producer]));
  for (const [producerId, { epoch, lastSequence, lastOffset }] of history.producers) {
    // Those before may have been forgotten with their records.
    if (lastOffset < model.startOffset || !isCurrent(model, producerId)) continue;
    const producer = known.get(producerId);
    if (producer?.producerEpoch !== epoch || producer.lastSequence !== lastSequence) {
      return `the producer ${producerId} is known with ${producer?.producerEpoch}/` +
        `${producer?.lastSequence}, ${epoch}/${lastSequence} is right`;
    }
    if (!isWhole(model)) continue;
    const begin = history.open.get(producerId)?.firstOffset ?? -1;
    const found = producer.currentTransactionStartOffset;
    if (found !== begin) {
      return `the transaction of producer ${producerId} begins at ${found}, expected ${begin}`;
    }
  }
  return null;
}

function isCurrent(model: PartitionModel, producerId: number): boolean {
  const first = model.producerId(0);
  return !model.isCompacted || (producerId >= first && producerId < first + 10);
}

/** Reads from anywhere to anywhere as a consumer does that wants committed records only. */
function judgeCommitted(
  log: PartitionLog,
  history: TransactionHistory,
  random: Xoshiro128,
): string | null {
  const stable = log.lastStableOffset(log.logEndOffset);
  if (stable <= log.logStartOffset) return null;
  const from = random.oneIn(2)
    ? log.logStartOffset
    : random.between(log.logStartOffset, stable - 1);
  const batches: FoundBatch[] = [];
  for (let offset = from; offset < stable;) {
    const read = readFrom(log, offset, 1 + random.below(3_000));
    if (read.length === 0) break;
    batches.push(...read.filter(({ baseOffset }) => baseOffset < stable));
    offset = read.at(-1)!.lastOffset + 1;
    if (random.oneIn(8)) break;
  }
  const end = (batches.at(-1)?.lastOffset ?? from) + 1;
  const waiting = [...log.abortedTransactions(from, end)]
    .sort((one, other) => one.firstOffset - other.firstOffset);
  const aborting = new Set<number | bigint>();
  for (const { baseOffset, lastOffset, bytes } of batches) {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= lastOffset) {
      aborting.add(waiting.shift()!.producerId);
    }
    const producerId = readProducerId(bytes, 0);
    if (readRecordCount(bytes, 0) === 0) continue;
    if (isControl(readAttributes(bytes, 0))) {
      if (isAbortMarker(bytes)) aborting.delete(producerId);
      continue;
    }
    const isHidden = isTransactional(readAttributes(bytes, 0)) && aborting.has(producerId);
    const fate = history.fateOf(history.batches[indexOf(history.batches, baseOffset)]!);
    if (isHidden === (fate !== "committed")) continue;
    return `a reader of committed records from ${from} to ${end} is ` +
      `${isHidden ? "not shown" : "shown"} the batch at ${baseOffset}, which is ${fate}`;
  }
  return null;
}

function isAbortMarker(bytes: Uint8Array): boolean {
  return [...readRecords(bytes, 0, { checkCrc: false })]
    .some(({ key }) => decodeControlRecordKey(key) === "abort");
}
