import { assertEquals, assertStringIncludes } from "@std/assert";
import { defineHandler, type Handler } from "../../../src/network/server/handler.ts";
import type { Interceptor } from "../../../src/network/server/interceptor.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { listGroups } from "../../../src/protocol/messages/list_groups.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import type { RawClient } from "../../broker/raw_client.ts";
import { test } from "../../harness.ts";
import { type Fixture, withServer as withServerOf } from "./server_fixture.ts";

const PRODUCE_VERSION = 9;
const MIB = 1024 * 1024;

/** The dependencies of the handler of Produce. */
interface Needs {
  /** Called at the start of each request with the topic's name and the records. */
  handle(
    topic: string,
    records: Uint8Array,
    retain: () => () => void,
  ): void | Promise<void>;
}

const HANDLERS: readonly Handler<Needs>[] = [
  defineHandler(produce, {
    async handle({ topicData }, context) {
      const { name, partitionData } = topicData[0]!;
      await context.services.handle(name, partitionData[0]!.records!, () => context.retain());
      return { responses: topicData.map(({ name }) => ({ name, partitionResponses: [] })) };
    },
    onError: (_request, errorCode) => ({
      responses: [{ name: `error ${errorCode}`, partitionResponses: [] }],
    }),
  }),
  defineHandler(listGroups, {
    handle: () => ({ errorCode: ErrorCode.NONE, groups: [] }),
    onError: (_request, errorCode) => ({ errorCode, groups: [] }),
  }),
];

/** Calls `use` with a server whose Produce requests go to `handle`. */
function withServer(
  handle: Needs["handle"],
  use: (fixture: Fixture) => Promise<void>,
  interceptors: readonly Interceptor<Needs>[] = [],
): Promise<void> {
  return withServerOf({ handlers: HANDLERS, services: { handle }, interceptors }, use);
}

/** A Produce request whose records are `size` times the topic's first letter. */
function frameOf(client: RawClient, topic: string, size = 1_000): Uint8Array {
  const records = new Uint8Array(size).fill(topic.charCodeAt(0));
  return client.frame(produce, PRODUCE_VERSION, {
    acks: -1,
    timeoutMs: 1_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  });
}

/** Returns whether `records` are still those of {@linkcode frameOf}. */
function isIntact(topic: string, records: Uint8Array): boolean {
  return records.every((byte) => byte === topic.charCodeAt(0));
}

/** Returns the topic of the next answer, which is that of a Produce request. */
async function nextTopic(client: RawClient): Promise<string> {
  return (await client.answer(produce, PRODUCE_VERSION)).responses[0]!.name!;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

/** Promises of events, by name. */
class Signals {
  readonly #signals = new Map<string, PromiseWithResolvers<void>>();

  #of(name: string): PromiseWithResolvers<void> {
    const signal = this.#signals.get(name) ?? Promise.withResolvers<void>();
    this.#signals.set(name, signal);
    return signal;
  }

  set(name: string): void {
    this.#of(name).resolve();
  }

  wait(name: string): Promise<void> {
    return this.#of(name).promise;
  }
}

test("retain() keeps records and the order of a connection, and other connections are served", async () => {
  const signals = new Signals();
  const events: string[] = [];
  await withServer(async (topic, records, retain) => {
    const release = retain();
    events.push(`${topic} starts`);
    signals.set(`${topic} starts`);
    await signals.wait(`append ${topic}`);
    events.push(`${topic} appends ${isIntact(topic, records) ? "its records" : "others' records"}`);
    release();
    await signals.wait(`answer ${topic}`);
  }, async ({ client, connect }) => {
    // The second request arrives with the first, the third would be read into their buffer.
    await client.sendBytes(joined(frameOf(client, "a"), frameOf(client, "b")));
    await signals.wait("a starts");
    await client.sendBytes(frameOf(client, "c", 100_000));
    const other = await connect();
    assertEquals((await other.request(listGroups, 3, {})).errorCode, ErrorCode.NONE);
    assertEquals(events, ["a starts"]);
    for (const topic of ["a", "b", "c"]) signals.set(`append ${topic}`);
    await signals.wait("c starts");
    signals.set("answer c");
    signals.set("answer b");
    signals.set("answer a");
    assertEquals([await nextTopic(client), await nextTopic(client)], ["a", "b"]);
    assertEquals(await nextTopic(client), "c");
    assertEquals(events, [
      "a starts",
      "a appends its records",
      "b starts",
      "b appends its records",
      "c starts",
      "c appends its records",
    ]);
  });
});

test("a request that is not retained is overwritten by the next one", async () => {
  const signals = new Signals();
  let isOverwritten = false;
  await withServer(async (topic, records) => {
    signals.set(`${topic} starts`);
    if (topic === "b") return;
    await signals.wait("b starts");
    isOverwritten = !isIntact(topic, records);
  }, async ({ client }) => {
    await client.sendBytes(frameOf(client, "a"));
    await signals.wait("a starts");
    await client.sendBytes(frameOf(client, "b"));
    assertEquals([await nextTopic(client), await nextTopic(client)], ["a", "b"]);
    assertEquals(isOverwritten, true);
  });
});

test("a retained request that is never released is released when it is answered", async () => {
  const signals = new Signals();
  const events: string[] = [];
  await withServer(async (topic, _records, retain) => {
    retain();
    events.push(`${topic} starts`);
    signals.set(`${topic} starts`);
    await signals.wait(`answer ${topic}`);
    events.push(`${topic} is answered`);
    if (topic === "b") throw new Error("a defect");
  }, async ({ client }) => {
    await client.sendBytes(
      joined(frameOf(client, "a"), frameOf(client, "b"), frameOf(client, "c")),
    );
    for (const topic of ["a", "b", "c"]) {
      await signals.wait(`${topic} starts`);
      signals.set(`answer ${topic}`);
      assertEquals(await nextTopic(client), topic === "b" ? "error -1" : topic);
    }
    assertEquals(events, [
      "a starts",
      "a is answered",
      "b starts",
      "b is answered",
      "c starts",
      "c is answered",
    ]);
  });
});

test("retain() in an interceptor and in the handler holds until both have released", async () => {
  const signals = new Signals();
  const events: string[] = [];
  const delay: Interceptor<Needs> = async ({ name, context }, next) => {
    if (name !== "Produce") return next();
    const release = context.retain();
    await signals.wait("go on");
    const answer = next();
    release();
    release();
    return answer;
  };
  await withServer(
    async (topic, records, retain) => {
      const release = retain();
      events.push(`${topic} starts`);
      signals.set(`${topic} starts`);
      await signals.wait(`append ${topic}`);
      events.push(`${topic} appends ${isIntact(topic, records) ? "its records" : "others'"}`);
      release();
    },
    async ({ client }) => {
      await client.sendBytes(joined(frameOf(client, "a"), frameOf(client, "b")));
      signals.set("go on");
      await signals.wait("a starts");
      // If the interceptor's release were enough, the second request would start by then.
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      assertEquals(events, ["a starts"]);
      signals.set("append a");
      await signals.wait("b starts");
      signals.set("append b");
      assertEquals([await nextTopic(client), await nextTopic(client)], ["a", "b"]);
      assertEquals(events, [
        "a starts",
        "a appends its records",
        "b starts",
        "b appends its records",
      ]);
    },
    [delay],
  );
});

test("retain() after the start of a request is a defect", async () => {
  await withServer(async (_topic, _records, retain) => {
    await Promise.resolve();
    retain();
  }, async ({ client, messages }) => {
    await client.sendBytes(frameOf(client, "a"));
    assertEquals(await nextTopic(client), "error -1");
    assertStringIncludes(messages[0]!, "retain() was called after the start of a request");
  });
});

test("the bytes of a retained request count for the memory of all frames", async () => {
  const signals = new Signals();
  const size = 3 * MIB;
  const started: string[] = [];
  await withServer(async (topic, records, retain) => {
    started.push(topic);
    signals.set(`${topic} starts`);
    if (topic === "b") return;
    const release = retain();
    await signals.wait("append");
    assertEquals(isIntact(topic, records), true);
    release();
  }, async ({ client, connect, frameMemory }) => {
    await client.sendBytes(frameOf(client, "a", size));
    await signals.wait("a starts");
    assertEquals(frameMemory.used > size && frameMemory.used < size + 1_000, true);
    const other = await connect();
    await other.sendBytes(frameOf(other, "b", size));
    await signals.wait("b starts");
    signals.set("append");
    assertEquals([await nextTopic(client), await nextTopic(other)], ["a", "b"]);
    // The next reads find nothing in the buffers.
    await client.request(listGroups, 3, {});
    await other.request(listGroups, 3, {});
    assertEquals(frameMemory.used, 0);
    assertEquals(started, ["a", "b"]);
  });
});

test("a connection that closes keeps its retained request and starts no other", async () => {
  const signals = new Signals();
  const started: string[] = [];
  let wasIntact = false;
  const size = 3 * MIB;
  await withServer(async (topic, records, retain) => {
    started.push(topic);
    const release = retain();
    signals.set("started");
    await signals.wait("append");
    wasIntact = isIntact(topic, records);
    release();
    signals.set("appended");
  }, async ({ client, server, frameMemory }) => {
    await client.sendBytes(joined(frameOf(client, "a", size), frameOf(client, "b")));
    await signals.wait("started");
    server.kill();
    assertEquals(await client.nextFrame(), null);
    assertEquals(frameMemory.used > size, true);
    assertEquals(server.connectionCount, 1);
    signals.set("append");
    await signals.wait("appended");
    await server.close();
    assertEquals(wasIntact, true);
    assertEquals(started, ["a"]);
    assertEquals(frameMemory.used, 0);
    assertEquals(server.connectionCount, 0);
  });
});
