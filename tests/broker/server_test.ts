import { assertEquals } from "@std/assert";
import { ListenerSet } from "../../src/broker/listener_set.ts";
import { Server, type ServerLimits } from "../../src/broker/server.ts";
import type { Connection, Listener, Network } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { settle } from "./direct_broker.ts";
import { environmentOf, FakeConnection } from "./fake_connection.ts";
import { manualClock } from "./manual_clock.ts";

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

  /** How many connections wait to be accepted. */
  get waiting(): number {
    return this.#backlog.length;
  }

  async accept(): Promise<Connection | null> {
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

async function serve(limits: Partial<ServerLimits>) {
  const clock = manualClock();
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
    () => {},
  );
  server.start();
  return { clock, listener, server };
}

test("a connection that ends lets one in that waits at max.connections", async () => {
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

test("a connection that ends gives back its place in max.connections.per.ip", async () => {
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
