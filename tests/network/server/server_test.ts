import { assertEquals, assertStringIncludes } from "@std/assert";
import { ListenerSet } from "../../../src/network/server/listener_set.ts";
import { Server, type ServerLimits } from "../../../src/network/server/server.ts";
import {
  SocketDescriptors,
  type SocketDescriptorsOptions,
} from "../../../src/network/server/socket_descriptors.ts";
import {
  type Connection,
  ConnectionError,
  type Listener,
  type Network,
} from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { settle } from "../../broker/direct_broker.ts";
import { environmentOf, FakeConnection } from "./fake_connection.ts";
import { manualClock } from "../../broker/manual_clock.ts";

/** A listener to which the test connects. */
class FakeListener implements Listener {
  readonly address = { host: "127.0.0.1", port: 9092 };
  #backlog: Connection[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  connect(): FakeConnection {
    const connection = new FakeConnection();
    this.#backlog.push(connection);
    this.#wake();
    return connection;
  }

  /** Number of connections that wait to be accepted. */
  get waiting(): number {
    return this.#backlog.length;
  }

  /** Number of next attempts to accept that fail for lack of a descriptor. */
  shortages = 0;
  /** Number of calls of accept(). */
  calls = 0;

  async accept(): Promise<Connection | null> {
    this.calls++;
    if (this.shortages > 0) {
      this.shortages--;
      throw new ConnectionError("Cannot accept a connection", { reason: "too-many-open" });
    }
    while (this.#backlog.length === 0) {
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => void (this.#wake = resolve));
    }
    return this.#backlog.shift()!;
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }
}

/** Makes every delay the same. */
const random = { fill: (target: Uint8Array) => target, below: () => 200 };

async function serve(
  limits: Partial<ServerLimits>,
  descriptors: Partial<SocketDescriptorsOptions> = {},
) {
  const clock = manualClock();
  const lines: string[] = [];
  const listener = new FakeListener();
  const network: Network = {
    listen: () => Promise.resolve(listener),
    connect: () => Promise.reject(new Error("Nothing connects here")),
  };
  const server = new Server(
    await ListenerSet.open(network, [{ name: "PLAINTEXT", ...listener.address }]),
    environmentOf(clock),
    {
      maxConnections: () => 100,
      maxConnectionsOf: () => 100,
      connectionsMaxIdleMs: () => -1,
      ...limits,
    },
    new SocketDescriptors({
      maxConnections: 100,
      freeDescriptors: () => true,
      clock,
      random,
      logger: { log: (level, message) => void lines.push(`${level}: ${message}`) },
      ...descriptors,
    }),
    () => {},
  );
  server.start();
  return { clock, listener, server, lines };
}

test("a connection that ends admits one that waits at max.connections", async () => {
  const { listener, server } = await serve({ maxConnections: () => 1 });
  const first = listener.connect();
  await settle();
  const second = listener.connect();
  await settle();
  assertEquals([listener.waiting, server.connectionCount], [1, 1]);
  first.close();
  await settle();
  assertEquals([listener.waiting, server.connectionCount, second.isClosed], [0, 1, false]);
  await server.close();
  assertEquals(second.isClosed, true);
});

test("a connection that ends no longer counts for max.connections.per.ip", async () => {
  const { listener, server } = await serve({ maxConnectionsOf: () => 1 });
  const first = listener.connect();
  await settle();
  const refused = listener.connect();
  await settle();
  assertEquals([refused.isClosed, server.connectionCount], [true, 1]);
  first.close();
  await settle();
  const second = listener.connect();
  await settle();
  assertEquals([second.isClosed, server.connectionCount], [false, 1]);
  await server.close();
});

test("each connection is closed once it has been idle for connections.max.idle.ms", async () => {
  const { clock, listener, server } = await serve({ connectionsMaxIdleMs: () => 1_000 });
  const first = listener.connect();
  await settle();
  clock.advance(600);
  const second = listener.connect();
  await settle();
  clock.advance(399);
  assertEquals([first.isClosed, second.isClosed], [false, false]);
  clock.advance(1);
  await settle();
  assertEquals([first.isClosed, second.isClosed], [true, false]);
  clock.advance(600);
  await settle();
  assertEquals([second.isClosed, server.connectionCount, clock.pending()], [true, 0, 0]);
  await server.close();
});

test("a server without descriptors for its connections backs off, frees some and logs once a minute", async () => {
  let freed = 0;
  const { clock, listener, server, lines } = await serve({}, {
    freeDescriptors: () => ++freed > 0,
  });
  await settle();
  listener.shortages = 8;
  const served = listener.connect();
  await settle();
  const waits: number[] = [];
  for (let calls = listener.calls; listener.shortages > 0; calls = listener.calls) {
    let waited = 0;
    for (; listener.calls === calls; waited++) {
      clock.advance(1);
      await settle();
    }
    waits.push(waited);
  }
  assertEquals(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
  clock.advance(1_000);
  await settle();
  assertEquals([freed, lines.length, served.isClosed], [8, 1, false]);
  await server.close();
});

test("a connection beyond what the limit on open files allows is closed, and others are served", async () => {
  const { clock, listener, server, lines } = await serve({}, { maxConnections: 2 });
  const served = [listener.connect(), listener.connect()];
  await settle();
  const refused = [listener.connect(), listener.connect(), listener.connect()];
  await settle();
  assertEquals(served.map(({ isClosed }) => isClosed), [false, false]);
  assertEquals(refused.map(({ isClosed }) => isClosed), [true, true, true]);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0]!, "ulimit -n");
  clock.advance(60_000);
  listener.connect();
  await settle();
  assertStringIncludes(lines[1]!, "and 2 before it");
  served[0]!.close();
  await settle();
  const next = listener.connect();
  await settle();
  assertEquals(next.isClosed, false);
  await server.close();
});

test("a server that waits for descriptors closes immediately", async () => {
  const { clock, listener, server } = await serve({});
  await settle();
  listener.shortages = 1_000;
  listener.connect();
  await settle();
  await server.close();
  assertEquals(clock.pending(), 0);
});
