import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { writeCrc } from "../../../src/protocol/records/batch.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { FailingFiles } from "../../log/fixture.ts";
import { batchOf, type Fixture, produceTo, withBroker } from "../fixture.ts";

/** Returns the end offset of partition 0, as a client gets it. */
async function endOffset({ client }: Fixture): Promise<number> {
  const { topics } = await client.request(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  return topics[0]!.partitions[0]!.offset;
}

test("Produce stores a batch and answers with its first offset in every version", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    const topicId = await createTopic({ name: "events" });
    let expected = 0;
    for (const acks of [1, -1]) {
      for (let version = 3; version <= 13; version++) {
        const { responses } = await client.request(produce, version, {
          acks,
          timeoutMs: 1_000,
          topicData: [{
            name: "events",
            topicId,
            partitionData: [{ index: 0, records: batchOf(["a", "b"]) }],
          }],
        });
        const answer = responses[0]!.partitionResponses[0]!;
        assertEquals([answer.errorCode, answer.baseOffset], [0, expected]);
        if (version >= 5) assertEquals(answer.logStartOffset, 0);
        expected += 2;
      }
    }
    assertEquals(await endOffset(fixture), expected);
  }));

test("Produce with acks 0 has no answer, and its records can be fetched", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    await createTopic({ name: "events" });
    await client.send(produce, 9, {
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
    });
    assertEquals((await produceTo(client, "events", 0, batchOf(["b"]))).baseOffset, 1);
  }));

test("a failed Produce with acks 0 closes the connection", () =>
  withBroker(async ({ client }) => {
    await client.send(produce, 9, {
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: "nothing", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
    });
    assertEquals(await client.nextFrame(), null);
  }));

test("Produce rejects invalid batches and stores none of them", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    const topicId = await createTopic({ name: "events" });
    const good = batchOf(["a", "b", "c"]);
    const changed = (change: (bytes: Uint8Array) => void, crc = true) => {
      const bytes = good.slice();
      change(bytes);
      if (crc) writeCrc(bytes, 0);
      return bytes;
    };
    const two = new Uint8Array([...good, ...good]);
    const cases: [string, Uint8Array | null, number][] = [
      ["a flipped bit", changed((bytes) => void (bytes[70]! ^= 1), false), 2],
      ["a batch cut short", good.subarray(0, good.length - 1), 87],
      ["two batches", two, 87],
      ["no records at all", null, 87],
      ["an empty field", new Uint8Array(0), 87],
      ["a control batch", batchOf(["a"], { isControl: true }), 87],
      ["a count that lies", changed((bytes) => void (bytes[60] = 4)), 87],
      ["a last offset delta that lies", changed((bytes) => void (bytes[26] = 7)), 87],
      [
        "a transaction",
        batchOf(["a"], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
        48,
      ],
      ["too large", batchOf(["x".repeat(2_000_000)]), 10],
    ];
    // As Apache Kafka, which answers these errors without the log start offset.
    const withoutLogStart = [2, 10, 48];
    for (const [what, records, code] of cases) {
      const answer = await produceTo(client, "events", 0, records);
      assertEquals([what, answer.errorCode, answer.baseOffset], [what, code, -1]);
      assertEquals([what, answer.logStartOffset], [what, withoutLogStart.includes(code) ? -1 : 0]);
    }
    const { responses } = await client.request(produce, 13, {
      acks: 1,
      timeoutMs: 1,
      topicData: [
        { topicId: "AAAAAAAAAAAAAAAAAAAAEA", partitionData: [{ index: 0, records: good }] },
        { topicId, partitionData: [{ index: 9, records: good }] },
      ],
    });
    assertEquals(responses.map((topic) => topic.partitionResponses[0]!.errorCode), [100, 3]);
    assertEquals((await produceTo(client, "nothing", 0, good)).errorCode, 3);
    assertEquals(await endOffset(fixture), 0);
  }));

test("Produce rejects acks other than 0, 1 and -1", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({ name: "events" });
    for (const acks of [2, -2, 32767]) {
      assertEquals(
        (await produceTo(fixture.client, "events", 0, batchOf(["a"]), acks)).errorCode,
        21,
      );
    }
    assertEquals(await endOffset(fixture), 0);
  }));

test("duplicates of an idempotent producer get their first offset, gaps and old epochs are rejected", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    await createTopic({ name: "events" });
    const send = async (baseSequence: number, producerEpoch = 0) => {
      const records = batchOf(["a", "b"], { producerId: 7, producerEpoch, baseSequence });
      const { errorCode, baseOffset } = await produceTo(client, "events", 0, records);
      return [errorCode, baseOffset];
    };
    assertEquals(await send(0), [0, 0]);
    assertEquals(await send(2), [0, 2]);
    assertEquals(await send(0), [0, 0]);
    assertEquals(await send(2), [0, 2]);
    assertEquals(await send(6), [45, -1]);
    assertEquals(await send(0, 1), [0, 4]);
    assertEquals(await send(4, 0), [47, -1]);
    assertEquals(await endOffset(fixture), 6);
  }));

test("Produce with acks all is refused when min.insync.replicas cannot be met", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    // A topic with fewer replicas than min.insync.replicas needs all of them: one.
    await createTopic({
      name: "events",
      configs: [{ name: "min.insync.replicas", value: "2" }],
    });
    assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).errorCode, 0);
  }));

test("a fetched batch is the produced one byte for byte but for its offset and epoch", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["first"]));
    const sent = batchOf(["a", "b"]);
    await produceTo(client, "events", 0, sent);
    const { responses } = await client.request(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{
        topic: "events",
        partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 100_000 }],
      }],
    });
    const records = responses[0]!.partitions[0]!.records! as Uint8Array;
    assertEquals(records.length, sent.length);
    assertEquals(records.subarray(16), sent.subarray(16));
    assertEquals(records[7], 1);
  }));

test("a full disk is reported to the client each time, to the operator once", async () => {
  const files = new FailingFiles(new MemoryFileSystem());
  await withBroker(
    async (fixture) => {
      const { client, createTopic, messages } = fixture;
      await createTopic({ name: "events" });
      await produceTo(client, "events", 0, batchOf(["kept"]));
      files.failsAt = "events-0";
      files.failing.add("write");
      for (let i = 0; i < 5; i++) {
        const { errorCode } = await produceTo(client, "events", 0, batchOf(["lost"]));
        assertEquals(errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
      }
      assertEquals(messages.map(({ level }) => level), ["error"]);
      assertStringIncludes(messages[0]!.message, "Cannot append to events-0");
      assertStringIncludes(messages[0]!.message, "no space left");
      files.failing.clear();
      assertEquals((await produceTo(client, "events", 0, batchOf(["kept"]))).baseOffset, 1);
      assertEquals(await endOffset(fixture), 2);
    },
    {},
    files,
  );
});
