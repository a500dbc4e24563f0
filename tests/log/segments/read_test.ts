import { assert, assertEquals, assertThrows } from "@std/assert";
import { KafkaError } from "../../../src/protocol/errors.ts";
import type { AppendOptions, PartitionLog } from "../../../src/log/partition_log.ts";
import { allBatches, batchesOf, batchOf, bytesOf, Machine, refusal } from "../fixture.ts";
import { test } from "../../harness.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };

/** Appends batches of 1 to 3 records across several segments. Returns their sizes. */
function filled(
  machine: Machine,
  indexIntervalBytes: number,
): { log: PartitionLog; sizes: number[] } {
  const log = machine.open({ segmentBytes: 700, indexIntervalBytes });
  const sizes = Array.from({ length: 24 }, (_, i) => {
    const batch = batchOf(1 + i % 3, { valueBytes: i * 7 % 50 });
    log.append(batch, client);
    return batch.length;
  });
  assert(log.segmentCount > 3);
  return { log, sizes };
}

test("PartitionLog.read returns whole batches within every combination of limits", () => {
  for (const interval of [1, 200, 100_000]) {
    const { log } = filled(new Machine(), interval);
    const batches = allBatches(log, 1);
    const end = log.logEndOffset;
    for (let fetchOffset = 0; fetchOffset <= end; fetchOffset++) {
      for (const endOffset of [0, fetchOffset, fetchOffset + 1, fetchOffset + 4, end, end + 9]) {
        for (const maxBytes of [0, 1, 100, 150, 333, 10_000]) {
          for (const minOneBatch of [false, true]) {
            const got = batchesOf(log.read({ fetchOffset, maxBytes, endOffset, minOneBatch }));
            const wanted = batches.filter((batch) =>
              batch.lastOffset >= fetchOffset && batch.lastOffset < endOffset
            );
            const what = JSON.stringify({
              interval,
              fetchOffset,
              endOffset,
              maxBytes,
              minOneBatch,
            });
            // A run of the wanted batches from the first on, as long as a segment and the limits let it be.
            assertEquals(
              got.map((batch) => batch.baseOffset),
              wanted.slice(0, got.length).map((batch) => batch.baseOffset),
              what,
            );
            const bytes = got.reduce((sum, batch) => sum + batch.sizeInBytes, 0);
            assert(bytes <= maxBytes || (minOneBatch && got.length === 1), what);
            const first = wanted[0];
            if (first && (minOneBatch || first.sizeInBytes <= maxBytes)) {
              assert(got.length > 0, what);
            }
          }
        }
      }
    }
    log.close();
  }
});

test("PartitionLog.read fills the limit up to one index interval", () => {
  const log = new Machine().open({ indexIntervalBytes: 400 });
  for (let i = 0; i < 100; i++) log.append(batchOf(1), client);
  const size = log.sizeInBytes / 100;
  for (const maxBytes of [size, 350, 1_000, 3_333]) {
    const read = log.read({ fetchOffset: 10, maxBytes, endOffset: 100, minOneBatch: false });
    assert(read.byteLength > maxBytes - 400 - size, `${maxBytes}: ${read.byteLength}`);
  }
  log.close();
});

test("PartitionLog.read starts with the batch that holds the offset", () => {
  const log = new Machine().open();
  log.append(batchOf(10), client);
  const read = log.read({ fetchOffset: 7, maxBytes: 1, endOffset: 10, minOneBatch: true });
  assertEquals(batchesOf(read)[0]!.baseOffset, 0);
  log.close();
});

test("PartitionLog.read rejects offsets outside of the log", () => {
  const log = new Machine().open({ segmentBytes: 300 });
  for (let i = 0; i < 10; i++) log.append(batchOf(2), client);
  log.deleteRecordsBefore(5);
  const read = (fetchOffset: number) => () =>
    log.read({ fetchOffset, maxBytes: 100, endOffset: 20, minOneBatch: true });
  for (const offset of [-1, 0, 4, 21]) {
    assertEquals(refusal(read(offset)).name, "OFFSET_OUT_OF_RANGE");
  }
  assertEquals(read(20)().byteLength, 0);
  assertEquals(batchesOf(read(5)())[0]!.baseOffset, 4);
  log.close();
});

test("a sequential reader reads each batch once, regardless of concurrent appends", () => {
  const log = new Machine().open({ segmentBytes: 2_000 });
  const seen: number[] = [];
  let fetchOffset = 0;
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 1 + i % 3; j++) log.append(batchOf(1 + j), client);
    const read = batchesOf(
      log.read({ fetchOffset, maxBytes: 250, endOffset: log.logEndOffset, minOneBatch: true }),
    );
    for (const batch of read) seen.push(...batch.records.map((record) => record.offset));
    fetchOffset = seen.at(-1)! + 1;
  }
  assertEquals(seen, seen.map((_, i) => i));
  log.close();
});

test("records can be copied in parts", () => {
  const log = new Machine().open();
  for (let i = 0; i < 5; i++) log.append(batchOf(3), client);
  const source = log.read({ fetchOffset: 0, maxBytes: 10_000, endOffset: 15, minOneBatch: true });
  const whole = bytesOf(source);
  const parts = new Uint8Array(whole.length);
  for (let at = 0; at < parts.length; at += 100) {
    source.copyTo(parts.subarray(at, Math.min(at + 100, parts.length)), at);
  }
  assertEquals(parts, whole);
  log.close();
});

test("records of a deleted segment can be copied until its file is removed, then fail cleanly", () => {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: 300, fileDeleteDelayMs: 1_000 });
  for (let i = 0; i < 10; i++) log.append(batchOf(2), client);
  const source = log.read({ fetchOffset: 0, maxBytes: 200, endOffset: 20, minOneBatch: true });
  const before = bytesOf(source);
  const files = machine.segments().length;
  log.deleteRecordsBefore(20);
  assertEquals(log.segmentCount, 1);
  assertEquals(machine.segments().length, files);
  assertEquals(bytesOf(source), before);
  log.applyRetention(machine.nowMs + 1_000);
  assertEquals(machine.segments().length, 1);
  assertEquals(refusal(() => bytesOf(source)).name, "KAFKA_STORAGE_ERROR");
  log.close();
});

test("records truncated while a response holds them are not replaced by others", async () => {
  const log = new Machine().open();
  for (let i = 0; i < 4; i++) log.append(batchOf(2), client);
  const source = log.read({ fetchOffset: 4, maxBytes: 10_000, endOffset: 8, minOneBatch: true });
  await log.truncateTo(4);
  for (let i = 0; i < 4; i++) log.append(batchOf(1), client);
  assertThrows(() => bytesOf(source), KafkaError, "truncated");
  log.close();
});

test("PartitionLog.read finds records written after a truncation, wherever earlier ones ended", async () => {
  const log = new Machine().open({ indexIntervalBytes: 100_000 });
  const baseOffsetAt = (fetchOffset: number) =>
    batchesOf(
      log.read({ fetchOffset, maxBytes: 10_000, endOffset: log.logEndOffset, minOneBatch: true }),
    ).map(({ baseOffset }) => baseOffset);
  for (let i = 0; i < 6; i++) log.append(batchOf(1), client);
  // Reads end at these positions, which the segment stores.
  for (const offset of [2, 3, 4]) assertEquals(baseOffsetAt(offset)[0], offset);
  await log.truncateTo(2);
  for (let i = 0; i < 4; i++) log.append(batchOf(1, { valueBytes: 200 + i }), client);
  for (const offset of [2, 3, 4]) assertEquals(baseOffsetAt(offset)[0], offset);
  log.close();
});
