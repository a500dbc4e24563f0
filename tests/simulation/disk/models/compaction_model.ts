/**
 * The rules of compaction: offsets and the last committed value of each key stay,
 * and nothing of a transaction that is not decided goes.
 *
 * @module
 */
import { decodeBatch, isControl, readAttributes } from "../../../../src/protocol/records/batch.ts";
import { STORED_CODECS } from "../../stored_codecs.ts";
import type { FoundLog, StoredRecord } from "./stored_batch.ts";
import type { Fate, TransactionHistory } from "./transaction_model.ts";

const decoder = new TextDecoder();

/** A record that was stored, with what became of its transaction. */
interface Stored {
  readonly record: StoredRecord;
  readonly fate: Fate;
}

/**
 * Returns what is wrong with `found`, of which the batches of `history` were stored and compacted below
 * `compactedUpTo`, or null: a record that is there is the one that was stored at its offset; one that
 * is missing lies in the compacted part and has a committed successor there with its key, or was
 * aborted, or is a tombstone whose time was over, and then nothing is left of what it deleted.
 */
export function judgeCompacted(
  found: FoundLog,
  history: TransactionHistory,
  compactedUpTo: number,
  mayLackTombstone: (record: StoredRecord) => boolean = () => false,
): string | null {
  const stored = recordsOf(history, found);
  let expected = found.startOffset;
  const present = new Set<number>();
  for (const batch of found.batches) {
    if (batch.lastOffset < expected) return `the batch at ${batch.baseOffset} comes twice`;
    expected = batch.lastOffset + 1;
    if (isControl(readAttributes(batch.bytes, 0))) continue;
    for (const record of decodeBatch(batch.bytes, 0, { codecs: STORED_CODECS }).records) {
      if (record.offset < found.startOffset) continue;
      const wanted = stored.get(record.offset)?.record;
      if (wanted === undefined) return `there is a record at ${record.offset} that never was`;
      if (
        textOf(record.key) !== wanted.key || textOf(record.value) !== wanted.value ||
        record.timestamp !== wanted.timestamp
      ) {
        return `the record at ${record.offset} is another`;
      }
      if (present.has(record.offset)) return `the record at ${record.offset} comes twice`;
      present.add(record.offset);
    }
  }
  return judgeMissing(stored, present, compactedUpTo, mayLackTombstone);
}

function judgeMissing(
  stored: ReadonlyMap<number, Stored>,
  present: ReadonlySet<number>,
  compactedUpTo: number,
  mayLackTombstone: (record: StoredRecord) => boolean,
): string | null {
  const newest = new Map<string | null, number>();
  const newestCompacted = new Map<string | null, number>();
  for (const [offset, { record: { key }, fate }] of stored) {
    if (fate !== "committed") continue;
    newest.set(key, offset);
    if (offset < compactedUpTo) newestCompacted.set(key, offset);
  }
  for (const offset of present) {
    const { record: { key }, fate } = stored.get(offset)!;
    if (fate !== "committed") continue;
    const last = newest.get(key)!;
    if (!present.has(last) && stored.get(last)!.record.value === null) {
      return `the key ${key} was deleted at ${last}, and its record at ${offset} is there`;
    }
  }
  for (const [offset, { record, fate }] of stored) {
    if (present.has(offset)) continue;
    const { key, value } = record;
    if (offset >= compactedUpTo) return `the record at ${offset} is missing, it was not compacted`;
    if (fate === "open") return `the record at ${offset} is missing, its transaction is open`;
    if (fate === "aborted" || newestCompacted.get(key)! > offset) continue;
    if (value === null && mayLackTombstone(record)) continue;
    return `the record at ${offset} is missing, the last one of the key ${key}`;
  }
  return null;
}

/** By offset, those that can be read, in order. */
function recordsOf(
  history: TransactionHistory,
  { startOffset, endOffset }: FoundLog,
): Map<number, Stored> {
  const records = new Map<number, Stored>();
  for (const batch of history.batches) {
    if (batch.lastOffset < startOffset || batch.baseOffset >= endOffset) continue;
    if (batch.marker !== null) continue;
    const fate = history.fateOf(batch);
    batch.records.forEach((record, i) => {
      const offset = batch.baseOffset + i;
      if (offset >= startOffset) records.set(offset, { record, fate });
    });
  }
  return records;
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes);
}
