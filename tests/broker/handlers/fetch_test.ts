import { assertEquals } from "@std/assert";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { fetch, type FetchResponse } from "../../../src/protocol/messages/fetch.ts";
import { decodeBatch, endOfBatch } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

type Request = RequestInputOf<typeof fetch>;
type Asked = Request["topics"][number]["partitions"][number];

/** Creates a request for partitions of `events`, 100 kB of each, that does not wait. */
function ask(partitions: readonly Partial<Asked>[], more: Partial<Request> = {}): Request {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{
      topic: "events",
      partitions: partitions.map((asked, partition) => ({
        partition,
        fetchOffset: 0,
        partitionMaxBytes: 100_000,
        ...asked,
      })),
    }],
    ...more,
  };
}

/** Returns the values of all records in an answer, by partition. */
function valuesOf(answer: FetchResponse): string[][] {
  return answer.responses.flatMap(({ partitions }) =>
    partitions.map(({ records }) => {
      const values: string[] = [];
      for (let at = 0; at < (records?.length ?? 0);) {
        const batch = decodeBatch(records!, at);
        for (const { value } of batch.records) values.push(new TextDecoder().decode(value!));
        at = endOfBatch(records!, at, records!.length);
      }
      return values;
    })
  );
}

const partitionOf = (answer: FetchResponse) => answer.responses[0]!.partitions[0]!;

test("Fetch reads records in every version", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b"]));
    await produceTo(client, "events", 0, batchOf(["c"]));
    for (let version = 4; version <= 18; version++) {
      const request = ask([{ fetchOffset: 0 }]);
      const answer = await client.request(fetch, version, {
        ...request,
        topics: [{ ...request.topics[0]!, topicId }],
      });
      assertEquals([version, valuesOf(answer)], [version, [["a", "b", "c"]]]);
      assertEquals(
        [partitionOf(answer).highWatermark, partitionOf(answer).lastStableOffset],
        [3, 3],
      );
      assertEquals(partitionOf(answer).abortedTransactions, null);
    }
  }));

test("Fetch before version 10 rejects a topic that is compressed with zstd", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", configs: [{ name: "compression.type", value: "zstd" }] });
    assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).errorCode, 0);
    for (const [version, errorCode] of [[4, 76], [9, 76], [10, 0], [12, 0]] as const) {
      const answer = await client.request(fetch, version, ask([{ fetchOffset: 0 }]));
      assertEquals([version, partitionOf(answer).errorCode], [version, errorCode]);
    }
    const { records } = partitionOf(await client.request(fetch, 12, ask([{ fetchOffset: 0 }])));
    assertEquals(records![22], 4);
  }));

test("Fetch begins with the whole batch that holds the offset", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b"]));
    await produceTo(client, "events", 0, batchOf(["c"]));
    const read = async (fetchOffset: number) =>
      valuesOf(await client.request(fetch, 11, ask([{ fetchOffset }])));
    assertEquals(await read(1), [["a", "b", "c"]]);
    assertEquals(await read(2), [["c"]]);
    assertEquals(await read(3), [[]]);
  }));

test("Fetch returns the first batch however small the limits are, and no second one", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    for (const partition of [0, 1]) {
      await produceTo(client, "events", partition, batchOf(["x".repeat(5_000)]));
      await produceTo(client, "events", partition, batchOf(["y"]));
    }
    const answer = await client.request(fetch, 11, {
      ...ask([{ partitionMaxBytes: 1 }, { partitionMaxBytes: 1 }]),
      maxBytes: 1,
    });
    assertEquals(valuesOf(answer).map((values) => values.length), [1, 0]);
  }));

test("Fetch waits for data and is answered when it arrives", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    await client.send(fetch, 11, ask([{}], { maxWaitMs: 30_000 }));
    const other = await connect();
    await produceTo(other, "events", 0, batchOf(["a"]));
    assertEquals(valuesOf(await client.answer(fetch, 11)), [["a"]]);
  }));

test("Fetch waits for minBytes", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    const batch = batchOf(["x".repeat(100)]);
    await client.send(
      fetch,
      11,
      ask([{}], { maxWaitMs: 30_000, minBytes: batch.length * 3 }),
    );
    const other = await connect();
    for (let i = 0; i < 3; i++) await produceTo(other, "events", 0, batch);
    assertEquals(valuesOf(await client.answer(fetch, 11))[0]!.length, 3);
  }));

test("Fetch answers with what there is after maxWaitMs, and at once for minBytes 0", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const late = await client.request(fetch, 11, ask([{}], { maxWaitMs: 20 }));
    assertEquals(valuesOf(late), [[]]);
    const now = await client.request(fetch, 11, ask([{}], { maxWaitMs: 60_000, minBytes: 0 }));
    assertEquals(valuesOf(now), [[]]);
  }));

test("Fetch without partitions answers at once", () =>
  withBroker(async ({ client }) => {
    const answer = await client.request(fetch, 11, { maxWaitMs: 60_000, minBytes: 1, topics: [] });
    assertEquals([answer.errorCode, answer.responses], [0, []]);
  }));

test("Fetch reports errors at once, each for its partition", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a"]));
    const codes = async (version: number, request: Request) =>
      (await client.request(fetch, version, request)).responses
        .flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    const waiting = { maxWaitMs: 60_000 };
    assertEquals(await codes(12, ask([{ fetchOffset: 2 }], waiting)), [1]);
    assertEquals(await codes(12, ask([{ fetchOffset: -5 }], waiting)), [1]);
    assertEquals(await codes(12, ask([{ partition: 7 }], waiting)), [3]);
    assertEquals(await codes(12, ask([{ currentLeaderEpoch: 9 }], waiting)), [75]);
    const byId = (id: string) => ({
      ...ask([{}], waiting),
      topics: [{ topicId: id, partitions: ask([{}]).topics[0]!.partitions }],
    });
    assertEquals(await codes(13, byId("AAAAAAAAAAAAAAAAAAAAEA")), [100]);
    assertEquals(await codes(13, byId(topicId)), [0]);
  }));

test("Fetch that waits is answered when its topic is deleted", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    await client.send(fetch, 11, ask([{}], { maxWaitMs: 30_000 }));
    const other = await connect();
    await other.request(deleteTopics, 5, { topicNames: ["events"], timeoutMs: 1_000 });
    assertEquals(partitionOf(await client.answer(fetch, 11)).errorCode, 3);
  }));

test("an incremental fetch returns only what is new", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const first = await client.request(fetch, 11, ask([{}, {}], { sessionId: 0, sessionEpoch: 0 }));
    assertEquals([first.errorCode, valuesOf(first)], [0, [[], []]]);
    const { sessionId } = first;
    const go = (sessionEpoch: number, partitions: Partial<Asked>[] = []) =>
      client.request(fetch, 11, ask(partitions, { sessionId, sessionEpoch }));
    assertEquals((await go(1)).responses, []);
    await produceTo(client, "events", 1, batchOf(["a"]));
    const third = await go(2);
    assertEquals(third.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex), [1]);
    assertEquals(valuesOf(third), [["a"]]);
    assertEquals((await go(3, [{}, { fetchOffset: 1 }])).responses, []);
    assertEquals((await go(9)).errorCode, 71);
    assertEquals(
      (await client.request(fetch, 11, ask([], { sessionId: 1, sessionEpoch: 4 }))).errorCode,
      70,
    );
  }));

test("Fetch of committed records lists no aborted transactions where there are none", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a"]));
    const answer = await client.request(fetch, 11, ask([{}], { isolationLevel: 1 }));
    assertEquals([valuesOf(answer), partitionOf(answer).abortedTransactions], [[["a"]], []]);
  }));

test("Fetch returns megabytes over several requests without a gap", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const value = "z".repeat(300_000);
    for (let i = 0; i < 20; i++) await produceTo(client, "events", 0, batchOf([`${i} ${value}`]));
    const seen: number[] = [];
    for (let fetchOffset = 0; fetchOffset < 20;) {
      const answer = await client.request(
        fetch,
        11,
        ask([{ fetchOffset, partitionMaxBytes: 3_000_000 }]),
      );
      const values = valuesOf(answer)[0]!;
      for (const text of values) seen.push(Number(text.split(" ")[0]));
      fetchOffset += values.length;
    }
    assertEquals(seen, Array.from({ length: 20 }, (_, i) => i));
  }));

test("an incremental fetch returns a partition of which only the log start offset has moved", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    await produceTo(client, "events", 1, batchOf(["a", "b"]));
    const asked = [{}, { fetchOffset: 2 }];
    const { sessionId } = await client.request(fetch, 11, ask(asked, { sessionEpoch: 0 }));
    const go = (sessionEpoch: number) =>
      client.request(fetch, 11, ask([], { sessionId, sessionEpoch }));
    assertEquals((await go(1)).responses, []);
    await client.request(deleteRecords, 2, {
      timeoutMs: 1_000,
      topics: [{ name: "events", partitions: [{ partitionIndex: 1, offset: 1 }] }],
    });
    const { partitionIndex, logStartOffset, highWatermark } = partitionOf(await go(2));
    assertEquals([partitionIndex, logStartOffset, highWatermark], [1, 1, 2]);
    assertEquals((await go(3)).responses, []);
  }));

test("partitions of a session take turns if maxBytes is enough for one only", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 3 });
    for (let partition = 0; partition < 3; partition++) {
      await produceTo(client, "events", partition, batchOf([String(partition)]));
    }
    const small = { maxBytes: 1, sessionEpoch: 0 };
    const first = await client.request(fetch, 11, ask([{}, {}, {}], small));
    const { sessionId } = first;
    const served = [valuesOf(first).flat().join()];
    for (let sessionEpoch = 1; sessionEpoch < 4; sessionEpoch++) {
      const request = ask([], { maxBytes: 1, sessionId, sessionEpoch });
      served.push(valuesOf(await client.request(fetch, 11, request)).flat().join());
    }
    assertEquals(served, ["0", "1", "2", "0"]);
  }));
