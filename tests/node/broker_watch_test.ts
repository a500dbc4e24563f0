import { assertEquals } from "@std/assert";
import type { Controller } from "../../src/controller/controller.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import type { ConnectionInfo } from "../../src/network/server/handler.ts";
import { BrokerWatch, type WatchedController } from "../../src/node/broker_watch.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { type Connection, ConnectionError } from "../../src/runtime/runtime.ts";
import { imageOf, registered } from "../controller/fixture.ts";
import { settled } from "../controller/fake_quorum.ts";
import { TestClock } from "../groups/test_clock.ts";
import { test } from "../harness.ts";

const SEVERAL_LISTENERS = [
  { name: "EXTERNAL", host: "localhost", port: 29_092, securityProtocol: 0 },
  { name: "INTERNAL", host: "h3", port: 9_092, securityProtocol: 0 },
];

/** Three brokers in service and one that is fenced, watched by a controller that is not active yet. */
class Fixture implements WatchedController {
  readonly clock = new TestClock();
  readonly image = imageOf(
    registered(1),
    registered(2),
    registered(3, { endPoints: SEVERAL_LISTENERS }),
    registered(4, { fenced: true }),
  );
  readonly refusing = new Set<string>();
  readonly connects: string[] = [];
  readonly suspected: number[] = [];
  readonly refused: number[] = [];
  readonly watch: BrokerWatch;
  active: WatchedController["active"] = null;
  #follower: Parameters<WatchedController["follow"]>[0] = () => {};

  constructor() {
    this.watch = new BrokerWatch({
      runtime: {
        clock: this.clock,
        network: {
          connect: ({ host, port }) => {
            const address = `${host}:${port}`;
            this.connects.push(address);
            return this.refusing.has(address)
              ? Promise.reject(new ConnectionError("nothing listens", { reason: "refused" }))
              : Promise.resolve({ close() {} } as Connection);
          },
        } as ConstructorParameters<typeof BrokerWatch>[0]["runtime"]["network"],
      },
      image: this.image,
      controller: this,
    });
  }

  follow(follower: Parameters<WatchedController["follow"]>[0]): void {
    this.#follower = follower;
  }

  becomeActive(): void {
    this.active = {
      image: this.image,
      connectionsClosed: (id) => this.suspected.push(id) > 0,
      refused: (id) => void this.refused.push(id),
    };
    this.#follower(this.active);
  }

  /** Receives a heartbeat of a broker. */
  async hear(brokerId: number, connectionId: number): Promise<void> {
    const context = { connection: { id: connectionId } };
    const seen = { name: "BrokerHeartbeat", request: { brokerId }, context };
    await this.watch.interceptor(seen as never, () => Promise.resolve(undefined));
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  end(): void {
    this.watch.stop();
    assertEquals(this.clock.pending, 0);
  }
}

test("a new active controller tries to connect to the brokers that have not reached it", async () => {
  const fixture = new Fixture();
  await fixture.hear(2, 70);
  fixture.refusing.add("h1:9092").add("h2:9092");
  fixture.becomeActive();
  await fixture.pass(0);
  assertEquals([fixture.suspected, fixture.refused], [[1, 3], [1]]);
  await fixture.pass(1_000);
  assertEquals(fixture.refused, [1], "an attempt is not repeated");
  fixture.end();
});

test("a broker that one of its addresses reaches is alive", async () => {
  const fixture = new Fixture();
  fixture.refusing.add("localhost:29092");
  fixture.becomeActive();
  await fixture.pass(0);
  assertEquals(fixture.refused, []);
  await fixture.hear(3, 70);
  fixture.watch.onEnd({ id: 70 } as never);
  for (let attempt = 0; attempt < 4; attempt++) await fixture.pass(100);
  assertEquals(fixture.refused, []);
  fixture.refusing.add("h3:9092");
  await fixture.hear(3, 71);
  fixture.watch.onEnd({ id: 71 } as never);
  await fixture.pass(0);
  assertEquals(fixture.refused, [3]);
  fixture.end();
});

const BROKER = { endpoints: [{ name: "PLAINTEXT", host: "broker", port: 9092 }] };

test("stop() of a watch ends an attempt to connect that is not answered", async () => {
  const host = hostRuntime();
  const connecting = Promise.withResolvers<void>();
  const process = new KillableRuntime({
    ...host,
    network: {
      ...host.network,
      connect: () => {
        connecting.resolve();
        return new Promise(() => {});
      },
    },
  });
  const connection = { id: 7 } as ConnectionInfo;
  const watch = new BrokerWatch({
    runtime: process.runtime,
    controller: { active: { connectionsClosed: () => true }, follow() {} } as unknown as Controller,
    image: { broker: () => BROKER } as unknown as MetadataImage,
  });
  const request = { brokerId: 1 };
  const intercepted = { name: "BrokerHeartbeat", request, context: { connection } };
  watch.interceptor(intercepted as unknown as Parameters<typeof watch.interceptor>[0], () => null);
  watch.onEnd(connection);
  await connecting.promise;
  assertEquals(process.held(), ["a timer of 500 ms"]);
  watch.stop();
  assertEquals(process.held(), []);
});
