import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Connection, ConnectionError } from "../../src/runtime/runtime.ts";
import type { LinkQuality } from "../../src/simulator/network_link.ts";
import type { Simulation } from "../../src/simulator/simulation.ts";
import { test } from "../harness.ts";
import { collect, pair } from "./pair.ts";

/** How long `bytes` take from the client to the server, ms. */
async function transferMs(
  simulation: Simulation,
  client: Connection,
  received: readonly unknown[],
  bytes: number,
): Promise<number> {
  const startMs = simulation.nowMs;
  const wanted = received.length + bytes;
  await client.writeAll!(new Uint8Array(bytes));
  while (received.length < wanted) await simulation.run(simulation.nowMs + 1);
  return simulation.nowMs - startMs;
}

test("setLink() changes the latency of an open connection, and restoreLinks() undoes it", async () => {
  const { simulation, client, server } = await pair(1);
  const received = collect(server);
  assert(await transferMs(simulation, client, received, 1) < 10);
  const slow: Partial<LinkQuality> = { minDelayUs: 80_000, maxDelayUs: 90_000, slowMaxUs: 90_000 };
  simulation.setLink("client", "server", slow);
  const slowMs = await transferMs(simulation, client, received, 1);
  assert(slowMs >= 80 && slowMs < 95, `${slowMs} ms`);
  simulation.restoreLinks();
  assert(await transferMs(simulation, client, received, 1) < 10);
});

test("setLink() can change one direction only", async () => {
  const { simulation, client, server } = await pair(2);
  const [requests, answers] = [collect(server), collect(client)];
  const slow: Partial<LinkQuality> = { minDelayUs: 50_000, maxDelayUs: 50_000, slowMaxUs: 50_000 };
  simulation.setLink("server", "client", slow, { oneWay: true });
  assert(await transferMs(simulation, client, requests, 1) < 10);
  const startMs = simulation.nowMs;
  await server.writeAll!(new Uint8Array(1));
  while (answers.length === 0) await simulation.run(simulation.nowMs + 1);
  assert(simulation.nowMs - startMs >= 50);
});

test("setLink() limits the bandwidth of all connections together", async () => {
  const { simulation, client, server } = await pair(3);
  const received = collect(server);
  simulation.setLink("client", "server", { bytesPerSecond: 100_000 });
  const oneMs = await transferMs(simulation, client, received, 50_000);
  assert(oneMs >= 500 && oneMs < 520, `${oneMs} ms`);
  const listener = await simulation.runtime("server").network.listen({ host: "server", port: 7 });
  const [other, accepted] = await simulation.run(Promise.all([
    simulation.runtime("client").network.connect({ host: "server", port: 7 }),
    listener.accept(),
  ]));
  const more = collect(accepted!);
  const startMs = simulation.nowMs;
  await other.writeAll!(new Uint8Array(50_000));
  await transferMs(simulation, client, received, 50_000);
  assertEquals(more.length, 50_000);
  assert(simulation.nowMs - startMs >= 1_000);
});

test("setLink() turns loss into delays and keeps the order", async () => {
  const { simulation, client, server } = await pair(4);
  const received = collect(server);
  simulation.setLink("client", "server", { lossOneIn: 3 });
  const delays: number[] = [];
  for (let message = 0; message < 60; message++) {
    delays.push(await transferMs(simulation, client, received, 1));
  }
  const lost = delays.filter((delayMs) => delayMs >= 200);
  assert(lost.length > 5 && lost.length < 40, `${lost.length} of 60 were sent again`);
  assert(lost.some((delayMs) => delayMs >= 600), "none was lost twice");
  const sent = Uint8Array.from({ length: 100 }, (_, index) => index);
  for (const byte of sent) await client.writeAll!(new Uint8Array([byte]));
  await simulation.run(simulation.nowMs + 600_000);
  assertEquals(received.slice(-100), [...sent]);
});

test("reset() breaks connections at both ends without ending a process", async () => {
  const { simulation, client, server } = await pair(5);
  const heard = [collect(client), collect(server)];
  await client.writeAll!(new Uint8Array([1]));
  simulation.reset("server", "client");
  await simulation.run(simulation.nowMs + 100);
  assertEquals(heard, [["broken"], ["broken"]]);
  await assertRejects(() => client.writeAll!(new Uint8Array(1)), ConnectionError, "reset");
  await simulation.run(
    simulation.runtime("client").network.connect({ host: "server", port: 9092 }),
  );
});

test("reset() leaves the connections of other machines alone", async () => {
  const { simulation, client, server } = await pair(6);
  const received = collect(server);
  simulation.runtime("other");
  simulation.reset("other", "server");
  simulation.reset("other", "client");
  await client.writeAll!(new Uint8Array([1]));
  await simulation.run(simulation.nowMs + 100);
  assertEquals(received, [1]);
});

test("a long partition leaves a half-open connection, which the next message resets", async () => {
  const { simulation, client, server } = await pair(7, {
    network: { retransmitTimeoutUs: 60_000_000 },
  });
  const [atClient, atServer] = [collect(client), collect(server)];
  simulation.partition("client", "server");
  await client.writeAll!(new Uint8Array([1]));
  await simulation.run(simulation.nowMs + 50_000);
  assertEquals([atClient, atServer], [[], []]);
  await simulation.run(simulation.nowMs + 20_000);
  // The client's TCP has given up. The server has sent nothing, so that it does not know.
  assertEquals([atClient, atServer], [["broken"], []]);
  await assertRejects(() => client.writeAll!(new Uint8Array(1)), ConnectionError, "acknowledged");
  simulation.healAll();
  await simulation.run(simulation.nowMs + 60_000);
  assertEquals(atServer, []);
  await server.writeAll!(new Uint8Array([2]));
  await simulation.run(simulation.nowMs + 100);
  assertEquals([atClient, atServer], [["broken"], ["broken"]]);
});

test("a shorter partition loses nothing", async () => {
  const { simulation, client, server } = await pair(8, {
    network: { retransmitTimeoutUs: 60_000_000 },
  });
  const received = collect(server);
  for (let round = 0; round < 3; round++) {
    simulation.partition("client", "server");
    await client.writeAll!(new Uint8Array([round]));
    await simulation.run(simulation.nowMs + 50_000);
    simulation.heal("client", "server");
    await simulation.run(simulation.nowMs + 100);
  }
  assertEquals(received, [0, 1, 2]);
});
