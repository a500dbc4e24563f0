import { assert, assertEquals } from "@std/assert";
import { NO_LIMIT } from "../../../src/log/log_config.ts";
import type { AppendOptions } from "../../../src/log/partition_log.ts";
import { allBatches, batchOf, checkpointsWith, Machine, refusal, START_MS } from "../fixture.ts";
import { test } from "../../harness.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };

test("a segment is rolled before it would exceed segment.bytes", () => {
  const machine = new Machine();
  const size = batchOf(2).length;
  const log = machine.open({ segmentBytes: size * 3 });
  for (let i = 0; i < 7; i++) log.append(batchOf(2), client);
  assertEquals(machine.segments(), [
    "00000000000000000000.log",
    "00000000000000000006.log",
    "00000000000000000012.log",
  ]);
  log.close();
});

test("a segment is rolled by the records' timestamps, or by the clock without timestamps", () => {
  const machine = new Machine();
  const log = machine.open({ segmentMs: 1_000 });
  log.append(batchOf(1), client);
  log.append(batchOf(1, { timestamp: START_MS + 1_000 }), client);
  assertEquals(log.segmentCount, 1);
  log.append(batchOf(1, { timestamp: START_MS + 1_001 }), client);
  assertEquals(log.segmentCount, 2);
  log.roll();
  log.append(batchOf(1, { timestamp: -1 }), client);
  machine.nowMs += 1_000;
  log.append(batchOf(1, { timestamp: -1 }), client);
  assertEquals(log.segmentCount, 3);
  machine.nowMs += 1;
  log.append(batchOf(1, { timestamp: -1 }), client);
  assertEquals(log.segmentCount, 4);
  log.close();
});

test("PartitionLog.roll creates one segment, and none after an empty one", () => {
  const log = new Machine().open();
  log.roll();
  assertEquals(log.segmentCount, 1);
  log.append(batchOf(1), client);
  log.roll();
  log.roll();
  assertEquals(log.segmentCount, 2);
  log.close();
});

test("retention by time deletes segments whose newest record has expired, including the active one", () => {
  const machine = new Machine();
  const log = machine.open({ retentionMs: 10_000, fileDeleteDelayMs: 0 });
  for (let i = 0; i < 3; i++) {
    log.append(batchOf(1, { timestamp: START_MS + i * 1_000 }), client);
    if (i < 2) log.roll();
  }
  assertEquals(log.applyRetention(START_MS + 10_000), 0);
  assertEquals(log.applyRetention(START_MS + 10_001), 1);
  assertEquals(log.logStartOffset, 1);
  assertEquals(log.applyRetention(START_MS + 99_000), 2);
  assertEquals([log.logStartOffset, log.logEndOffset, log.segmentCount], [3, 3, 1]);
  assertEquals(machine.segments(), ["00000000000000000003.log"]);
  assertEquals(log.applyRetention(START_MS + 999_000), 0);
  assertEquals(log.append(batchOf(1), client).baseOffset, 3);
  log.close();
});

test("retention by size keeps at least retention.bytes", () => {
  const size = batchOf(1).length;
  const log = new Machine().open({
    segmentBytes: size,
    retentionBytes: size * 2 + 1,
    retentionMs: -1,
  });
  for (let i = 0; i < 5; i++) log.append(batchOf(1), client);
  assertEquals(log.applyRetention(START_MS), 2);
  assertEquals(log.sizeInBytes, size * 3);
  assertEquals(log.applyRetention(START_MS), 0);
  log.updateConfig({ ...log.config, retentionBytes: 0 });
  assertEquals(log.applyRetention(START_MS), 3);
  assertEquals(log.sizeInBytes, 0);
  log.close();
});

test("retention deletes nothing if cleanup.policy lacks delete, nor beyond the high watermark", () => {
  const log = new Machine().open({ segmentBytes: 100, retentionMs: 0, retentionBytes: 0 });
  for (let i = 0; i < 4; i++) log.append(batchOf(1), client);
  log.updateConfig({ ...log.config, delete: false });
  assertEquals(log.applyRetention(START_MS + 1e9), 0);
  log.updateConfig({ ...log.config, delete: true });
  assertEquals(log.applyRetention(START_MS + 1e9, 2), 2);
  assertEquals(log.logStartOffset, 2);
  log.close();
});

test("PartitionLog.deleteRecordsBefore raises the log start offset and deletes whole segments", () => {
  const machine = new Machine();
  let saves = 0;
  const log = machine.open({ segmentBytes: 300, fileDeleteDelayMs: 0 }, {
    checkpoints: checkpointsWith({ saveLogStartOffset: () => void saves++ }),
  });
  for (let i = 0; i < 10; i++) log.append(batchOf(2), client);
  const count = log.segmentCount;
  log.deleteRecordsBefore(3);
  assertEquals([log.logStartOffset, log.segmentCount, saves], [3, count, 1]);
  assertEquals(log.endOffsetForEpoch(0), { leaderEpoch: 0, endOffset: 20 });
  log.deleteRecordsBefore(1);
  assertEquals([log.logStartOffset, saves], [3, 1]);
  assertEquals(refusal(() => log.deleteRecordsBefore(21)).name, "OFFSET_OUT_OF_RANGE");
  log.deleteRecordsBefore(20);
  assertEquals([log.logStartOffset, log.logEndOffset, saves], [20, 20, 2]);
  assertEquals(machine.segments().length, 1);
  assertEquals(log.append(batchOf(1), client).baseOffset, 20);
  assertEquals(allBatches(log).map((batch) => batch.baseOffset), [20]);
  log.close();
});

test("files of deleted segments are removed after file.delete.delay.ms, or when the log is closed", () => {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: 100, fileDeleteDelayMs: 5_000 });
  for (let i = 0; i < 4; i++) log.append(batchOf(1), client);
  log.deleteRecordsBefore(2);
  assertEquals(machine.segments().length, 4);
  log.applyRetention(machine.nowMs + 4_999);
  assertEquals(machine.segments().length, 4);
  log.applyRetention(machine.nowMs + 5_000);
  assertEquals(machine.segments().length, 2);
  log.deleteRecordsBefore(3);
  log.close();
  assertEquals(machine.segments().length, 1);
});

test("a deleted segment is renamed until its file is removed", () => {
  const machine = new Machine();
  const removed: string[] = [];
  const files = Object.assign(machine.files, {
    removeLater: (path: string) => Promise.resolve(void removed.push(path)),
  });
  assertEquals(files, machine.files);
  const log = machine.open({ segmentBytes: 100, fileDeleteDelayMs: 0 });
  for (let i = 0; i < 4; i++) log.append(batchOf(1), client);
  log.deleteRecordsBefore(2);
  assertEquals(machine.segments().length, 2);
  const aside = [0, 1].map((offset) => `/data/events-0/0000000000000000000${offset}.log.deleted`);
  assertEquals(removed, aside);
  assertEquals(aside.map((path) => files.exists(path)), [true, true]);
  // The process ends before they are removed, so the next one removes them.
  const again = machine.kill().open({ segmentBytes: 100 }, { logStartOffset: 2 });
  assertEquals([again.logStartOffset, again.logEndOffset], [2, 4]);
  assertEquals(aside.map((path) => machine.files.exists(path)), [false, false]);
  again.close();
});

test("PartitionLog.truncateTo removes whole batches, across segments", async () => {
  for (let offset = 0; offset <= 21; offset++) {
    const machine = new Machine();
    const log = machine.open({ segmentBytes: 300, indexIntervalBytes: 100 });
    for (let i = 0; i < 7; i++) log.append(batchOf(3), { ...client, leaderEpoch: i });
    const before = allBatches(log);
    await log.truncateTo(offset);
    const end = offset - offset % 3;
    assertEquals(log.logEndOffset, end, `${offset}`);
    assertEquals(allBatches(log), before.slice(0, end / 3), `${offset}`);
    assertEquals(log.latestEpoch, end / 3 - 1, `${offset}`);
    assertEquals(log.append(batchOf(2), { ...client, leaderEpoch: 9 }).baseOffset, end);
    const again = machine.kill().open({ segmentBytes: 300 });
    assertEquals(again.logEndOffset, end + 2, `${offset}`);
    again.close();
  }
});

test("PartitionLog.truncateFully leaves an empty log at the offset", async () => {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: 300 });
  for (let i = 0; i < 7; i++) log.append(batchOf(3), client);
  log.deleteRecordsBefore(9);
  await log.truncateFully(0);
  assertEquals([log.logStartOffset, log.logEndOffset, log.latestEpoch], [0, 0, -1]);
  log.append(batchOf(1), client);
  // The removal of earlier files must not remove the new ones.
  log.applyRetention(machine.nowMs + 1e6);
  assertEquals(allBatches(log).length, 1);
  await log.truncateFully(500);
  assertEquals([log.logStartOffset, log.logEndOffset], [500, 500]);
  assert(machine.segments().includes("00000000000000000500.log"));
  log.close();
});

test("segment.jitter.ms may be larger than any random number", () => {
  for (const segmentMs of [NO_LIMIT, 1_000]) {
    const { runtime } = new Machine();
    const below = (bound: number): number => {
      assert(bound <= 2 ** 32, "as the host's random source has it");
      return runtime.random.below(bound);
    };
    const log = new Machine().open({ segmentJitterMs: NO_LIMIT, segmentMs }, {
      runtime: { ...runtime, random: { ...runtime.random, below } },
    });
    log.append(batchOf(1), client);
    assertEquals(log.append(batchOf(1), client).baseOffset, 1);
    assertEquals(log.segmentCount, 1);
    // No segment is rolled later than segment.ms.
    log.append(batchOf(1, { timestamp: START_MS + 1_001 }), client);
    assertEquals(log.segmentCount, segmentMs === NO_LIMIT ? 1 : 2);
    log.close();
  }
});
