import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Simulation } from "../../src/simulator/simulation.ts";
import { SimulationError } from "../../src/simulator/simulation_error.ts";
import { test } from "../harness.ts";
import { collect, pair, pause } from "./pair.ts";

test("pause() holds timers, and resume() calls them all at once, in their order", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  const called: (readonly [name: string, atMs: number])[] = [];
  const timers = [20, 10, 500, 30].map((delayMs) =>
    clock.setTimer(delayMs, () => called.push([`${delayMs}`, simulation.nowMs]))
  );
  await simulation.run(10);
  simulation.pause("alpha");
  await simulation.run(400);
  assertEquals(called, [["10", 10]]);
  simulation.resume("alpha");
  assertEquals(called.length, 1);
  await simulation.run(400);
  assertEquals(called, [["10", 10], ["20", 400], ["30", 400]]);
  await simulation.run(1_000);
  assertEquals(called.at(-1), ["500", 500]);
  assertEquals(timers.length, called.length);
});

test("pause() with a duration ends by itself, and does not affect the next process", async () => {
  const simulation = new Simulation(1);
  let atMs = 0;
  simulation.runtime("alpha").clock.setTimer(5, () => atMs = simulation.nowMs);
  simulation.pause("alpha", 50);
  await simulation.run(100);
  assertEquals(atMs, 50);

  simulation.pause("alpha", 50);
  simulation.kill("alpha");
  simulation.restart("alpha").clock.setTimer(5, () => atMs = simulation.nowMs);
  simulation.pause("alpha");
  await simulation.run(1_000);
  assertEquals(atMs, 50);
  simulation.resume("alpha");
  await simulation.run(1_000);
  assertEquals(atMs, 1_000);
});

test("a timer that is cancelled by the first event after a pause is not called", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  let called = false;
  clock.setTimer(1, () => later.cancel());
  const later = clock.setTimer(2, () => called = true);
  simulation.pause("alpha", 50);
  await simulation.run(100);
  assertEquals(called, false);
});

test("clocks keep running during a pause", async () => {
  const simulation = new Simulation(1, { epochMs: 0 });
  const { clock } = simulation.runtime("alpha");
  simulation.pause("alpha", 700);
  await simulation.run(700);
  assertEquals([clock.now(), clock.monotonicMs()], [700, 700]);
});

test("a paused process receives data when it resumes", async () => {
  const { simulation, client, server } = await pair(5);
  const received = collect(server);
  simulation.pause("server");
  await simulation.run((async () => {
    for (const byte of [1, 2, 3]) await client.writeAll!(new Uint8Array([byte]));
  })());
  await simulation.run(simulation.nowMs + 10_000);
  assertEquals(received, []);
  simulation.resume("server");
  await simulation.run(simulation.nowMs);
  assertEquals(received, [1, 2, 3]);
});

test("the buffers of a paused peer fill up, which blocks the writer", async () => {
  const { simulation, client, server } = await pair(6);
  let read = 0;
  void (async (): Promise<void> => {
    const buffer = new Uint8Array(100_000);
    for (let count; (count = await server.readInto!(buffer)) !== null;) read += count;
  })();
  simulation.pause("server");
  let written = 0;
  void (async (): Promise<void> => {
    while (written < 50) {
      await client.writeAll!(new Uint8Array(100_000));
      written++;
    }
  })();
  await simulation.run(simulation.nowMs + 60_000);
  assertEquals([written, read], [10, 0]);
  simulation.resume("server");
  await simulation.run(simulation.nowMs + 60_000);
  assertEquals([written, read], [50, 5_000_000]);
});

test("connections to a paused process wait in its backlog", async () => {
  const simulation = new Simulation(7);
  const listener = await simulation.runtime("server").network.listen({ host: "server", port: 1 });
  let accepted = 0;
  const accepting = (async (): Promise<void> => {
    while (await listener.accept() !== null) accepted++;
  })();
  simulation.pause("server");
  const { network } = simulation.runtime("client");
  await simulation.run(
    Promise.all([1, 2, 3].map(() => network.connect({ host: "server", port: 1 }))),
  );
  assertEquals(accepted, 0);
  simulation.resume("server");
  await simulation.run(simulation.nowMs);
  assertEquals(accepted, 3);
  listener.close();
  await simulation.run(accepting);
});

test("connect() of a paused process settles when it resumes", async () => {
  for (const isRefused of [false, true]) {
    const simulation = new Simulation(8);
    const { network } = simulation.runtime("server");
    if (!isRefused) await network.listen({ host: "server", port: 1 });
    let outcome = "none";
    simulation.runtime("client").network.connect({ host: "server", port: 1 }).then(
      () => outcome = "connected",
      () => outcome = "refused",
    );
    simulation.pause("client");
    await simulation.run(1_000);
    assertEquals(outcome, "none");
    simulation.resume("client");
    await simulation.run(1_000);
    assertEquals(outcome, isRefused ? "refused" : "connected");
  }
});

test("the disk finishes the sync of a paused process, whose promise settles later", async () => {
  const simulation = new Simulation(9);
  const { files } = simulation.runtime("alpha");
  const file = files.open("f", "create");
  await simulation.run(files.syncDirectory("/"));
  file.writeAt(new Uint8Array([1]), 0);
  let settled = 0;
  const settle = (): void => void settled++;
  void file.sync().then(settle);
  void file.read(new Uint8Array(1), 0).then(settle);
  void files.removeLater!("none").then(settle);
  void files.syncDirectory("/").then(settle);
  simulation.pause("alpha");
  await simulation.run(1_000);
  assertEquals(settled, 0);
  assert(simulation.transcript.some((line) => line.endsWith("disk alpha sync f")));
  simulation.resume("alpha");
  await simulation.run(1_000);
  assertEquals(settled, 4);

  void file.sync().then(settle);
  file.writeAt(new Uint8Array([2]), 1);
  void file.sync().then(settle);
  simulation.pause("alpha");
  await simulation.run(2_000);
  simulation.crash("alpha", "lose");
  assertEquals(simulation.restart("alpha").files.open("f", "read").size(), 2);
  assertEquals(settled, 4);
});

test("resume() interleaves events of different sources in an order drawn from the seed", async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    const { simulation, client, server } = await pair(seed);
    const runtime = simulation.runtime("server");
    const order: string[] = [];
    void server.readInto!(new Uint8Array(10)).then(() => order.push("data"));
    void pause(runtime, 1).then(() => order.push("timer 1"));
    void pause(runtime, 2).then(() => order.push("timer 2"));
    void runtime.files.syncDirectory("/").then(() => order.push("sync"));
    simulation.pause("server");
    await client.writeAll!(new Uint8Array(1));
    await simulation.run(simulation.nowMs + 100);
    simulation.resume("server");
    await simulation.run(simulation.nowMs);
    assertEquals(order.length, 4);
    assert(order.indexOf("timer 1") < order.indexOf("timer 2"));
    orders.add(order.join());
  }
  assert(orders.size > 4, [...orders].join("; "));
});

test("a paused process can be killed, which drops its events", async () => {
  const { simulation, client, server } = await pair(10);
  const received = collect(server);
  const heard = collect(client);
  simulation.pause("server");
  await client.writeAll!(new Uint8Array([1]));
  await simulation.run(simulation.nowMs + 10);
  simulation.kill("server");
  simulation.resume("server");
  await simulation.run(simulation.nowMs + 10);
  assertEquals([received, heard], [[], ["broken"]]);
  assertThrows(() => simulation.pause("server"), SimulationError, "no process runs there");
});

test("a run with pauses repeats for the same seed", async () => {
  const hashOf = async (seed: number, pauses: boolean): Promise<string> => {
    const { simulation, client, server } = await pair(seed);
    collect(server);
    void (async (): Promise<void> => {
      for (let byte = 0; byte < 50; byte++) {
        await client.writeAll!(new Uint8Array([byte]));
        await pause(simulation.runtime("client"), 1);
      }
    })();
    if (pauses) simulation.schedule(5, () => simulation.pause("server", 20));
    await simulation.run(200);
    return simulation.traceHash;
  };
  assertEquals(await hashOf(3, true), await hashOf(3, true));
  assertNotEquals(await hashOf(3, true), await hashOf(3, false));
});
