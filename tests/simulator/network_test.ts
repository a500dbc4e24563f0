import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { test } from "../harness.ts";
import { pair } from "./pair.ts";

test("simulated network splits writes into pieces and keeps their order", async () => {
  let pieces = 0;
  for (let seed = 0; seed < 20; seed++) {
    const { simulation, client, server } = await pair(seed);
    const sent = Uint8Array.from({ length: 200 }, (_, index) => index);
    const received: number[] = [];
    void (async (): Promise<void> => {
      for (let start = 0; start < 200; start += 20) {
        await client.writeAll!(sent.subarray(start, start + 20));
      }
      client.close();
    })();
    await simulation.run((async () => {
      const buffer = new Uint8Array(1000);
      for (let count; (count = await server.readInto!(buffer)) !== null; pieces++) {
        received.push(...buffer.subarray(0, count));
      }
    })());
    assertEquals(received, [...sent]);
  }
  // 10 writes each; some are read together, some are cut.
  assert(pieces > 100 && pieces < 20 * 10 * 3);
});

test("simulated network delays messages within its bounds", async () => {
  const network = { minDelayUs: 1000, maxDelayUs: 2000, slowOneIn: 1000, slowMaxUs: 2000 };
  const { simulation, client, server } = await pair(5, { network });
  for (let message = 0; message < 20; message++) {
    const before = simulation.nowMs;
    await client.writeAll!(new Uint8Array(1));
    await simulation.run(server.readInto!(new Uint8Array(1)));
    const tookMs = simulation.nowMs - before;
    assert(tookMs >= 1 && tookMs <= 2, `took ${tookMs} ms`);
  }
});

test("simulated network holds traffic during a partition", async () => {
  const { simulation, client, server } = await pair(11);
  const received: number[] = [];
  void (async (): Promise<void> => {
    const buffer = new Uint8Array(100);
    for (let count; (count = await server.readInto!(buffer)) !== null;) {
      received.push(...buffer.subarray(0, count));
    }
  })();
  // One message is on the way when the cut comes, and stays behind it too.
  await client.writeAll!(new Uint8Array([1]));
  simulation.partition("client", "server");
  await client.writeAll!(new Uint8Array([2]));
  await simulation.run(simulation.nowMs + 1000);
  assertEquals(received, []);
  let refused: unknown;
  let connected = false;
  simulation.runtime("client").network.connect({ host: "server", port: 9092 }).then(
    () => connected = true,
    (error) => refused = error,
  );
  await simulation.run(simulation.nowMs + 1000);
  simulation.heal("server", "client");
  await client.writeAll!(new Uint8Array([3]));
  await simulation.run(simulation.nowMs + 1000);
  assertEquals(received, [1, 2, 3]);
  assertEquals([connected, refused], [true, undefined]);
});

test("simulated network can cut one direction only", async () => {
  const { simulation, client, server } = await pair(12);
  simulation.partition("client", "server", { oneWay: true });
  await server.writeAll!(new Uint8Array(3));
  await client.writeAll!(new Uint8Array(4));
  let reached = false;
  void server.readInto!(new Uint8Array(4)).then(() => reached = true);
  let count = 0;
  while (count < 3) count += (await simulation.run(client.readInto!(new Uint8Array(4))))!;
  await simulation.run(simulation.nowMs + 100);
  assertEquals(reached, false);
  simulation.healAll();
  await simulation.run(simulation.nowMs + 100);
  assertEquals(reached, true);
});

test("simulated network gives up connecting through a partition", async () => {
  const simulation = new Simulation(13, { network: { connectTimeoutUs: 5_000_000 } });
  simulation.runtime("server");
  simulation.partition("client", "server");
  await simulation.run(assertRejects(
    () => simulation.runtime("client").network.connect({ host: "server", port: 1 }),
    ConnectionError,
    "does not answer",
  ));
  assertEquals(Math.round(simulation.nowMs), 5000);
  simulation.heal("client", "server");
  await simulation.run(10_000);
});

test("simulated network rejects names of unknown machines", async () => {
  const simulation = new Simulation(14);
  const { network } = simulation.runtime("alpha");
  const unknown = await assertRejects(
    () => network.connect({ host: "nowhere", port: 1 }),
    ConnectionError,
  );
  assertEquals(unknown.reason, "broken");
  await assertRejects(() => network.listen({ host: "beta", port: 1 }), ConnectionError);
});

test("simulated network resets the connections of a killed process", async () => {
  const { simulation, client, server } = await pair(21);
  const zombie = server.readInto!(new Uint8Array(1)).then(() => "settled", () => "settled");
  const reading = assertRejects(() => client.readInto!(new Uint8Array(1)), ConnectionError);
  simulation.kill("server");
  await simulation.run(reading);
  await assertRejects(() => client.writeAll!(new Uint8Array(1)), ConnectionError);
  const refused = assertRejects(
    () => simulation.runtime("client").network.connect({ host: "server", port: 9092 }),
    ConnectionError,
    "nothing listens",
  );
  assertEquals((await simulation.run(refused)).reason, "refused");
  assertEquals(await Promise.race([zombie, Promise.resolve("never")]), "never");
});

test("simulated network sends no reset for a machine without power until it restarts", async () => {
  const { simulation, client } = await pair(22);
  let heard = false;
  client.readInto!(new Uint8Array(1)).then(() => heard = true, () => heard = true);
  simulation.crash("server");
  await client.writeAll!(new Uint8Array(1));
  await simulation.run(simulation.nowMs + 10_000);
  assertEquals(heard, false);
  simulation.restart("server");
  await simulation.run(simulation.nowMs + 10_000);
  assertEquals(heard, false);
  await client.writeAll!(new Uint8Array(1));
  await simulation.run(simulation.nowMs + 10);
  assertEquals(heard, true);
});

test("simulated network resets a peer whose data is not read before the close", async () => {
  const { simulation, client, server } = await pair(23);
  await client.writeAll!(new Uint8Array(10));
  await simulation.run(server.readInto!(new Uint8Array(1)));
  await simulation.run(simulation.nowMs + 10);
  server.close();
  await simulation.run(assertRejects(
    () => client.readInto!(new Uint8Array(1)),
    ConnectionError,
    "reset",
  ));
});
