import { assertEquals, assertRejects } from "@std/assert";
import { ConfigResourceType } from "../../src/config/definition.ts";
import type { MetadataDelta } from "../../src/metadata/image.ts";
import { METADATA_LOG_CONFIG, MetadataLog } from "../../src/metadata/metadata_log.ts";
import {
  encodeMetadataRecord,
  type MetadataRecordInput,
} from "../../src/metadata/records/metadata_record.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { MemoryDisk } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import {
  CHAT,
  config,
  countingFlushes,
  EVENTS,
  memoryRuntime,
  openStorage,
  partition,
  topic,
} from "./fixture.ts";

const APPEND = { nowMs: 1_000, flush: true };

/** Encodes a batch as another implementation could have written it. */
function batchOf(records: readonly MetadataRecordInput[]): Uint8Array {
  return encodeBatch(
    records.map((record) => ({ value: encodeMetadataRecord(record), timestamp: 1 })),
  );
}

test("MetadataLog restores appended records after a restart", async () => {
  const disk = new MemoryDisk();
  const first = openStorage(memoryRuntime(disk));
  const log = await MetadataLog.open(first);
  assertEquals([log.endOffset, log.image.offset], [0, -1]);
  const created: string[] = [];
  await log.append([topic("events", EVENTS), partition(EVENTS, 0)], {
    ...APPEND,
    apply: ({ createdTopics }) => void created.push(...createdTopics.map(({ name }) => name)),
  });
  assertEquals(created, ["events"]);
  assertEquals([log.endOffset, log.image.offset], [2, 1]);
  await log.append([topic("chat", CHAT), partition(CHAT, 0)], APPEND);
  const before = [...log.image.topics()];
  first.close();

  const again = openStorage(memoryRuntime(disk));
  const { image } = await MetadataLog.open(again);
  assertEquals([...image.topics()], before);
  assertEquals([image.offset, image.epoch], [3, 1]);
  again.close();
});

test("append() with flush syncs the batch before applying it", async () => {
  const storage = openStorage(memoryRuntime());
  const counted = countingFlushes(storage);
  const log = await MetadataLog.open(counted.storage);
  await log.append([topic("events", EVENTS)], { nowMs: 1, flush: false });
  assertEquals(counted.flushes(), 0);
  await log.append([partition(EVENTS, 0)], { nowMs: 1, flush: true });
  assertEquals(counted.flushes(), 1);
  storage.close();
});

test("append() shows topics one by one, each once it has been prepared", async () => {
  const storage = openStorage(memoryRuntime());
  const log = await MetadataLog.open(storage);
  const { image } = log;
  const steps: string[] = [];
  const note = (what: string) => async ({ createdTopics, deletedTopics }: MetadataDelta) => {
    await Promise.resolve();
    const names = [...createdTopics, ...deletedTopics].map(({ name }) => name);
    const shown = [...image.topics()].map(({ name, partitions }) => `${name} ${partitions.length}`);
    steps.push(`${what} ${names}: ${shown.join(", ")}`);
  };
  const options = { ...APPEND, prepare: note("prepare"), apply: note("apply") };
  await log.append([
    topic("events", EVENTS),
    config(ConfigResourceType.TOPIC, "events", "retention.ms", "5"),
    partition(EVENTS, 0),
    partition(EVENTS, 1),
    topic("chat", CHAT),
    partition(CHAT, 0),
  ], options);
  await log.append([
    { name: "RemoveTopicRecord", value: { topicId: CHAT } },
    { name: "RemoveTopicRecord", value: { topicId: EVENTS } },
  ], options);
  assertEquals(steps, [
    "prepare events: ",
    "apply events: events 2",
    "prepare chat: events 2",
    "apply chat: events 2, chat 1",
    "prepare chat: events 2, chat 1",
    "apply chat: events 2",
    "prepare events: events 2",
    "apply events: ",
  ]);
  assertEquals(image.offset, 7);
  storage.close();
});

test("append() and open() pause after a bounded number of records", async () => {
  const disk = new MemoryDisk();
  const storage = openStorage(memoryRuntime(disk));
  const log = await MetadataLog.open(storage);
  let pauses = 0;
  const pause = () => Promise.resolve(void pauses++);
  const records = Array.from({ length: 1_000 }, (_, i) => {
    const id = `${String(i).padStart(21, "a")}A`;
    return [topic(`topic-${i}`, id), partition(id, 0)];
  });
  await log.append(records.flat(), { ...APPEND, pause });
  // 2,000 records are encoded and decoded, and 1,000 topics shown.
  assertEquals(pauses, 2 * Math.floor(2_000 / 64) + Math.floor(1_000 / 64));
  storage.close();
  pauses = 0;
  const again = openStorage(memoryRuntime(disk));
  const { image } = await MetadataLog.open(again, pause);
  assertEquals(image.topicCount, 1_000);
  assertEquals(pauses, Math.floor(2_000 / 64) + Math.floor(1_000 / 64) + 1);
  again.close();
});

test("append() applies nothing if the write fails", async () => {
  const storage = openStorage(memoryRuntime());
  const log = await MetadataLog.open(storage);
  storage.close();
  await assertRejects(() => log.append([topic("events", EVENTS)], APPEND));
  assertEquals(log.image.topicCount, 0);
});

test("records of a transaction take effect at its end, across batches", async () => {
  const storage = openStorage(memoryRuntime());
  const write = (...records: MetadataRecordInput[]) =>
    storage.append(batchOf(records), { leaderEpoch: 3, origin: "raft" });
  write({ name: "BeginTransactionRecord", value: {} }, topic("events", EVENTS));
  write(partition(EVENTS, 0), { name: "EndTransactionRecord", value: {} });
  write({ name: "BeginTransactionRecord", value: {} }, topic("gone", CHAT));
  write({ name: "AbortTransactionRecord", value: { reason: "no" } });
  write({ name: "NoOpRecord", value: {} });
  const { image } = await MetadataLog.open(storage);
  assertEquals([...image.topics()].map(({ name }) => name), ["events"]);
  assertEquals([image.offset, image.epoch], [7, 3]);
  storage.close();
});

test("MetadataLog aborts an open transaction, and later records take effect", async () => {
  const disk = new MemoryDisk();
  const storage = openStorage(memoryRuntime(disk));
  storage.append(
    batchOf([{ name: "BeginTransactionRecord", value: {} }, topic("open", CHAT)]),
    { leaderEpoch: 3, origin: "raft" },
  );
  const log = await MetadataLog.open(storage);
  assertEquals([log.image.topicCount, log.endOffset], [0, 3]);
  await log.append([topic("events", EVENTS), partition(EVENTS, 0)], APPEND);
  storage.close();
  const again = openStorage(memoryRuntime(disk));
  const { image, endOffset } = await MetadataLog.open(again);
  assertEquals([...image.topics()].map(({ name }) => name), ["events"]);
  assertEquals(endOffset, 5, "the transaction is aborted once");
  again.close();
});

test("MetadataLog skips control batches", async () => {
  const storage = openStorage(memoryRuntime());
  const control = encodeBatch(
    [{ key: new Uint8Array([0, 0, 0, 2]), value: new Uint8Array(4), timestamp: 1 }],
    { isControl: true },
  );
  storage.append(control, { leaderEpoch: 1, origin: "raft" });
  const { image } = await MetadataLog.open(storage);
  assertEquals([image.offset, image.topicCount], [0, 0]);
  storage.close();
});

test("MetadataLog rejects a record of an unknown type and says what to do", async () => {
  const storage = openStorage(memoryRuntime());
  const unknown = encodeBatch([{ value: new Uint8Array([1, 99, 0, 0]), timestamp: 1 }]);
  storage.append(unknown, { leaderEpoch: 1, origin: "raft" });
  await assertRejects(
    () => MetadataLog.open(storage),
    Error,
    "at offset 0: Cannot read a metadata record: unknown type 99; a newer version",
  );
  storage.close();
});

test("MetadataLog rejects a log that begins in a snapshot and says what to do", async () => {
  const storage = openStorage(memoryRuntime());
  const counted = countingFlushes(storage).storage;
  await assertRejects(
    () => MetadataLog.open({ ...counted, logStartOffset: 7, logEndOffset: 9 }),
    Error,
    "it begins at offset 7",
  );
  storage.close();
});

test("METADATA_LOG_CONFIG disables retention by time and size", () => {
  const { retentionMs, retentionBytes } = METADATA_LOG_CONFIG;
  assertEquals([retentionMs, retentionBytes], [-1, -1]);
});
