import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClusterClient } from "../../src/client/cluster/cluster_client.ts";
import { ReconnectBackoff } from "../../src/network/reconnect_backoff.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { ConnectionError, type Runtime } from "../../src/runtime/runtime.ts";
import { settle } from "../broker/direct_broker.ts";
import { manualClock } from "../broker/manual_clock.ts";
import { test } from "../harness.ts";

/** Makes every delay the same. */
const random = { fill: (target: Uint8Array) => target, below: () => 200 };

test("ReconnectBackoff doubles the delay of an address up to its maximum, until it succeeds", () => {
  const clock = manualClock();
  const reconnects = new ReconnectBackoff({ initialMs: 50, maxMs: 1_000 });
  assertEquals(reconnects.delayMs("a:1", clock), 0);
  const waits = Array.from({ length: 7 }, () => {
    reconnects.failed("a:1", clock, random);
    return reconnects.delayMs("a:1", clock);
  });
  assertEquals(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
  assertEquals(reconnects.delayMs("b:1", clock), 0);
  clock.advance(400);
  assertEquals(reconnects.delayMs("a:1", clock), 600);
  reconnects.succeeded("a:1");
  assertEquals(reconnects.delayMs("a:1", clock), 0);
});

test("a hundred callers connect to a broker that is down no more often than one", async () => {
  for (const callers of [1, 100]) {
    const clock = manualClock();
    const attemptsMs: number[] = [];
    let draws = 0;
    const runtime: Runtime = {
      ...hostRuntime(),
      clock,
      // Callers that failed at the same time do not retry at the same time.
      random: { ...random, below: (bound) => (draws += 97) % bound },
      network: {
        listen: () => Promise.reject(new Error("Nothing listens here")),
        connect: () => {
          attemptsMs.push(clock.monotonicMs());
          return Promise.reject(new ConnectionError("Cannot connect"));
        },
      },
    };
    const began = clock.monotonicMs();
    const client = new ClusterClient({ bootstrapServers: "a:1", runtime, retries: 1_000 });
    const asked = Array.from(
      { length: callers },
      () => client.ask(metadata, { topics: [], allowAutoTopicCreation: false }).catch(() => {}),
    );
    for (let ms = 0; ms < 10_000; ms += 10) {
      await settle();
      clock.advance(10);
    }
    assert(attemptsMs.length >= 5 && attemptsMs.length <= 20, `${attemptsMs.length} attempts`);
    const gaps = attemptsMs.slice(1).map((ms, i) => ms - attemptsMs[i]!);
    gaps.forEach((gap, i) => assert(gap >= 0.8 * Math.min(50 * 2 ** i, 1_000), `${gaps}`));
    assertEquals(attemptsMs[0], began);
    client.close();
    await Promise.all(asked);
    assertEquals(clock.pending(), 0);
  }
});

test("a client tries each bootstrap server once before it gives up", async () => {
  const tried: string[] = [];
  const runtime: Runtime = {
    ...hostRuntime(),
    clock: manualClock(),
    network: {
      listen: () => Promise.reject(new Error("Nothing listens here")),
      connect: ({ host }) => {
        tried.push(host);
        return Promise.reject(new ConnectionError("Cannot connect"));
      },
    },
  };
  const client = new ClusterClient({ bootstrapServers: "a:1,b:1,c:1", runtime, retries: 0 });
  await assertRejects(() => client.ask(metadata, { topics: [], allowAutoTopicCreation: false }));
  assertEquals(tried.sort(), ["a", "b", "c"]);
  client.close();
});
