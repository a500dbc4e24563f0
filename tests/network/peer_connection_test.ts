import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PeerConnection } from "../../src/network/peer_connection.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { finishFrame, FrameParser, startFrame } from "../../src/protocol/frame.ts";
import { apiTable, readRequestHeader, writeResponseHeader } from "../../src/protocol/header.ts";
import type { AnyApi } from "../../src/protocol/api.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Connection, Network, Runtime } from "../../src/runtime/runtime.ts";
import { manualClock } from "../broker/manual_clock.ts";
import { test } from "../harness.ts";
import { ScriptedBroker } from "../client/scripted_broker.ts";

const apis = apiTable([apiVersions as unknown as AnyApi, metadata as unknown as AnyApi]);

/** A request as the scripted broker receives it. */
interface Seen {
  readonly key: number;
  readonly version: number;
  readonly correlationId: number;
}

/** Returns the bytes that the scripted broker sends for a request, or null to close the connection. */
type Script = (seen: Seen, index: number) => Uint8Array | null;

/** Runs `body` with a broker that follows `script`. */
async function withBroker(
  script: Script,
  body: (open: () => Promise<PeerConnection>, seen: Seen[]) => Promise<void>,
  { maxResponseBytes = 10_000, closesAfter = Infinity } = {},
): Promise<void> {
  const runtime = hostRuntime();
  const listener = await runtime.network.listen({ host: "127.0.0.1", port: 0 });
  const seen: Seen[] = [];
  const opened: PeerConnection[] = [];
  const serving = serve(runtime, listener, script, seen, closesAfter);
  try {
    await body(async () => {
      const connection = await PeerConnection.open({
        runtime,
        address: listener.address,
        clientId: "test",
        requestTimeoutMs: 200,
        connectTimeoutMs: 1_000,
        maxResponseBytes,
      });
      opened.push(connection);
      return connection;
    }, seen);
  } finally {
    for (const connection of opened) connection.close();
    listener.close();
    await serving;
  }
}

async function serve(
  _runtime: Runtime,
  listener: { accept(): Promise<Connection | null> },
  script: Script,
  seen: Seen[],
  closesAfter: number,
): Promise<void> {
  const served: Promise<void>[] = [];
  for (;;) {
    const connection = await listener.accept();
    if (connection === null) break;
    served.push(answer(connection, script, seen, closesAfter).finally(() => connection.close()));
  }
  await Promise.all(served);
}

async function answer(
  connection: Connection,
  script: Script,
  seen: Seen[],
  closesAfter: number,
): Promise<void> {
  const parser = new FrameParser(10_000);
  for (;;) {
    const count = await connection.readInto!(parser.space()).catch(() => null);
    if (count === null) return;
    parser.filled(count);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      const header = readRequestHeader(new ByteReader(frame), apis);
      const request = {
        key: header.apiKey,
        version: header.apiVersion,
        correlationId: header.correlationId,
      };
      seen.push(request);
      const bytes = script(request, seen.length - 1);
      if (bytes === null) return;
      if (bytes.length > 0) await connection.writeAll!(bytes).catch(() => {});
      if (seen.length >= closesAfter) return;
    }
  }
}

const SERVED = [
  { apiKey: 3, minVersion: 0, maxVersion: 1 },
  { apiKey: 18, minVersion: 0, maxVersion: 2 },
];

/** An ApiVersions answer in version `version`. */
function versionsAnswer(correlationId: number, version: number, errorCode: number): Uint8Array {
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writeResponseHeader(writer, apiVersions as unknown as AnyApi, version, correlationId);
  apiVersions.responseCodec(version).write(writer, { errorCode, apiKeys: SERVED });
  finishFrame(writer, start);
  return writer.toBytes();
}

/** A Metadata answer, version 1, from a cluster whose controller is `controllerId`. */
function metadataAnswer(correlationId: number, controllerId: number): Uint8Array {
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writeResponseHeader(writer, metadata as unknown as AnyApi, 1, correlationId);
  metadata.responseCodec(1).write(writer, { brokers: [], controllerId, topics: [] });
  finishFrame(writer, start);
  return writer.toBytes();
}

/** Answers ApiVersions and passes every other request to `script`. */
const afterVersions = (script: Script): Script => (seen, index) =>
  seen.key === 18 ? versionsAnswer(seen.correlationId, seen.version, 0) : script(seen, index);

test("PeerConnection retries ApiVersions in a version that the peer supports", async () => {
  await withBroker(
    (seen) =>
      versionsAnswer(seen.correlationId, seen.version > 2 ? 0 : 2, seen.version > 2 ? 35 : 0),
    async (open, seen) => {
      const connection = await open();
      assertEquals(seen.map(({ version }) => version), [apiVersions.maxVersion, 2]);
      assertEquals(connection.version(metadata), 1);
      assertEquals(connection.version(metadata, 0), 0);
      assertEquals(connection.isOpen, true);
    },
  );
});

test("PeerConnection rejects requests that the peer does not serve", async () => {
  await withBroker(afterVersions(() => null), async (open) => {
    const connection = await open();
    const error = await assertRejects(
      () => connection.request({ ...metadata, minVersion: 2 }, { topics: null }),
      KafkaError,
      "in versions 0-1, this client speaks 2-13",
    );
    assertEquals((error as KafkaError).code, ErrorCode.UNSUPPORTED_VERSION);
    assertEquals(connection.isOpen, true);
  });
});

test("PeerConnection sends no version below the peer's lowest", async () => {
  const broker = new ScriptedBroker();
  broker.on(metadata, () => ({ brokers: [], topics: [] }), { minVersion: 5, maxVersion: 9 });
  const connection = await PeerConnection.open({
    runtime: { ...hostRuntime(), network: broker.network },
    address: broker.address,
    clientId: "test",
    requestTimeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    maxResponseBytes: 10_000,
  });
  assertEquals([connection.version(metadata), connection.version(metadata, 5)], [9, 5]);
  assertThrows(() => connection.version(metadata, 4), KafkaError, "in versions 5-9");
  connection.close();
});

test("PeerConnection closes a connection that opens after the timeout", async () => {
  const clock = manualClock();
  let connect: (connection: Connection) => void = () => {};
  const network: Network = {
    listen: () => Promise.reject(new Error("nothing listens here")),
    connect: () => new Promise((resolve) => void (connect = resolve)),
  };
  const opening = PeerConnection.open({
    runtime: { ...hostRuntime(), network, clock },
    address: { host: "slow", port: 9092 },
    clientId: "test",
    requestTimeoutMs: 1_000,
    connectTimeoutMs: 300,
    maxResponseBytes: 10_000,
  });
  clock.advance(301);
  const error = await assertRejects(() => opening, KafkaError);
  assertEquals(error.code, ErrorCode.REQUEST_TIMED_OUT);
  await new Promise<void>((resolve) => connect({ close: resolve } as Connection));
});

test("PeerConnection does not wait for the versions of a peer longer than for the connection", async () => {
  const clock = manualClock();
  const sent = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<null>();
  // As the system does for a process that is suspended.
  const silent: Partial<Connection> = {
    readInto: () => ended.promise,
    writeAll() {
      sent.resolve();
      return Promise.resolve();
    },
    close: () => ended.resolve(null),
  };
  const network: Network = {
    listen: () => Promise.reject(new Error("nothing listens here")),
    connect: () => Promise.resolve(silent as Connection),
  };
  const opening = PeerConnection.open({
    runtime: { ...hostRuntime(), network, clock },
    address: { host: "suspended", port: 9092 },
    clientId: "test",
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 300,
    maxResponseBytes: 10_000,
  });
  await sent.promise;
  clock.advance(301);
  const error = await assertRejects(() => opening, KafkaError, "no answer within 300 ms");
  assertEquals(error.code, ErrorCode.REQUEST_TIMED_OUT);
});

test("PeerConnection matches pipelined answers with their requests", async () => {
  await withBroker(
    afterVersions(({ correlationId }) => metadataAnswer(correlationId, correlationId * 10)),
    async (open) => {
      const connection = await open();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => connection.request(metadata, { topics: null })),
      );
      assertEquals(
        answers.map(({ controllerId }) => controllerId),
        answers.map((_, i) => i * 10 + 10),
      );
      assertEquals(connection.inFlight, 0);
    },
  );
});

const HOSTILE: readonly (readonly [string, Script, ErrorCode])[] = [
  ["closes", () => null, ErrorCode.NETWORK_EXCEPTION],
  ["answers another request", (seen) => metadataAnswer(seen.correlationId + 1, 1), 13],
  ["announces a negative frame", () => new Uint8Array([255, 255, 255, 255]), 13],
  ["announces a frame beyond the limit", () => new Uint8Array([127, 255, 255, 255]), 13],
  ["sends garbage", (seen) => metadataAnswer(seen.correlationId, 1).fill(200, 8), 13],
  ["does not answer", () => new Uint8Array(0), ErrorCode.REQUEST_TIMED_OUT],
];

for (const [what, script, code] of HOSTILE) {
  test(`PeerConnection fails requests in flight and closes when the peer ${what}`, async () => {
    await withBroker(afterVersions(script), async (open) => {
      const connection = await open();
      const first = connection.request(metadata, { topics: null });
      const second = connection.request(metadata, { topics: null });
      const [one, two] = await Promise.allSettled([first, second]);
      assert(one.status === "rejected" && two.status === "rejected");
      assertEquals((one.reason as KafkaError).code, code);
      assert((two.reason as KafkaError).retriable);
      assertEquals(connection.isOpen, false);
      await assertRejects(() => connection.request(metadata, { topics: null }), KafkaError);
    });
  });
}

test("PeerConnection removes a request that cannot be encoded", async () => {
  await withBroker(
    afterVersions(({ correlationId }) => metadataAnswer(correlationId, 7)),
    async (open) => {
      const connection = await open();
      const first = connection.request(metadata, { topics: null });
      const name = "x".repeat(40_000);
      await assertRejects(() => connection.request(metadata, { topics: [{ name }] }));
      const third = connection.request(metadata, { topics: null });
      assertEquals([(await first).controllerId, (await third).controllerId], [7, 7]);
    },
  );
});

/** The first bytes of peers that are not Kafka brokers, and the error message of the client. */
const FOREIGN: readonly (readonly [Uint8Array, string])[] = [
  [
    Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40),
    "it answered with a TLS alert: this client has no TLS yet, name a PLAINTEXT listener of the broker",
  ],
  [
    new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "it answered with an HTTP response: that is a web server, name the port of a Kafka broker",
  ],
  [
    new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n"),
    "it answered with an SSH version string: that is an SSH server, name the port of a Kafka broker",
  ],
];

test("PeerConnection names the protocol of a peer that is not a Kafka broker", async () => {
  for (const maxResponseBytes of [10_000, 2_147_483_647]) {
    for (const [bytes, reason] of FOREIGN) {
      const script: Script = () => bytes;
      await withBroker(script, async (open) => {
        const error = await assertRejects(open, KafkaError);
        assertEquals(error.code, ErrorCode.NETWORK_EXCEPTION);
        assertEquals(
          error.message.replace(/127\.0\.0\.1:\d+/, "ADDRESS"),
          `Cannot talk to ADDRESS: ${reason}`,
        );
      }, { maxResponseBytes, closesAfter: 1 });
    }
  }
});
