/**
 * When a batch is acknowledged and visible, by the topic's `flush.messages` and `flush.ms`, on a disk
 * whose syncs the test ends.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Node } from "../../../src/node/node.ts";
import { ConfigResourceType } from "../../../src/config/definition.ts";
import { ConfigOperation } from "../../../src/controller/configs.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { HeldSyncs } from "../../log/held_syncs.ts";
import { batchOf, type Fixture, produceTo, withBroker } from "../fixture.ts";
import type { RawClient } from "../raw_client.ts";

const ALWAYS = { "log.flush.interval.messages": "1" };
const STORAGE_ERROR = 56;

/** Runs `use` with a broker and the topic "events", whose log's syncs are held from then on. */
async function withHeldSyncs(
  use: (fixture: Fixture, disk: HeldSyncs) => Promise<void>,
  config: Record<string, string> = ALWAYS,
  partitions = 1,
): Promise<void> {
  const disk = new HeldSyncs(new MemoryFileSystem());
  await withBroker(
    async (fixture) => {
      await fixture.createTopic({ name: "events", numPartitions: partitions });
      // The first flush also syncs the log's other files.
      for (let i = 0; i < partitions; i++) {
        assertEquals(
          (await produceTo(fixture.client, "events", i, batchOf(["first"]))).errorCode,
          0,
        );
      }
      disk.heldAt = /\/events-\d+\/\d+\.log$/;
      try {
        await use(fixture, disk);
      } finally {
        disk.heldAt = null;
        disk.release();
      }
    },
    config,
    disk,
  );
}

/** Changes one key of the topic's configuration. */
async function setTopic({ controller }: Node, name: string, value: string): Promise<void> {
  const [result] = await controller.incrementalAlterConfigs([{
    resourceType: ConfigResourceType.TOPIC,
    resourceName: "events",
    changes: [{ name, operation: ConfigOperation.SET, value }],
  }]);
  assertEquals(result!.errorCode, 0);
}

/** Returns the high watermark, as a consumer gets it. */
async function highWatermark(client: RawClient, partitionIndex = 0): Promise<number> {
  const { topics } = await client.request(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "events", partitions: [{ partitionIndex, timestamp: -1 }] }],
  });
  return topics[0]!.partitions[0]!.offset;
}

for (const acks of [1, -1]) {
  test(`with flush.messages=1 and acks ${acks} no record is acknowledged or visible before the flush`, () =>
    withHeldSyncs(async ({ client, connect }, disk) => {
      const reader = await connect();
      let isAnswered = false;
      const answer = produceTo(client, "events", 0, batchOf(["a", "b"]), acks)
        .finally(() => void (isAnswered = true));
      await disk.untilPending(1);
      assertEquals([await highWatermark(reader), isAnswered], [1, false]);
      disk.release();
      const { errorCode, baseOffset } = await answer;
      assertEquals([errorCode, baseOffset], [0, 1]);
      assertEquals(await highWatermark(reader), 3);
    }));
}

test("producers whose batches arrive during a flush share the next one", () =>
  withHeldSyncs(async ({ client, connect }, disk) => {
    const first = produceTo(client, "events", 0, batchOf(["first"]));
    await disk.untilPending(1);
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect()));
    const answers = clients.map((one, i) =>
      produceTo(one, "events", 0, batchOf(["more"]), i % 2 === 0 ? 1 : -1)
    );
    await disk.untilWritten(13);
    disk.release();
    assertEquals((await first).errorCode, 0);
    await disk.untilPending(1);
    assertEquals(disk.release(), 1);
    const answered = await Promise.all(answers);
    assertEquals(answered.map(({ errorCode }) => errorCode), answers.map(() => 0));
    assertEquals(
      answered.map(({ baseOffset }) => baseOffset).sort((a, b) => a - b),
      answers.map((_, i) => i + 2),
    );
    assertEquals(disk.begun, 2);
  }));

test("a request for several partitions waits for the flushes of all, which run side by side", () =>
  withHeldSyncs(
    async ({ client }, disk) => {
      const answer = client.request(produce, 9, {
        acks: 1,
        timeoutMs: 5_000,
        topicData: [{
          name: "events",
          partitionData: [0, 1, 2].map((index) => ({ index, records: batchOf(["a"]) })),
        }],
      });
      await disk.untilPending(3);
      disk.release();
      const { responses } = await answer;
      assertEquals(responses[0]!.partitionResponses.map((one) => one.baseOffset), [1, 1, 1]);
    },
    ALWAYS,
    3,
  ));

test("a failed sync fails all requests that wait for it, ends the log and hides what may be lost", () =>
  withHeldSyncs(
    async ({ client, connect, messages }, disk) => {
      const index = disk.exists("/two/events-0") ? 0 : 1;
      const other = await connect();
      const waiting = [
        produceTo(client, "events", index, batchOf(["a"]), 1),
        produceTo(other, "events", index, batchOf(["b"]), -1),
      ];
      await disk.untilWritten(2);
      await disk.untilPending(1);
      // The second batch may have been appended after the sync began: it waits for one that never begins.
      disk.release("failed");
      for (const { errorCode, errorMessage, baseOffset } of await Promise.all(waiting)) {
        assertEquals([errorCode, baseOffset], [STORAGE_ERROR, -1]);
        assertStringIncludes(errorMessage!, `Cannot sync /two/events-${index}/`);
      }
      disk.heldAt = null;
      const later = await produceTo(client, "events", index, batchOf(["c"]), 1);
      assertEquals(later.errorCode, STORAGE_ERROR);
      // Partitions on the other disk are not affected.
      const elsewhere = await produceTo(client, "events", 1 - index, batchOf(["d"]), 1);
      assertEquals([elsewhere.errorCode, elsewhere.baseOffset], [0, 1]);
      assert(messages.some(({ level, message }) => level === "error" && message.includes("/two")));
    },
    { ...ALWAYS, "log.dirs": "/one,/two" },
    2,
  ));

test("a repeated batch is not acknowledged before the flush of its original", () =>
  withHeldSyncs(async ({ client, connect }, disk) => {
    const batch = batchOf(["once"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    const again = await connect();
    const watcher = await connect();
    const original = produceTo(client, "events", 0, batch);
    await disk.untilPending(1);
    let isAnswered = false;
    const repeated = produceTo(again, "events", 0, batch).finally(() => void (isAnswered = true));
    // A broker that would answer it at once has had the time by then.
    for (let i = 0; i < 3; i++) assertEquals(await highWatermark(watcher), 1);
    assertEquals(isAnswered, false);
    disk.release();
    const answers = await Promise.all([original, repeated]);
    assertEquals(answers.map((one) => [one.errorCode, one.baseOffset]), [[0, 1], [0, 1]]);
  }));

test("with acks=0 and flush.messages=1 consumers see records once they are on the disk", () =>
  withHeldSyncs(async ({ client, connect }, disk) => {
    await client.send(produce, 9, {
      acks: 0,
      timeoutMs: 5_000,
      topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
    });
    await disk.untilPending(1);
    const reader = await connect();
    assertEquals(await highWatermark(reader), 1);
    disk.release();
    // The acknowledgement of a second batch implies that both are on the disk.
    const second = produceTo(client, "events", 0, batchOf(["b"]), 1);
    await disk.untilPending(1);
    assertEquals(await highWatermark(reader), 2);
    disk.release();
    await second;
    assertEquals(await highWatermark(reader), 3);
  }));

test("with flush.messages=4 the batch with the fourth record waits for a flush, earlier ones do not", () =>
  withHeldSyncs(
    async ({ client, connect }, disk) => {
      assertEquals((await produceTo(client, "events", 0, batchOf(["a", "b"]))).baseOffset, 1);
      assertEquals([disk.begun, await highWatermark(client)], [0, 3]);
      const reaching = produceTo(client, "events", 0, batchOf(["c"]), 1);
      await disk.untilPending(1);
      // Batches that arrive while four records are not on the disk wait too.
      const next = produceTo(await connect(), "events", 0, batchOf(["d"]), 1);
      await disk.untilWritten(3);
      disk.release();
      assertEquals((await reaching).baseOffset, 3);
      await disk.untilPending(1);
      disk.release();
      assertEquals((await next).baseOffset, 4);
      assertEquals((await produceTo(client, "events", 0, batchOf(["e"]), 1)).baseOffset, 5);
      assertEquals(disk.begun, 2);
    },
    { "log.flush.interval.messages": "4" },
  ));

test("without flush settings no batch waits for a flush", () =>
  withHeldSyncs(async ({ client }, disk) => {
    for (let i = 1; i < 20; i++) {
      assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).baseOffset, i);
    }
    assertEquals([disk.begun, await highWatermark(client)], [0, 20]);
  }, {}));

test("flush.messages of the topic overrides the broker's, also when it changes", () =>
  withHeldSyncs(
    async ({ client, broker }, disk) => {
      await produceTo(client, "events", 0, batchOf(["a"]));
      assertEquals(disk.begun, 0);
      await setTopic(broker, "flush.messages", "1");
      const always = produceTo(client, "events", 0, batchOf(["b"]));
      await disk.untilPending(1);
      disk.release();
      assertEquals((await always).baseOffset, 2);
      await setTopic(broker, "flush.messages", "1000");
      assertEquals((await produceTo(client, "events", 0, batchOf(["c"]))).baseOffset, 3);
      assertEquals([disk.begun, await highWatermark(client)], [1, 4]);
    },
    {},
  ));

test("flush.ms flushes records in the background, and no request waits for it", () =>
  withHeldSyncs(
    async ({ client }, disk) => {
      assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).baseOffset, 1);
      assertEquals(await highWatermark(client), 2);
      await disk.untilPending(1);
      disk.release();
      assertEquals(disk.begun, 1);
    },
    { "log.flush.interval.ms": "5" },
  ));

test("a failed flush by age is reported to the operator", () =>
  withHeldSyncs(
    async ({ client, messages }, disk) => {
      const index = disk.exists("/two/events-0") ? 0 : 1;
      disk.heldAt = /\/two\/.*\.log$/;
      await produceTo(client, "events", index, batchOf(["a"]));
      await disk.untilPending(1);
      disk.release("failed");
      const { errorCode } = await produceTo(client, "events", index, batchOf(["b"]));
      assertEquals(errorCode, STORAGE_ERROR);
      const expected = `Cannot flush events-${index}`;
      assert(messages.some(({ message }) => message.includes(expected)));
    },
    { "log.flush.interval.ms": "5", "log.dirs": "/one,/two" },
    2,
  ));

test("a produce that waits for a flush fails when the topic is deleted", () =>
  withHeldSyncs(async ({ client, broker }, disk) => {
    const answer = produceTo(client, "events", 0, batchOf(["a"]), 1);
    await disk.untilPending(1);
    await broker.controller.deleteTopics([{ name: "events" }]);
    disk.release();
    assertEquals((await answer).errorCode, 3);
  }));
