import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KafkaError } from "../../src/protocol/errors.ts";
import type { LogConfig } from "../../src/log/log_config.ts";
import type { AppendOptions, PartitionLog } from "../../src/log/partition_log.ts";
import { DurableFile } from "../../src/log/text_file.ts";
import {
  abortMarker,
  allBatches,
  batchOf,
  FailingFiles,
  Machine,
  producedBatch,
  refusal,
  refusalOf,
} from "./fixture.ts";
import type { RecordsSource } from "../../src/protocol/records_source.ts";
import { test } from "../harness.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };

function opened(config: Partial<LogConfig> = {}): {
  machine: Machine;
  files: FailingFiles;
  log: PartitionLog;
} {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  return { machine, files, log: machine.open(config) };
}

test("a failed write stores nothing, and the log continues when the disk works again", () => {
  for (const bytesBeforeFailure of [0, 1, 60, 100]) {
    const { machine, files, log } = opened();
    log.append(producedBatch(7, 0, 0, 3), client);
    const size = log.sizeInBytes;
    files.failing.add("write");
    files.failsAt = ".log";
    files.bytesBeforeFailure = bytesBeforeFailure;
    const answer = refusal(() => log.append(producedBatch(7, 0, 3, 3), client));
    assertEquals(answer.name, "KAFKA_STORAGE_ERROR");
    assertStringIncludes(answer.message, "Cannot append to events-0: ");
    assertStringIncludes(answer.message, "no space left");
    assertEquals([log.logEndOffset, log.sizeInBytes], [3, size]);
    assertEquals(allBatches(log).length, 1);
    assertEquals(log.failure, null);
    files.failing.clear();
    const result = log.append(producedBatch(7, 0, 3, 3), client);
    assertEquals([result.baseOffset, result.duplicate], [3, false]);
    assertEquals(machine.read("00000000000000000000.log").length, log.sizeInBytes);
    const again = machine.kill().open();
    assertEquals(again.logEndOffset, 6);
    again.close();
  }
});

test("a log whose end cannot be restored rejects appends but serves its records", () => {
  const { machine, files, log } = opened();
  log.append(batchOf(3), client);
  files.failing.add("write").add("truncate");
  files.failsAt = ".log";
  files.bytesBeforeFailure = 10;
  assertEquals(refusal(() => log.append(batchOf(3), client)).name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(log.failure!.message, "Cannot restore the end of events-0");
  files.failing.clear();
  assertEquals(refusal(() => log.append(batchOf(3), client)).name, "KAFKA_STORAGE_ERROR");
  assertEquals(allBatches(log).map((batch) => batch.baseOffset), [0]);
  // The remains of the failed write are truncated at the next start.
  const again = machine.kill().open();
  assertEquals(again.logEndOffset, 3);
  again.close();
});

test("a failed creation of a segment leaves the log unchanged", () => {
  const { files, log } = opened({ segmentBytes: batchOf(3).length });
  log.append(batchOf(3), client);
  files.failing.add("open");
  assertEquals(refusal(() => log.append(batchOf(3), client)).name, "KAFKA_STORAGE_ERROR");
  assertEquals([log.logEndOffset, log.segmentCount], [3, 1]);
  files.failing.clear();
  assertEquals(log.append(batchOf(3), client).baseOffset, 3);
  log.close();
});

test("a segment that was created but not truncated to zero does not prevent later appends", () => {
  const { machine, files, log } = opened({
    segmentBytes: batchOf(3).length + 2 * batchOf(1).length,
  });
  log.append(batchOf(3), client);
  log.append(batchOf(1), client);
  files.failing.add("truncate");
  assertEquals(refusal(() => log.append(batchOf(3), client)).name, "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  // A smaller batch still fits into the previous segment.
  assertEquals(log.append(batchOf(1), client).baseOffset, 4);
  assertEquals(log.append(batchOf(3), client).baseOffset, 5);
  log.close();
  // No file is left open: the directory can be renamed.
  machine.memory.rename(log.directory, "/data/moved");
  machine.memory.rename("/data/moved", log.directory);
  const again = machine.kill().open();
  assertEquals([again.logEndOffset, again.segmentCount], [8, 2]);
  assertEquals(allBatches(again).map((batch) => batch.baseOffset), [0, 3, 4, 5]);
  again.close();
});

test("an append is rejected if its leader epoch cannot be stored", () => {
  const { files, log } = opened();
  log.append(batchOf(1), client);
  files.failing.add("write");
  files.failsAt = "leader-epoch-checkpoint";
  const answer = refusal(() => log.append(batchOf(1), { ...client, leaderEpoch: 1 }));
  assertEquals(answer.name, "KAFKA_STORAGE_ERROR");
  assertEquals([log.logEndOffset, log.latestEpoch], [1, 0]);
  files.failing.clear();
  assertEquals(log.append(batchOf(1), { ...client, leaderEpoch: 1 }).baseOffset, 1);
  assertEquals(log.endOffsetForEpoch(0).endOffset, 1);
  log.close();
});

test("a failed read throws a KafkaError and does not stop the log", () => {
  const { files, log } = opened({ indexIntervalBytes: 100_000 });
  for (let i = 0; i < 4; i++) log.append(batchOf(3), client);
  files.failing.add("read");
  const read = () =>
    log.read({ fetchOffset: 7, maxBytes: 9_999, endOffset: 12, minOneBatch: true });
  assertEquals(refusal(read).name, "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  const source = read();
  files.failing.add("read");
  const copy = () => source.copyTo(new Uint8Array(source.byteLength), 0);
  assertEquals(refusal(copy).name, "KAFKA_STORAGE_ERROR");
  log.close();
});

test("bytes whose read failed are read before the next response, until that succeeds", () => {
  const { files, log } = opened();
  log.append(batchOf(3), client);
  const size = log.sizeInBytes;
  log.append(batchOf(3), client);
  const read = (fetchOffset: number, endOffset = 6) =>
    log.read({ fetchOffset, maxBytes: 9_999, endOffset, minOneBatch: true });
  const copy = (source: RecordsSource) => source.copyTo(new Uint8Array(source.byteLength), 0);
  // Earlier reads have stored the position of the batches.
  for (const offset of [0, 3]) copy(read(offset));
  const underWay = read(3);
  files.failing.add("read");
  assertEquals(refusal(() => copy(underWay)).name, "KAFKA_STORAGE_ERROR");
  for (const offset of [0, 3]) {
    assertEquals(refusal(() => read(offset)).name, "KAFKA_STORAGE_ERROR");
  }
  // Nothing indicates that the first batch cannot be read.
  assertEquals(read(0, 3).byteLength, size);
  files.failing.clear();
  copy(read(3));
  files.failing.add("read");
  assertEquals(read(3).byteLength, size);
  log.close();
});

test("after a failed sync the log rejects appends", async () => {
  const { files, log } = opened();
  log.append(batchOf(3), client);
  files.failing.add("sync");
  await assertRejects(() => log.flush(), KafkaError, "Cannot flush events-0");
  files.failing.clear();
  await assertRejects(() => log.flush(), KafkaError, "Cannot flush events-0");
  assertEquals(refusal(() => log.append(batchOf(3), client)).name, "KAFKA_STORAGE_ERROR");
  assertEquals(allBatches(log).length, 1);
  log.close();
});

test("PartitionLog.flush syncs every segment once", async () => {
  const { files, log } = opened({ segmentBytes: 200 });
  let syncs = 0;
  const { open } = files;
  files.open = (path, mode) => {
    const file = open.call(files, path, mode);
    return { ...file, sync: () => (syncs++, file.sync()) };
  };
  for (let i = 0; i < 3; i++) log.append(batchOf(2), client);
  await log.flush();
  assertEquals([log.isDirty, syncs > 0], [false, true]);
  const before = syncs;
  await log.flush();
  assertEquals(syncs, before);
  log.append(batchOf(1), client);
  assertEquals(log.isDirty, true);
  await log.flush();
  // The log has rolled: the new segment and the producer snapshot are synced.
  assertEquals(syncs, before + 2);
  log.close();
});

test("a closed log rejects every operation", async () => {
  const log = new Machine().open();
  log.append(batchOf(2), client);
  log.close();
  log.close();
  assertEquals(refusal(() => log.append(batchOf(2), client)).name, "KAFKA_STORAGE_ERROR");
  assertEquals((await refusalOf(log.truncateTo(0))).name, "KAFKA_STORAGE_ERROR");
  assertEquals(refusal(() => log.deleteRecordsBefore(1)).name, "KAFKA_STORAGE_ERROR");
  await assertRejects(() => log.flush(), KafkaError, "closed");
});

test("a disk too full for a segment's index does not stop the log", async () => {
  const { machine, files, log } = opened({ segmentBytes: batchOf(3).length });
  log.append(batchOf(3), client);
  files.failing.add("write");
  for (const failsAt of [".index", ".timeindex"]) {
    files.failsAt = failsAt;
    files.bytesBeforeFailure = 4;
    log.append(batchOf(3), client);
    await log.flush();
  }
  files.failing.clear();
  assertEquals([log.failure, log.append(batchOf(3), client).baseOffset], [null, 9]);
  await log.flush();
  const again = machine.kill().open();
  assertEquals(allBatches(again).map((batch) => batch.baseOffset), [0, 3, 6, 9]);
  again.close();
});

test("a full disk leaves no incomplete snapshot", () => {
  const { machine, files, log } = opened();
  log.append(producedBatch(1, 0, 0), client);
  files.failing.add("write");
  files.failsAt = ".snapshot";
  files.bytesBeforeFailure = 4;
  log.roll();
  const names = machine.memory.list("/data/events-0").map(({ name }) => name);
  assertEquals(names.filter((name) => name.endsWith(".snapshot")), []);
  log.close();
});

test("a log can be truncated on a full disk, including its transactions", async () => {
  const { files, log } = opened();
  const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
  for (const producerId of [1, 2]) {
    const producer = { producerId, producerEpoch: 0, isTransactional: true };
    log.append(batchOf(1, { ...producer, baseSequence: 0 }), coordinator);
    log.append(abortMarker(producer), coordinator);
  }
  files.failing.add("write");
  await log.truncateTo(3);
  assertEquals(log.abortedTransactions(0, 3).map(({ producerId }) => producerId), [1]);
  assertEquals(log.lastStableOffset(3), 2);
  files.failing.clear();
  log.close();
});

test("a partly truncated log rejects appends until the next start", async () => {
  const { machine, files, log } = opened();
  files.reason = "io";
  log.append(producedBatch(1, 0, 0), client);
  log.roll();
  log.append(producedBatch(1, 0, 1), client);
  log.append(producedBatch(1, 0, 2), client);
  files.failing.add("open");
  files.failsAt = ".snapshot";
  assertEquals((await refusalOf(log.truncateTo(2))).name, "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  assertEquals(
    refusal(() => log.append(producedBatch(1, 0, 2), client)).name,
    "KAFKA_STORAGE_ERROR",
  );
  const again = machine.kill().open();
  assertEquals(again.append(producedBatch(1, 0, 2), client).baseOffset, 2);
  again.close();
});

test("a sync whose file could not be opened is retried", async () => {
  const files = new FailingFiles(new Machine().memory);
  files.open("/one", "create").close();
  const file = new DurableFile(files, "/one");
  file.isDirty = true;
  files.failing.add("open");
  await assertRejects(() => file.sync());
  assertEquals(file.isDirty, true);
  files.failing.clear();
  await file.sync();
  assertEquals(file.isDirty, false);
});

for (const reason of ["no-space", "too-many-open"] as const) {
  test(`truncateTo() can be repeated after a file operation failed for ${reason}`, async () => {
    const refusedAt: string[] = [];
    for (const failsAt of [".snapshot", ".log", "leader-epoch-checkpoint"]) {
      const { machine, files, log } = opened({ segmentBytes: 200 });
      for (let i = 0; i < 4; i++) {
        log.append(producedBatch(1, 0, i), { ...client, leaderEpoch: i });
      }
      await log.flush();
      files.reason = reason;
      files.failing.add(reason === "no-space" ? "write" : "open");
      files.failsAt = failsAt;
      const { name } = await refusalOf(log.truncateTo(2));
      if (name === "NONE") continue;
      refusedAt.push(failsAt);
      assertEquals([name, log.failure, log.isTruncating], ["KAFKA_STORAGE_ERROR", null, true]);
      const append = () => log.append(producedBatch(1, 0, 2), { ...client, leaderEpoch: 9 });
      const refused = refusal(append);
      assertEquals(refused.name, "NOT_LEADER_OR_FOLLOWER", failsAt);
      assertStringIncludes(refused.message, "it is being truncated to offset 2");
      files.failing.clear();
      await log.truncateTo(2);
      assertEquals([log.logEndOffset, log.latestEpoch, log.isTruncating], [2, 1, false]);
      assertEquals(append().baseOffset, 2);
      await log.flush();
      const again = machine.kill().open();
      assertEquals(allBatches(again).map((batch) => batch.partitionLeaderEpoch), [0, 1, 9]);
      again.close();
    }
    const read = reason === "no-space" ? [] : [".snapshot"];
    assertEquals(refusedAt, [...read, "leader-epoch-checkpoint"]);
  });
}
