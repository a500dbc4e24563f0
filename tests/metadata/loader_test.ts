import { assertEquals, assertRejects } from "@std/assert";
import { AssertionFailure } from "../../src/assert.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import {
  encodeMetadataRecord,
  type MetadataRecordInput,
} from "../../src/metadata/records/metadata_record.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { test } from "../harness.ts";
import { broker, CHAT, config, EVENTS, partition, topic } from "./fixture.ts";
import { batches, newLoader, NotingListener, snapshotOf } from "./loader_fixture.ts";

const { TOPIC } = ConfigResourceType;
const BEGIN: MetadataRecordInput = { name: "BeginTransactionRecord", value: {} };
const END: MetadataRecordInput = { name: "EndTransactionRecord", value: {} };
const ABORT: MetadataRecordInput = { name: "AbortTransactionRecord", value: {} };
const NO_OP: MetadataRecordInput = { name: "NoOpRecord", value: {} };

function controller(controllerId: number): MetadataRecordInput {
  return {
    name: "RegisterControllerRecord",
    value: {
      controllerId,
      incarnationId: EVENTS,
      zkMigrationReady: false,
      endPoints: [],
      features: [],
    },
  };
}

function feature(name: string, featureLevel: number): MetadataRecordInput {
  return { name: "FeatureLevelRecord", value: { name, featureLevel } };
}

test("load() publishes topic by topic and completes each batch", async () => {
  const { loader } = newLoader();
  const listener = new NotingListener(loader);
  await loader.addListener(listener);
  await loader.load(batches(
    0,
    [topic("events", EVENTS), partition(EVENTS, 0), topic("chat", CHAT), partition(CHAT, 0)],
    [broker(1), controller(3)],
  ));
  assertEquals(listener.take(), [
    "prepare +events []",
    "apply +events [events]",
    "prepare +chat [events]",
    "apply +chat [events,chat]",
    "finish",
    "prepare broker 1 controller 3 [events,chat]",
    "apply broker 1 controller 3 [events,chat]",
    "finish",
  ]);
  assertEquals([loader.offset, loader.nextOffset, loader.image.epoch], [5, 6, 3]);
});

test("load() skips control batches and does not make the image stale for a NoOpRecord", async () => {
  const { loader } = newLoader();
  const control = encodeBatch(
    [{ key: new Uint8Array([0, 0, 0, 2]), value: new Uint8Array(4), timestamp: 1 }],
    { isControl: true, partitionLeaderEpoch: 2 },
  );
  await loader.load(control);
  assertEquals([loader.offset, loader.image.epoch, loader.image.version], [0, 2, 0]);
  await loader.load(batches(1, [NO_OP]));
  assertEquals([loader.offset, loader.image.epoch, loader.image.version], [1, 3, 0]);
});

test("load() publishes nothing of a transaction until it ends", async () => {
  const { loader } = newLoader();
  const listener = new NotingListener(loader);
  await loader.addListener(listener);
  let isSeen = false;
  const seen = loader.waitFor(2).then(() => isSeen = true);
  await loader.load(batches(0, [BEGIN, topic("events", EVENTS)], [partition(EVENTS, 0)]));
  assertEquals([loader.offset, loader.nextOffset, loader.isInTransaction], [-1, 3, true]);
  assertEquals([listener.take(), isSeen], [["finish", "finish"], false]);
  await loader.load(batches(3, [END, topic("chat", CHAT)]));
  await seen;
  assertEquals(listener.take(), [
    "prepare +events []",
    "apply +events [events]",
    "prepare +chat [events]",
    "apply +chat [events,chat]",
    "finish",
  ]);
  assertEquals([loader.offset, loader.isInTransaction], [4, false]);
});

test("load() drops the records of an aborted transaction", async () => {
  const { loader } = newLoader();
  await loader.load(batches(0, [BEGIN, topic("gone", EVENTS)], [ABORT], [topic("chat", CHAT)]));
  assertEquals(Array.from(loader.image.topics(), ({ name }) => name), ["chat"]);
  assertEquals(loader.offset, 3);
});

test("loadSnapshot() drops an open transaction", async () => {
  const { loader } = newLoader();
  await loader.load(batches(0, [NO_OP], [BEGIN, topic("gone", EVENTS)]));
  await loader.loadSnapshot(snapshotOf([topic("chat", CHAT)], 9));
  assertEquals([loader.isInTransaction, loader.offset, loader.image.epoch], [false, 8, 5]);
  await loader.load(batches(9, [broker(1)]));
  assertEquals(Array.from(loader.image.topics(), ({ name }) => name), ["chat"]);
  assertEquals(loader.image.broker(1)?.id, 1);
});

test("loadSnapshot() publishes only what differs, deletions first", async () => {
  const { loader } = newLoader();
  const listener = new NotingListener(loader);
  const KEPT = "cccccccccccccccccccccA";
  await loader.load(batches(0, [
    feature("metadata.version", 33),
    feature("group.version", 1),
    broker(1),
    broker(2),
    broker(3),
    controller(1),
    controller(2),
    topic("kept", KEPT),
    partition(KEPT, 0),
    topic("grown", EVENTS),
    partition(EVENTS, 0),
    topic("again", CHAT),
    partition(CHAT, 0),
    config(TOPIC, "again", "retention.ms", "1"),
    config(TOPIC, "kept", "retention.ms", "1"),
    config(TOPIC, "kept", "segment.ms", "1"),
    config(TOPIC, "grown", "retention.ms", "1"),
  ]));
  await loader.addListener(listener);
  const kept = loader.image.topicByName("kept");
  const RECREATED = "dddddddddddddddddddddA";
  await loader.loadSnapshot(snapshotOf([
    feature("metadata.version", 33),
    broker(1),
    broker(2, { fenced: true }),
    broker(4),
    controller(2),
    controller(3),
    topic("kept", KEPT),
    partition(KEPT, 0),
    topic("grown", EVENTS),
    partition(EVENTS, 0),
    partition(EVENTS, 1),
    topic("again", RECREATED),
    partition(RECREATED, 0),
    config(TOPIC, "again", "retention.ms", "2"),
    config(TOPIC, "kept", "retention.ms", "2"),
    config(TOPIC, "grown", "retention.ms", "1"),
  ], 100));
  assertEquals(listener.take(), [
    "prepare -again [kept,grown,again]",
    "apply -again [kept,grown]",
    "prepare broker 3 broker 2 broker 4 controller 1 controller 3 features [kept,grown]",
    "apply broker 3 broker 2 broker 4 controller 1 controller 3 features [kept,grown]",
    "prepare config 2 kept [kept,grown]",
    "apply config 2 kept [kept,grown]",
    "prepare ~grown [kept,grown]",
    "apply ~grown [kept,grown]",
    "prepare +again config 2 again [kept,grown]",
    "apply +again config 2 again [kept,grown,again]",
    "finish",
  ]);
  const { image } = loader;
  assertEquals(image.topicByName("kept"), kept);
  assertEquals([...image.configs(TOPIC, "kept")], [["retention.ms", "2"]]);
  assertEquals([...image.features], [["metadata.version", 33]]);
  assertEquals([loader.offset, loader.nextOffset], [99, 100]);
});

test("loadSnapshot() rejects a snapshot that does not follow the image", async () => {
  const { loader } = newLoader();
  await loader.load(batches(0, [NO_OP, NO_OP]));
  await assertRejects(
    () => loader.loadSnapshot(snapshotOf([], 2)),
    AssertionFailure,
    "The snapshot before 2 does not follow the metadata at 1",
  );
});

test("load() rejects a batch that does not follow the last one", async () => {
  const { loader } = newLoader();
  await loader.load(batches(0, [NO_OP, NO_OP]));
  await assertRejects(
    () => loader.load(batches(3, [NO_OP])),
    AssertionFailure,
    "begins at 3, expected 2",
  );
});

test("load() rejects a record of an unknown type or version and says what to do", async () => {
  for (
    const [value, reason] of [
      [[1, 99, 0, 0], "unknown type 99"],
      [
        [...encodeMetadataRecord(feature("metadata.version", 34))],
        "it raises metadata.version to 34, supported are 30 to 33",
      ],
      [[1, 27, 1, 0], "Cannot read a RegisterControllerRecord of version 1: supported are 0 to 0"],
    ] as const
  ) {
    const { loader } = newLoader();
    const waiting = loader.waitFor(5);
    const rejected = assertRejects(() => waiting, Error, reason);
    const unknown = encodeBatch([{ value: new Uint8Array(value), timestamp: 1 }]);
    const error = await assertRejects(
      () => loader.load(unknown),
      Error,
      "Cannot read __cluster_metadata-0 at offset 0: ",
    );
    await rejected;
    assertEquals(error.message.includes(`${reason}; a newer version may have written it`), true);
    await assertRejects(() => loader.load(batches(1, [NO_OP])), Error, reason);
  }
});

test("loadSnapshot() names the snapshot of an unknown record and changes nothing", async () => {
  const { loader } = newLoader();
  const listener = new NotingListener(loader);
  await loader.load(batches(0, [topic("events", EVENTS)]));
  await loader.addListener(listener);
  const unknown = encodeBatch([{ value: new Uint8Array([1, 99, 0, 0]), timestamp: 1 }], {
    baseOffset: 1,
  });
  await assertRejects(
    () =>
      loader.loadSnapshot({
        endOffset: 50,
        epoch: 4,
        lastContainedLogTimestamp: 1,
        batches: [batches(0, [topic("chat", CHAT)]), unknown],
      }),
    Error,
    "Cannot read the snapshot 50-4 of __cluster_metadata-0 at offset 1: ",
  );
  assertEquals([listener.take(), loader.image.topicCount], [[], 1]);
});

test("calls are carried out one at a time in order", async () => {
  const { loader } = newLoader();
  const listener = new NotingListener(loader);
  const all = Promise.all([
    loader.load(batches(0, [topic("events", EVENTS)])),
    loader.addListener(listener, (image) => {
      listener.notes.push(`start at ${image.offset}`);
    }),
    loader.load(batches(1, [topic("chat", CHAT)])),
    loader.loadSnapshot(snapshotOf([topic("chat", CHAT)], 5)),
    loader.load(batches(5, [broker(1)])),
  ]);
  await all;
  assertEquals(listener.take(), [
    "start at 0",
    "prepare +chat [events]",
    "apply +chat [events,chat]",
    "finish",
    "prepare -events [events,chat]",
    "apply -events [chat]",
    "finish",
    "prepare broker 1 [chat]",
    "apply broker 1 [chat]",
    "finish",
  ]);
});

test("a listener that fails is logged, and the others follow", async () => {
  const { loader, messages } = newLoader();
  const listener = new NotingListener(loader);
  await loader.addListener({ prepare: () => Promise.reject(new Error("no descriptor")) });
  await loader.addListener(listener);
  await loader.load(batches(0, [topic("events", EVENTS)]));
  assertEquals(messages, ["Cannot process the metadata from offset 0: no descriptor"]);
  assertEquals(listener.take(), ["prepare +events []", "apply +events [events]", "finish"]);
});

test("waitFor() resolves once every listener has processed the change", async () => {
  const { loader } = newLoader();
  const order: string[] = [];
  let end!: () => void;
  const applied = new Promise<void>((resolve) => end = resolve);
  await loader.addListener({
    apply: () => applied,
    finish: async () => {
      await Promise.resolve();
      order.push("finish");
    },
  });
  const waits = [3, 1, 0].map((offset) =>
    loader.waitFor(offset).then(() => order.push(`${offset}`))
  );
  const loaded = loader.load(batches(0, [topic("events", EVENTS), partition(EVENTS, 0)]));
  await Promise.resolve();
  assertEquals(order, []);
  end();
  await loaded;
  await Promise.all(waits.slice(1));
  assertEquals(order, ["finish", "0", "1"]);
  await loader.waitFor(1);
  await loader.loadSnapshot(snapshotOf([topic("events", EVENTS)], 20));
  await waits[0];
  assertEquals(order, ["finish", "0", "1", "finish", "3"]);
});

test("waitUntilLoaded() does not wait for the end of an open transaction", async () => {
  const { loader } = newLoader();

  const loaded = loader.waitUntilLoaded(1);
  const beyond = loader.waitUntilLoaded(2);
  const published = loader.waitFor(1);
  await loader.load(batches(0, [BEGIN], [topic("events", EVENTS)]));
  await loaded;
  await loader.waitUntilLoaded(0);
  assertEquals([loader.offset, loader.isInTransaction], [-1, true]);
  await loader.close(new Error("shutting down"));
  for (const call of [beyond, published, loader.waitUntilLoaded(2)]) {
    await assertRejects(() => call, Error, "shutting down");
  }
});

test("close() rejects waiting calls and ends a running load at its next pause", async () => {
  let paused!: () => void;
  const isPaused = new Promise<void>((resolve) => paused = resolve);
  let resume!: () => void;
  const resumed = new Promise<void>((resolve) => resume = resolve);
  const { loader, messages } = newLoader(() => () => {
    paused();
    return resumed;
  });
  const rejects = (call: Promise<unknown>) => assertRejects(() => call, Error, "shutting down");
  const loading = loader.load(
    batches(0, Array.from({ length: 200 }, () => broker(1))),
  );
  await isPaused;
  const all = [
    rejects(loading),
    rejects(loader.waitFor(1)),
    rejects(loader.load(batches(200, [NO_OP]))),
    rejects(loader.capture()),
  ];
  const closed = loader.close(new Error("shutting down"));
  resume();
  await closed;
  await Promise.all(all);
  await rejects(loader.waitFor(1));
  assertEquals([loader.offset, messages], [-1, []]);
});

test("close() ends the reading of a snapshot at its next pause, and changes nothing", async () => {
  let paused!: () => void;
  const isPaused = new Promise<void>((resolve) => paused = resolve);
  const { loader } = newLoader(() => () => Promise.resolve(paused()));
  const rejected = assertRejects(
    () => loader.loadSnapshot(snapshotOf(Array.from({ length: 200 }, (_, id) => broker(id)), 300)),
    Error,
    "shutting down",
  );
  await isPaused;
  await loader.close(new Error("shutting down"));
  await rejected;
  assertEquals([[...loader.image.brokers()], loader.offset], [[], -1]);
});

test("load() and loadSnapshot() pause after a bounded number of records and comparisons", async () => {
  let pauses = 0;
  const { loader } = newLoader(() => () => Promise.resolve(void pauses++));
  const records = Array.from({ length: 1_000 }, (_, i) => {
    const id = `${String(i).padStart(21, "a")}A`;
    return [topic(`topic-${i}`, id), partition(id, 0)];
  }).flat();
  await loader.load(batches(0, records));
  assertEquals(pauses, Math.floor(2_000 / 64) + Math.floor(1_000 / 64));
  pauses = 0;
  await loader.loadSnapshot(snapshotOf(records, 5_000));
  const decoded = Math.floor(2_000 / 64) + Math.floor(1_000 / 64);
  assertEquals(pauses, decoded + 2 * Math.floor(1_000 / 64), "each topic is compared twice");
});

const LIMITS = { nowMs: 0, maxBytes: 1_000, maxIntervalMs: 60_000 };

test("shouldSnapshot() is true after enough bytes, but never inside a transaction", async () => {
  const { loader } = newLoader();
  const wide = (offset: number) => batches(offset, [config(TOPIC, "x".repeat(700), "a", "b")]);
  await loader.load(batches(0, [NO_OP]));
  assertEquals(loader.shouldSnapshot(LIMITS), false);
  await loader.load(wide(1));
  assertEquals(loader.shouldSnapshot(LIMITS), false);
  await loader.load(batches(2, [BEGIN]));
  await loader.load(batches(3, [config(TOPIC, "y".repeat(700), "a", "b")]));
  assertEquals(loader.shouldSnapshot(LIMITS), false, "inside a transaction");
  assertEquals(await loader.capture(), null);
  await loader.load(batches(4, [END]));
  assertEquals(loader.shouldSnapshot(LIMITS), true);
  const captured = await loader.capture();
  await loader.load(batches(5, [NO_OP]));
  const { endOffset, epoch, lastContainedLogTimestamp } = captured!;
  assertEquals([endOffset, epoch, lastContainedLogTimestamp], [5, 3, 1_004]);
  assertEquals(loader.shouldSnapshot(LIMITS), true, "until it has been written");
  await loader.load(wide(6));
  loader.snapshotWritten(captured!, 10);
  assertEquals(loader.shouldSnapshot(LIMITS), false);
  await loader.load(batches(7, [config(TOPIC, "z".repeat(250), "a", "b")]));
  assertEquals(loader.shouldSnapshot(LIMITS), true, "what was loaded while it was written counts");
});

test("shouldSnapshot() is true after the interval if the image is newer", async () => {
  const { loader } = newLoader();
  const after = (nowMs: number, maxIntervalMs = 60_000) =>
    loader.shouldSnapshot({ ...LIMITS, nowMs, maxIntervalMs });
  assertEquals(after(100_000), false, "there is nothing to write");
  assertEquals(await loader.capture(), null);
  await loader.load(batches(0, [NO_OP]));
  assertEquals([after(59_999), after(60_000), after(60_000, 0)], [false, true, false]);
  loader.snapshotWritten((await loader.capture())!, 70_000);
  assertEquals(after(200_000), false, "nothing has changed");
  await loader.load(batches(1, [NO_OP]));
  assertEquals([after(129_999), after(130_000)], [false, true]);
  await loader.loadSnapshot(snapshotOf([], 40));
  assertEquals(after(200_000), false, "a loaded snapshot need not be written");
});

test("capture() ends at a batch, although a load is running", async () => {
  const { loader } = newLoader();
  const [, captured] = await Promise.all([
    loader.load(batches(0, [topic("events", EVENTS)], [topic("chat", CHAT)])),
    loader.capture(),
  ]);
  assertEquals(captured!.endOffset, 2);
  await loader.load(batches(2, [{ name: "RemoveTopicRecord", value: { topicId: CHAT } }]));
  assertEquals(Array.from(captured!.records(), ({ value }) => (value as { name: string }).name), [
    "events",
    "chat",
  ]);
});
