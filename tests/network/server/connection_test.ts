import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { batchOf, type Fixture, produceTo, withBroker } from "../../broker/fixture.ts";
import type { RawClient } from "../../broker/raw_client.ts";

const int32 = (value: number) =>
  new Uint8Array([value >> 24 & 255, value >> 16 & 255, value >> 8 & 255, value & 255]);
const bytesOf = (text: string | readonly number[]) =>
  typeof text === "string" ? new TextEncoder().encode(text) : Uint8Array.from(text);
const joined = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));

test("answers leave in the order of the requests, also after one that waits", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    const waiting = {
      maxWaitMs: 30_000,
      minBytes: 1,
      topics: [{
        topic: "events",
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
      }],
    };
    await client.sendBytes(joined(
      client.frame(apiVersions, 0, {}),
      client.frame(fetch, 11, waiting),
      client.frame(metadata, 1, { topics: null }),
    ));
    assertEquals((await client.answer(apiVersions, 0)).errorCode, 0);
    await produceTo(await connect(), "events", 0, batchOf(["a"]));
    assertEquals((await client.answer(fetch, 11)).responses[0]!.partitions[0]!.highWatermark, 1);
    assertEquals((await client.answer(metadata, 1)).topics.length, 1);
  }));

test("a request may arrive in pieces of any size", () =>
  withBroker(async ({ client }) => {
    const frame = client.frame(metadata, 9, { topics: [{ name: "events" }] });
    for (const byte of frame) await client.sendBytes(new Uint8Array([byte]));
    assertEquals((await client.answer(metadata, 9)).topics[0]!.name, "events");
  }));

test("hundreds of requests may be in flight", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const one = client.frame(produce, 7, {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
    });
    await client.sendBytes(joined(...Array.from({ length: 500 }, () => one)));
    for (let i = 0; i < 500; i++) {
      const { responses } = await client.answer(produce, 7);
      assertEquals(responses[0]!.partitionResponses[0]!.baseOffset, i);
    }
  }));

test("invalid bytes close their connection and affect no other", () =>
  withBroker(async ({ client, connect, createTopic, messages }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["kept"]));
    const good = client.frame(metadata, 9, { topics: [{ name: "events" }] });
    const body = good.subarray(4);
    const framed = (bytes: Uint8Array) => joined(int32(bytes.length), bytes);
    const changed = (at: number, ...bytes: number[]) => {
      const copy = body.slice();
      copy.set(bytes, at);
      return framed(copy);
    };
    const hostile: [string, Uint8Array][] = [
      ["a negative length", int32(-1)],
      ["the most negative length", int32(-2147483648)],
      ["a length over socket.request.max.bytes", int32(104_857_601)],
      ["an empty frame", int32(0)],
      ["a frame of one byte", framed(new Uint8Array(1))],
      ["an unknown request", changed(0, 0x7f, 0xff)],
      ["a negative request key", changed(0, 0xff, 0xff)],
      ["an unknown version", changed(2, 0, 99)],
      ["a negative version", changed(2, 0xff, 0xff)],
      ["a client id beyond the frame", changed(8, 0x7f, 0xff)],
      ["a body cut short", framed(body.subarray(0, body.length - 1))],
      ["an array beyond the frame", changed(body.length - 12, 0xff, 0xff, 0xff, 0xff, 0x0f)],
      ["an HTTP request", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
      ["TLS", new Uint8Array([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 3, 3])],
    ];
    for (const [what, bytes] of hostile) {
      const other = await connect();
      const before = messages.length;
      await other.sendBytes(bytes);
      assertEquals([what, await other.nextFrame()], [what, null]);
      assertEquals([what, messages.length - before], [what, 1]);
      assert(messages.at(-1)!.message.startsWith("Closed 127.0.0.1:"), what);
    }
    assertEquals((await produceTo(client, "events", 0, batchOf(["more"]))).baseOffset, 1);
  }));

/** The first bytes of clients of other protocols, and the messages in the log. */
const FOREIGN: readonly (readonly [string | readonly number[], string])[] = [
  [
    [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
    "the client sent a TLS handshake: this listener is plaintext, set security.protocol=PLAINTEXT " +
    "at the client",
  ],
  [
    "GET / HTTP/1.1\r\n\r\n",
    "the client sent an HTTP GET request: this port serves Kafka's protocol only, correct the " +
    "address or make a health check that only connects",
  ],
  [
    "SSH-2.0-OpenSSH_9.9\r\n",
    "the client sent an SSH version string: this port serves Kafka's protocol only, correct the " +
    "address",
  ],
  [
    "PROXY TCP4 10.0.0.1 10.0.0.2 5000 9092\r\n",
    "the client sent a PROXY protocol header: it is not supported, turn it off at the load balancer",
  ],
];

test("a client of another protocol is named in the log and its connection closed", () =>
  withBroker(async ({ connect, messages }) => {
    for (const [bytes, reason] of FOREIGN) {
      const other = await connect();
      await other.sendBytes(bytesOf(bytes));
      assertEquals(await other.nextFrame(), null);
      const { level, message } = messages.pop()!;
      assertEquals([level, message.replace(/^Closed 127\.0\.0\.1:\d+: /, "")], ["warn", reason]);
    }
    assertEquals(messages, []);
  }));

test("a client of another protocol is named when it disconnects, if socket.request.max.bytes let it wait", () =>
  withBroker(async ({ client, connect, messages }) => {
    for (const [bytes, reason] of FOREIGN) {
      const other = await connect();
      await other.sendBytes(bytesOf(bytes));
      other.close();
      for (let asked = 0; messages.length === 0 && asked < 10_000; asked++) {
        await client.request(apiVersions, 0, {});
      }
      const message = messages.pop()?.message ?? "no line in the log";
      assertEquals(message.replace(/^Closed 127\.0\.0\.1:\d+: /, ""), reason);
    }
  }, { "socket.request.max.bytes": "2147483647" }));

test("random bytes never stop the broker", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    let state = 12345;
    const next = () => (state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 16 & 255;
    for (let round = 0; round < 200; round++) {
      const other = await connect();
      const length = 8 + next();
      const bytes = Uint8Array.from({ length }, next);
      // Half of the time a likely request key and version, so that bodies are reached.
      if (round % 2 === 0) bytes.set([0, next() % 76, 0, next() % 14]);
      await other.sendBytes(joined(int32(length), bytes)).catch(() => {});
      other.close();
    }
    assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).baseOffset, 0);
  }));

test("the fetch of a client that disconnects is dropped", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    await createTopic({ name: "events" });
    const other = await connect();
    await other.send(fetch, 11, {
      maxWaitMs: 30_000,
      minBytes: 1,
      topics: [{
        topic: "events",
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
      }],
    });
    other.close();
    assertEquals((await produceTo(client, "events", 0, batchOf(["a"]))).baseOffset, 0);
  }));

/** Sends sixty requests, whose answers of 0.9 MB each wait to be read. Resolves with their connection. */
async function startSlowReader({ client, connect, createTopic }: Fixture): Promise<RawClient> {
  await createTopic({ name: "events" });
  await produceTo(client, "events", 0, batchOf(["x".repeat(900_000)]));
  const slow = await connect();
  const one = slow.frame(fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{
      topic: "events",
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }],
    }],
  });
  await slow.sendBytes(joined(...Array.from({ length: 60 }, () => one)));
  return slow;
}

test("a client that does not read its answers is not read from, and delays no other", () =>
  withBroker(async (fixture) => {
    const { client } = fixture;
    const slow = await startSlowReader(fixture);
    // Others are served in the meantime.
    assertEquals((await produceTo(client, "events", 0, batchOf(["b"]))).baseOffset, 1);
    for (let i = 0; i < 60; i++) {
      const { responses } = await slow.answer(fetch, 11);
      assert(responses[0]!.partitions[0]!.records!.byteLength > 900_000);
    }
  }));

test("a reader of a topic that is deleted receives the answers in flight", async () => {
  let fetches = 0;
  const several = Promise.withResolvers<void>();
  await withBroker(
    async (fixture) => {
      const { broker, messages } = fixture;
      const slow = await startSlowReader(fixture);
      // The answers to some of them are on their way, and do not fit into the sockets.
      await several.promise;
      assertEquals((await slow.answer(fetch, 11)).responses.length, 1);
      await broker.controller.deleteTopics([{ name: "events" }]);
      let withRecords = 0;
      for (let i = 1; i < 60; i++) {
        const [partition] = (await slow.answer(fetch, 11)).responses[0]!.partitions;
        if (partition!.errorCode === 0) withRecords++;
        else assertEquals(partition!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      }
      assert(withRecords > 0);
      assertEquals(messages, []);
    },
    {},
    new MemoryFileSystem(),
    [({ name }, next) => {
      const answer = next();
      if (name === "Fetch" && ++fetches === 3) several.resolve();
      return answer;
    }],
  );
});

test("connections beyond max.connections.per.ip are closed", () =>
  withBroker(async ({ client, connect }) => {
    const second = await connect();
    assertEquals((await second.request(apiVersions, 0, {})).errorCode, 0);
    const third = await connect();
    assertEquals(await third.nextFrame(), null);
    assertEquals((await client.request(apiVersions, 0, {})).errorCode, 0);
  }, { "max.connections.per.ip": "2" }));

test("connections beyond max.connections wait until one ends", () =>
  withBroker(async ({ client, connect }) => {
    assertEquals((await client.request(apiVersions, 0, {})).errorCode, 0);
    const second = await connect();
    await second.send(apiVersions, 0, {});
    client.close();
    assertEquals((await second.answer(apiVersions, 0)).errorCode, 0);
  }, { "max.connections": "1" }));

test("an idle connection is closed after connections.max.idle.ms", () =>
  withBroker(async ({ client }) => {
    assertEquals((await client.request(apiVersions, 0, {})).errorCode, 0);
    assertEquals(await client.nextFrame(), null);
  }, { "connections.max.idle.ms": "150" }));
