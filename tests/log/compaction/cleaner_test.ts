import { assertEquals, assertRejects } from "@std/assert";
import { CleaningStopped, Pacer } from "../../../src/log/compaction/pacer.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { type Int64, MAX_INT64, MIN_INT64 } from "../../../src/protocol/int64.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import type { FileHandle, OpenMode } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { FilesOver } from "../files_over.ts";
import { Machine } from "../fixture.ts";
import { codecs, DIRECTORY, START_MS, TestLog } from "./fixture.ts";

test("compaction keeps the last value of each key, at its offset", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["b", "1"], ["c", "1"]]);
  log.write([["a", "2"], ["d", "1"]]);
  log.roll();
  log.write([["b", "2"]]);
  log.roll();
  log.write([["c", "9"]]);
  const report = await log.clean();
  assertEquals(log.records(), ["2:c=1", "3:a=2", "4:d=1", "5:b=2", "6:c=9"]);
  assertEquals(report?.endOffset, 6);
  assertEquals(report?.isPartial, false);
  assertEquals([report?.recordsRead, report?.recordsKept, report?.keys], [6, 4, 4]);
  assertEquals(report?.bytesKept, log.segments.all[0]?.size);
  assertEquals(log.storedCleanedOffset, 6);
  // The two closed segments have been merged.
  assertEquals(log.segments.all.map(({ baseOffset }) => baseOffset), [0, 6]);
});

test("the active segment is not compacted", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["a", "2"]]);
  assertEquals(await log.clean(), null);
  assertEquals(log.records(), ["0:a=1", "1:a=2"]);
});

test("segments with undecided transactions are not compacted", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["a", "2"]]);
  log.roll();
  log.write([["a", "3"], ["a", "4"]]);
  log.roll();
  await log.clean({ lastStableOffset: 3 });
  assertEquals(log.records(), ["1:a=2", "2:a=3", "3:a=4"]);
});

test("batches keep their producer, epochs and timestamp type", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["b", "1"], ["a", "2"]], {
    producerId: 7,
    producerEpoch: 2,
    baseSequence: 40,
    partitionLeaderEpoch: 5,
  });
  log.write([["b", "2"]], { timestampType: "LogAppendTime", maxTimestamp: START_MS + 77 });
  log.write([["c", "1"]]);
  log.roll();
  await log.clean();
  const [first, second] = log.batches();
  assertEquals(
    [first?.baseOffset, first?.lastOffset, first?.producerId, first?.producerEpoch],
    [0, 2, 7, 2],
  );
  assertEquals([first?.baseSequence, first?.partitionLeaderEpoch], [40, 5]);
  assertEquals(first?.records.map(({ offset, timestamp }) => [offset, timestamp]), [
    [2, START_MS + 2],
  ]);
  assertEquals(first?.maxTimestamp, START_MS + 2);
  assertEquals(second?.records[0]?.timestamp, START_MS + 77);
});

test("the largest timestamp of a batch is that of its kept records", async () => {
  const log = new TestLog();
  const first = log.write([["b", "1"], ["a", "1"]]);
  log.write([["a", "2"]]);
  log.roll();
  await log.clean();
  assertEquals(log.batches()[0]?.baseOffset, first);
  assertEquals(log.batches()[0]?.maxTimestamp, START_MS);
});

test("compressed batches are decompressed, filtered and compressed again", async () => {
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    const log = new TestLog();
    log.write([["a", "1"], ["b", "1"], ["c", "1"]], { compression });
    log.write([["a", "2"], ["b", "2"]], { compression });
    log.roll();
    await log.clean();
    assertEquals(log.records(), ["2:c=1", "3:a=2", "4:b=2"]);
    assertEquals(log.batches().map((batch) => batch.compression), [compression, compression]);
  }
});

test("records without a key are removed", async () => {
  const log = new TestLog();
  log.write([["a", "1"], [null, "1"], ["", "empty"]]);
  log.write([["b", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["0:a=1", "2:=empty", "3:b=1"]);
});

test("kept records keep their headers", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["b", "1"]]);
  log.write([["a", "2"]]);
  log.roll();
  await log.clean();
  const record = log.batches()[0]?.records[0];
  assertEquals(record?.headers.map(({ key }) => key), ["h"]);
});

test("a tombstone is kept for delete.retention.ms after compaction first saw it", async () => {
  const log = new TestLog({ deleteRetentionMs: 10_000 });
  log.write([["a", "1"], ["b", "1"]]);
  log.write([["a", null], ["c", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["1:b=1", "2:a=null", "3:c=1"]);
  const batch = log.batches().find(({ baseOffset }) => baseOffset === 2);
  assertEquals(batch?.deleteHorizonMs, START_MS + 10_000);
  assertEquals(batch?.records.map(({ timestamp }) => timestamp), [START_MS, START_MS + 1]);
  assertEquals(batch?.maxTimestamp, START_MS + 1);
  // Not yet: a consumer that started earlier may still need it.
  log.machine.nowMs = START_MS + 9_999;
  log.write([["d", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["1:b=1", "2:a=null", "3:c=1", "4:d=1"]);
  assertEquals(
    log.batches().find(({ baseOffset }) => baseOffset === 2)?.deleteHorizonMs,
    START_MS + 10_000,
  );
  log.machine.nowMs = START_MS + 10_000;
  log.write([["e", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["1:b=1", "3:c=1", "4:d=1", "5:e=1"]);
});

test("a key written again after its tombstone is kept", async () => {
  const log = new TestLog({ deleteRetentionMs: 0 });
  log.write([["a", "1"], ["a", null], ["a", "2"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["2:a=2"]);
});

test("the last batch of a producer is kept, even without records", async () => {
  const log = new TestLog();
  log.write([["a", "1"]], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  log.write([["a", "2"]], { producerId: 7, producerEpoch: 0, baseSequence: 1 });
  log.write([["a", "3"]], { producerId: 8, producerEpoch: 0, baseSequence: 0 });
  log.write([["a", "4"], ["b", "1"]]);
  log.producers.set(7, { lastOffset: 1, producerEpoch: 0 });
  log.roll();
  await log.clean();
  assertEquals(
    log.batches().map(({ baseOffset, producerId, baseSequence, records }) => [
      baseOffset,
      producerId,
      baseSequence,
      records.length,
    ]),
    [[1, 7, 1, 0], [3, -1, -1, 2]],
  );
  // Once the producer has expired, its empty batch is removed.
  log.producers.clear();
  log.write([["c", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.batches().map(({ baseOffset }) => baseOffset), [3, 5]);
});

test("the last batch of a segment is kept, so that a missing segment is noticed", async () => {
  const log = new TestLog({ segmentBytes: 1 });
  log.write([["a", "1"]]);
  log.write([["a", "2"]]);
  log.roll();
  log.write([["a", "3"]]);
  log.roll();
  await log.clean();
  const [first, second] = log.segments.all;
  assertEquals([first?.nextOffset, second?.baseOffset], [2, 2]);
  assertEquals(log.records(), ["2:a=3"]);
});

test("segments are merged up to segment.bytes", async () => {
  const log = new TestLog({ segmentBytes: 250 });
  for (let i = 0; i < 6; i++) {
    log.write([[`key-${i}`, "1"]]);
    log.roll();
  }
  await log.clean();
  assertEquals(log.segments.all.map(({ baseOffset }) => baseOffset), [0, 3, 6]);
  assertEquals(log.records().length, 6);
});

test("a segment without changes is not replaced", async () => {
  const log = new TestLog({ segmentBytes: 1 });
  log.write([["a", "1"]]);
  log.roll();
  log.write([["b", "1"], ["b", "2"]]);
  log.roll();
  const first = log.segments.all[0];
  const second = log.segments.all[1];
  await log.clean();
  assertEquals(log.segments.all[0] === first, true);
  assertEquals(log.segments.all[1] === second, false);
  log.segments.removeRetired(log.machine.nowMs);
  assertEquals(log.files().filter((name) => !name.endsWith("index")), [
    "00000000000000000000.log",
    "00000000000000000001.log",
    "00000000000000000003.log",
  ]);
});

test("keys that do not fit into the map are compacted in further passes", async () => {
  const log = new TestLog();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 40; i++) log.write([[`key-${i}`, String(round)]]);
    log.roll();
  }
  log.write([["last", "1"]]);
  let passes = 0;
  for (let isPartial = true; isPartial; passes++) {
    const report = await log.clean({ maxBytes: 24 * 20 });
    isPartial = report?.isPartial ?? false;
  }
  assertEquals(passes > 2, true, `${passes} passes`);
  assertEquals(
    log.records(),
    [...Array.from({ length: 40 }, (_, i) => `${40 + i}:key-${i}=1`), "80:last=1"],
  );
});

test("a batch with more keys than the map can hold fails with a message that says what to do", async () => {
  const log = new TestLog();
  log.write(Array.from({ length: 10 }, (_, i) => [`key-${i}`, "1"]));
  log.roll();
  await assertRejects(
    () => log.clean({ maxBytes: 100 }),
    KafkaError,
    "must be raised",
  );
  assertEquals(log.records().length, 10);
  assertEquals(log.files().some((name) => name.includes("cleaned")), false);
});

test("damaged batches fail the compaction instead of getting a valid checksum", async () => {
  const log = new TestLog();
  log.write([["a", "1"]]);
  const segment = log.segments.active;
  const position = segment.size;
  log.write([["a", "2"]]);
  log.roll();
  segment.file.writeAt(Uint8Array.of(0xee), position + 65);
  const error = await assertRejects(() => log.clean(), KafkaError);
  assertEquals(
    error.message.includes(`byte ${position} of ${DIRECTORY}/00000000000000000000.log`),
    true,
    error.message,
  );
  assertEquals(log.segments.all[0] === segment, true);
  assertEquals(log.files().some((name) => name.includes("cleaned")), false);
});

test("a log whose segments change during compaction is not modified", async () => {
  const log = new TestLog();
  for (let i = 0; i < 20; i++) log.write([["a", String(i)]]);
  log.roll();
  log.write([["b", "1"]]);
  log.roll();
  const cleaning = log.clean({ sliceBytes: 1 });
  await log.machine.runtime.clock.yieldToLoop();
  // Retention deletes the first segment.
  log.segments.retire(1, log.machine.nowMs);
  await assertRejects(() => cleaning, CleaningStopped);
  assertEquals(log.records(), ["20:b=1"]);
  assertEquals(log.storedCleanedOffset, 0);
  assertEquals(log.files().some((name) => /cleaned|swap/.test(name)), false);
});

test("a stopped cleaner leaves no files", async () => {
  const log = new TestLog();
  for (let i = 0; i < 20; i++) log.write([["a", String(i)]]);
  log.roll();
  const pacer = new Pacer({
    clock: log.machine.runtime.clock,
    maxBytesPerSecond: () => Infinity,
    sliceBytes: 1,
    pauseMs: 0,
  });
  const cleaning = log.clean({ pacer });
  await log.machine.runtime.clock.yieldToLoop();
  pacer.stop();
  await assertRejects(() => cleaning, CleaningStopped);
  assertEquals(log.records().length, 20);
  assertEquals(log.files().some((name) => /cleaned|swap/.test(name)), false);
});

test("records appended during compaction are kept", async () => {
  const log = new TestLog();
  for (let i = 0; i < 20; i++) log.write([["a", String(i)]]);
  log.roll();
  const cleaning = log.clean({ sliceBytes: 1 });
  for (let i = 0; i < 5; i++) {
    await log.machine.runtime.clock.yieldToLoop();
    log.write([["a", `new ${i}`]]);
    if (i === 2) log.roll();
  }
  await cleaning;
  assertEquals(log.records(), [
    "19:a=19",
    "20:a=new 0",
    "21:a=new 1",
    "22:a=new 2",
    "23:a=new 3",
    "24:a=new 4",
  ]);
});

test("reads of a replaced segment complete", async () => {
  const log = new TestLog({ fileDeleteDelayMs: 60_000 });
  log.write([["a", "1"], ["a", "2"]]);
  log.roll();
  const old = log.segments.read({
    fetchOffset: 0,
    maxBytes: 1_000,
    endOffset: 2,
    minOneBatch: true,
  });
  await log.clean();
  assertEquals(log.files().includes("00000000000000000000.log.deleted"), true);
  const bytes = new Uint8Array(old.byteLength);
  old.copyTo(bytes, 0);
  assertEquals(bytes.some((byte) => byte !== 0), true);
  log.segments.removeRetired(log.machine.nowMs + 60_000);
  assertEquals(log.files().some((name) => name.endsWith(".deleted")), false);
  assertEquals(log.records(), ["1:a=2"]);
});

/** A file system that calls a function once, during the sync of a directory. */
class SyncHook extends FilesOver {
  duringSync: (() => void) | null = null;

  open(path: string, mode: OpenMode): FileHandle {
    return this.files.open(path, mode);
  }

  override async syncDirectory(path: string): Promise<void> {
    const run = this.duringSync;
    this.duringSync = null;
    run?.();
    await super.syncDirectory(path);
  }
}

test("segments are not replaced if the log changed during the directory sync", async () => {
  const machine = new Machine();
  const files = new SyncHook(machine.memory);
  machine.files = files;
  const log = new TestLog({}, machine);
  for (const value of ["1", "2"]) {
    log.write([["a", value]]);
    log.roll();
  }
  const before = log.segments.all.map(({ path }) => path);
  files.duringSync = () => log.isWritable = false;
  await assertRejects(() => log.clean(), CleaningStopped);
  assertEquals(files.duringSync, null);
  assertEquals(log.segments.all.map(({ path }) => path), before);
  assertEquals(log.records(), ["0:a=1", "1:a=2"]);
  assertEquals(log.files().filter((name) => /cleaned|swap|deleted/.test(name)), []);
});

test("timestamps in nanoseconds, and at the ends of 64 bits, are kept by compaction", async () => {
  const nanoseconds = 1_700_000_000_000_000_000n;
  const timestamps: Int64[] = [
    nanoseconds,
    nanoseconds + 1n,
    MAX_INT64,
    MIN_INT64,
    -2,
    nanoseconds + 2n,
  ];
  const encoder = new TextEncoder();
  for (const compression of ["none", "gzip"] as const) {
    for (const tombstone of [false, true]) {
      const log = new TestLog({ deleteRetentionMs: 1_000 });
      const records = timestamps.map((timestamp, i) => ({
        key: encoder.encode(`k${i}`),
        value: tombstone && i === 1 ? null : encoder.encode("v"),
        timestamp,
      }));
      log.append(encodeBatch(records, { compression, codecs }));
      log.append(encodeBatch([{ ...records[2]!, value: encoder.encode("w") }], { baseOffset: 6 }));
      log.roll();
      await log.clean();
      const [batch] = log.batches();
      assertEquals(
        batch!.records.map(({ offset, timestamp }) => [offset, timestamp]),
        [0, 1, 3, 4, 5].map((i) => [i, timestamps[i]]),
      );
      assertEquals(batch!.maxTimestamp, nanoseconds + 2n);
      assertEquals(batch!.deleteHorizonMs, tombstone ? START_MS + 1_000 : null);
      log.machine.nowMs += 2_000;
      log.write([["k0", "x"]]);
      log.roll();
      await log.clean();
      assertEquals(
        log.batches()[0]!.records.map(({ timestamp }) => timestamp),
        (tombstone ? [3, 4, 5] : [1, 3, 4, 5]).map((i) => timestamps[i]),
      );
      assertEquals(log.segments.all[0]!.index.maxTimestamp, MAX_INT64);
    }
  }
});

test("compaction sets no largest timestamp below -1, which means none", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["b", "1"]], { timestamp: -5 });
  log.write([["a", "2"]]);
  log.roll();
  await log.clean();
  assertEquals(log.batches()[0]!.records.map(({ timestamp }) => timestamp), [-4]);
  assertEquals(log.batches()[0]!.maxTimestamp, -1);
});
