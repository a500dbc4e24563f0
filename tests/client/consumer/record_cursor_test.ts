import { assertEquals, assertThrows } from "@std/assert";
import { AssignedPartition } from "../../../src/client/consumer/assigned_partition.ts";
import type { FetchedBatches } from "../../../src/client/consumer/fetcher.ts";
import { RecordCursor } from "../../../src/client/consumer/record_cursor.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";

const noCodecs = () => {
  throw new Error("nothing here is compressed");
};

/** Encodes a batch of `count` records from `baseOffset`. */
const batch = (baseOffset: number, count: number, options: { isControl?: boolean } = {}) =>
  encodeBatch(
    Array.from({ length: count }, (_, i) => ({ timestamp: i, value: new Uint8Array([i]) })),
    { baseOffset, ...options },
  );

function fetched(
  partition: AssignedPartition,
  fromOffset: number,
  nextOffset: number,
  batches: readonly Uint8Array[],
): FetchedBatches {
  const bytes = new Uint8Array(batches.reduce((sum, one) => sum + one.length, 0));
  let end = 0;
  for (const one of batches) {
    bytes.set(one, end);
    end += one.length;
  }
  return { partition, bytes, end, fromOffset, nextOffset };
}

/** Returns the remaining offsets, with the position after each. */
function drain(cursor: RecordCursor, partition: AssignedPartition): [number, number][] {
  const seen: [number, number][] = [];
  do {
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      seen.push([record.offset, partition.position]);
    }
  } while (cursor.advance());
  return seen;
}

test("RecordCursor.next() returns records one by one and updates the position", () => {
  const partition = new AssignedPartition("t", 0, 10);
  const cursor = new RecordCursor(noCodecs);
  cursor.setFetched(fetched(partition, 10, 14, [batch(10, 2), batch(12, 2)]));
  assertEquals(drain(cursor, partition), [[10, 11], [11, 12], [12, 13], [13, 14]]);
});

test("RecordCursor skips records before the requested offset", () => {
  const partition = new AssignedPartition("t", 0, 12);
  const cursor = new RecordCursor(noCodecs);
  cursor.setFetched(fetched(partition, 12, 14, [batch(10, 4)]));
  assertEquals(drain(cursor, partition), [[12, 13], [13, 14]]);
});

test("RecordCursor skips control batches and advances the position", () => {
  const partition = new AssignedPartition("t", 0, 0);
  const cursor = new RecordCursor(noCodecs);
  const control = batch(1, 1, { isControl: true });
  cursor.setFetched(fetched(partition, 0, 3, [batch(0, 1), control, batch(2, 1)]));
  assertEquals(drain(cursor, partition), [[0, 1], [2, 3]]);
  cursor.setFetched(fetched(partition, 3, 4, [batch(3, 1, { isControl: true })]));
  assertEquals(drain(cursor, partition), []);
  assertEquals(partition.position, 4);
});

test("RecordCursor counts a record as processed when the next one is requested", () => {
  const partition = new AssignedPartition("t", 0, 0);
  const cursor = new RecordCursor(noCodecs);
  cursor.setFetched(fetched(partition, 0, 2, [batch(0, 2)]));
  cursor.next();
  assertEquals([partition.processed, partition.position], [0, 1]);
  cursor.next();
  assertEquals([partition.processed, partition.position], [1, 2]);
  assertEquals(cursor.advance(), false);
  assertEquals([partition.processed, partition.position], [2, 2]);
});

test("RecordCursor.rest() returns the remaining records of a batch", () => {
  const partition = new AssignedPartition("t", 0, 0);
  const cursor = new RecordCursor(noCodecs);
  cursor.setFetched(fetched(partition, 0, 5, [batch(0, 3), batch(3, 2)]));
  cursor.next();
  assertEquals(cursor.rest().map(({ offset }) => offset), [1, 2]);
  assertEquals([partition.processed, partition.position], [0, 3]);
  assertEquals(cursor.advance(), true);
  assertEquals(cursor.rest().map(({ offset }) => offset), [3, 4]);
});

test("RecordCursor.clear() discards the remaining records", () => {
  const partition = new AssignedPartition("t", 0, 0);
  const cursor = new RecordCursor(noCodecs);
  cursor.setFetched(fetched(partition, 0, 2, [batch(0, 2)]));
  cursor.clear();
  assertEquals(drain(cursor, partition), []);
  assertEquals(partition.position, 0);
});

test("RecordCursor reports the partition and offset of a corrupt batch", () => {
  const partition = new AssignedPartition("t", 3, 7);
  const cursor = new RecordCursor(noCodecs);
  const bad = batch(7, 1);
  bad[bad.length - 1]! ^= 1;
  const error = assertThrows(
    () => cursor.setFetched(fetched(partition, 7, 8, [bad])),
    KafkaError,
    "Cannot read t-3 at offset 7",
  );
  assertEquals((error as KafkaError).code, ErrorCode.CORRUPT_MESSAGE);
});
