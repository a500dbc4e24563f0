/**
 * What compaction may and may not do to a log: offsets and the last value of each key stay.
 *
 * @module
 */
import { decodeBatch } from "../../../src/protocol/records/batch.ts";
import { STORED_CODECS } from "../stored_codecs.ts";
import type { FoundLog, StoredBatch, StoredRecord } from "./stored_batch.ts";

const decoder = new TextDecoder();

/**
 * What is wrong with `found`, of which `batches` were stored and compacted below `compactedUpTo`, or
 * null: a record that is there is the one that was stored at its offset; one that is missing lies in
 * the compacted part and has a successor with its key, or is a tombstone whose time was over, and then
 * nothing is left of what it deleted.
 */
export function judgeCompacted(
  found: FoundLog,
  batches: readonly StoredBatch[],
  compactedUpTo: number,
  mayLackTombstone: (record: StoredRecord) => boolean = () => false,
): string | null {
  const stored = recordsOf(batches, found);
  let expected = found.startOffset;
  const present = new Set<number>();
  for (const batch of found.batches) {
    if (batch.lastOffset < expected) return `the batch at ${batch.baseOffset} comes twice`;
    expected = batch.lastOffset + 1;
    for (const record of decodeBatch(batch.bytes, 0, { codecs: STORED_CODECS }).records) {
      if (record.offset < found.startOffset) continue;
      const wanted = stored.get(record.offset);
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
  stored: ReadonlyMap<number, StoredRecord>,
  present: ReadonlySet<number>,
  compactedUpTo: number,
  mayLackTombstone: (record: StoredRecord) => boolean,
): string | null {
  const newest = new Map<string | null, number>();
  for (const [offset, { key }] of stored) newest.set(key, offset);
  for (const offset of present) {
    const { key } = stored.get(offset)!;
    const last = newest.get(key)!;
    if (!present.has(last) && stored.get(last)!.value === null) {
      return `the key ${key} was deleted at ${last}, and its record at ${offset} is there`;
    }
  }
  for (const [offset, record] of stored) {
    if (present.has(offset)) continue;
    const { key, value } = record;
    if (offset >= compactedUpTo) return `the record at ${offset} is missing, it was not compacted`;
    if (newest.get(key)! > offset) continue;
    if (value === null && mayLackTombstone(record)) continue;
    return `the record at ${offset} is missing, the last one of the key ${key}`;
  }
  return null;
}

/** By offset, those that can be read, in order. */
function recordsOf(
  batches: readonly StoredBatch[],
  { startOffset, endOffset }: FoundLog,
): Map<number, StoredRecord> {
  const records = new Map<number, StoredRecord>();
  for (const batch of batches) {
    if (batch.lastOffset < startOffset || batch.baseOffset >= endOffset) continue;
    batch.records.forEach((record, i) => {
      const offset = batch.baseOffset + i;
      if (offset >= startOffset) records.set(offset, record);
    });
  }
  return records;
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes);
}
