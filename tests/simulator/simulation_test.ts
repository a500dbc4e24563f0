import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { Connection, Runtime } from "../../src/runtime/runtime.ts";
import { isProcessEnded, ProcessEnded } from "../../src/runtime/process_ended.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { SimulationError } from "../../src/simulator/simulation_error.ts";
import { test } from "../harness.ts";

/** Reads `length` bytes, or fewer when the peer ends. */
async function read(connection: Connection, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await connection.readInto!(buffer.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}

/** Stores what arrives, 100 bytes at a time, and answers each once it is synced. */
async function serve(runtime: Runtime): Promise<void> {
  runtime.files.makeDirectory("/log");
  const file = runtime.files.open("/log/records", "create");
  const listener = await runtime.network.listen({ host: "server", port: 9092 });
  let position = 0;
  for (let connection; (connection = await listener.accept()) !== null;) {
    const accepted = connection;
    void (async (): Promise<void> => {
      for (;;) {
        const record = await read(accepted, 100);
        if (record.length < 100) break;
        const at = position;
        position += 100;
        file.writeAt(record, at);
        await file.sync();
        await accepted.writeAll!(new Uint8Array([at / 100]));
      }
      accepted.close();
    })();
  }
}

/** Sends ten records, each after a pause, and gives the numbers they got. */
async function send(runtime: Runtime): Promise<number[]> {
  const connection = await runtime.network.connect({ host: "server", port: 9092 });
  const answers: number[] = [];
  for (let record = 0; record < 10; record++) {
    await connection.writeAll!(runtime.random.fill(new Uint8Array(100)));
    answers.push((await read(connection, 1))[0]!);
    const pauseMs = runtime.random.below(5);
    await new Promise<void>((resolve) => runtime.clock.setTimer(pauseMs, resolve));
  }
  connection.close();
  return answers;
}

/** Three clients at once, with one partition on the way. */
async function workload(seed: number): Promise<{ simulation: Simulation; answers: number[] }> {
  const simulation = new Simulation(seed);
  void serve(simulation.runtime("server"));
  const names = ["one", "two", "three"];
  await simulation.run(1);
  simulation.schedule(8, () => simulation.partition("two", "server"));
  simulation.schedule(30, () => simulation.heal("two", "server"));
  const answers = await simulation.run(
    Promise.all(names.map((name) => send(simulation.runtime(name)))),
  );
  return { simulation, answers: answers.flat() };
}

test("Simulation repeats a run for the same seed, on every runtime", async () => {
  const first = await workload(7);
  const second = await workload(7);
  assertEquals(first.simulation.traceHash, second.simulation.traceHash);
  assertEquals(first.simulation.transcript, second.simulation.transcript);
  assertEquals(first.answers, second.answers);
  // Written down once: Deno, Node and Bun must all come to it. A change of the simulator changes it.
  assertEquals(first.simulation.traceHash, "14d68c0a61126986");
  assertEquals(first.answers.toSorted((one, other) => one - other), [...Array(30).keys()]);
});

test("Simulation repeats a run with Web Streams, on every runtime", async () => {
  const simulation = new Simulation(8);
  const server = simulation.runtime("server");
  const client = simulation.runtime("client");
  await simulation.run((async () => {
    const listener = await server.network.listen({ host: "server", port: 1 });
    const connection = await client.network.connect({ host: "server", port: 1 });
    const accepted = (await listener.accept())!;
    void accepted.readable.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller): void => {
          simulation.trace(`transform ${chunk.length}`);
          controller.enqueue(chunk.map((byte) => byte ^ 255));
        },
      }),
    ).pipeTo(accepted.writable);
    const writer = connection.writable.getWriter();
    const reader = connection.readable.getReader({ mode: "byob" });
    for (let message = 1; message < 20; message++) {
      void writer.write(new Uint8Array(message * 10).fill(message));
      for (let left = message * 10; left > 0;) {
        const { value } = await reader.read(new Uint8Array(left));
        assertEquals(value![0], message ^ 255);
        left -= value!.length;
      }
    }
    await writer.close();
  })());
  assertEquals(simulation.traceHash, "89efbbbcca996379");
});

test("Simulation runs differently for other seeds", async () => {
  const hashes = new Set<string>();
  const orders = new Set<string>();
  for (let seed = 0; seed < 8; seed++) {
    const { simulation, answers } = await workload(seed);
    hashes.add(simulation.traceHash);
    orders.add(answers.join());
  }
  assertEquals(hashes.size, 8);
  assert(orders.size > 4);
});

test("run() stops at the given time", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  const called: number[] = [];
  for (const delayMs of [30, 10, 20]) {
    clock.setTimer(delayMs, () => called.push(clock.monotonicMs()));
  }
  await simulation.run(20);
  assertEquals(called, [10, 20]);
  assertEquals(simulation.nowMs, 20);
  await simulation.run(100);
  assertEquals(called, [10, 20, 30]);
  assertEquals(simulation.nowMs, 100);
});

test("Simulation processes the next event only when all promises have settled", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  const order: string[] = [];
  clock.setTimer(1, () => {
    void (async (): Promise<void> => {
      for (let step = 0; step < 1000; step++) await null;
      order.push("first, after 1,000 steps");
    })();
  });
  clock.setTimer(1, () => order.push("second"));
  await simulation.run(2);
  assertEquals(order, ["first, after 1,000 steps", "second"]);
});

test("run() rejects when no events are left, and at its limit", async () => {
  const simulation = new Simulation(99);
  await assertRejects(
    () => simulation.run(new Promise<void>(() => {})),
    SimulationError,
    "with seed 99",
  );
  const { clock } = simulation.runtime("alpha");
  const tick = (): void => void clock.setTimer(10, tick);
  tick();
  const error = await assertRejects(
    () => simulation.run(new Promise<void>(() => {}), { limitMs: 100 }),
    SimulationError,
    "have passed",
  );
  assert(error.message.includes("timer alpha"));
  await assertRejects(() => simulation.run(Promise.reject(new Error("mine"))), Error, "mine");
  const running = simulation.run(1000);
  await assertRejects(() => simulation.run(1000), SimulationError, "running already");
  await running;
});

test("run() rejects when a timer throws", async () => {
  const simulation = new Simulation(1);
  simulation.runtime("alpha").clock.setTimer(1, () => {
    throw new Error("broken timer");
  });
  await assertRejects(() => simulation.run(10), Error, "broken timer");
});

test("a killed process does nothing more, and can be restarted", async () => {
  const simulation = new Simulation(3);
  const old = simulation.runtime("alpha");
  const lock = old.files.tryLock(".lock");
  const file = old.files.open("kept", "create");
  file.writeAt(new Uint8Array([1, 2, 3]), 0);
  let called = 0;
  old.clock.setTimer(5, () => called++);
  void file.sync().then(() => called++, () => called++);
  void old.clock.yieldToLoop().then(() => called++);
  const listener = await old.network.listen({ host: "alpha", port: 1 });
  void listener.accept().then(() => called++);

  simulation.kill("alpha");
  assertThrows(() => simulation.runtime("alpha"), SimulationError);
  assertThrows(() => file.writeAt(new Uint8Array([9]), 0));
  assertThrows(() => old.files.open("kept", "write"));
  lock!.release();
  await simulation.run(100);
  assertEquals(called, 0);

  const next = simulation.restart("alpha");
  assertThrows(() => simulation.restart("alpha"), SimulationError);
  assert(next.files.tryLock(".lock") !== null);
  const again = next.files.open("kept", "read");
  const content = new Uint8Array(4);
  assertEquals(again.readAt(content, 0), 3);
  assertEquals([...content], [1, 2, 3, 0]);
  (await next.network.listen({ host: "alpha", port: 1 })).close();
  assertNotEquals(
    next.random.fill(new Uint8Array(8)).join(),
    old.random.fill(new Uint8Array(8)).join(),
  );
});

test("afterEvent() checks after every event, when all promises have settled", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  let value = 0;
  for (let timer = 1; timer <= 5; timer++) {
    clock.setTimer(timer, () => {
      value++;
      void Promise.resolve().then(() => value--);
    });
  }
  let calls = 0;
  const end = simulation.afterEvent(() => {
    calls++;
    assertEquals(value, 0);
  });
  await simulation.run(3);
  end();
  await simulation.run(5);
  assertEquals(calls, 3);
});

test("afterEvent() fails the run at the event after which its check throws", async () => {
  const simulation = new Simulation(1);
  const { clock } = simulation.runtime("alpha");
  let value = 0;
  for (let timer = 1; timer <= 5; timer++) clock.setTimer(timer, () => value++);
  simulation.afterEvent(() => assert(value < 3, "the value is 3"));
  await assertRejects(() => simulation.run(100), Error, "the value is 3");
  assertEquals(simulation.nowMs, 3);
});

test("the operations of a process that has ended never settle, or throw ProcessEnded", async () => {
  const simulation = new Simulation(1);
  const { files, network, clock } = simulation.runtime("alpha");
  const file = files.open("f", "create");
  const listener = await network.listen({ host: "alpha", port: 1 });
  simulation.kill("alpha");
  const settled: string[] = [];
  const calls = {
    sync: () => file.sync(),
    read: () => file.read(new Uint8Array(1), 0),
    syncDirectory: () => files.syncDirectory("/"),
    removeLater: () => files.removeLater!("f"),
    space: () => files.space!("/"),
    accept: () => listener.accept(),
    listen: () => network.listen({ host: "alpha", port: 2 }),
    connect: () => network.connect({ host: "alpha", port: 1 }),
    yieldToLoop: () => clock.yieldToLoop(),
  };
  for (const [name, call] of Object.entries(calls)) {
    const settle = (): void => void settled.push(name);
    (call() as Promise<unknown>).then(settle, settle);
  }
  await simulation.run(1_000);
  assertEquals(settled, []);
  const wrapped = new Error("Cannot append", {
    cause: assertThrows(() => file.writeAt(new Uint8Array(1), 0), ProcessEnded),
  });
  assertThrows(() => file.readAt(new Uint8Array(1), 0), ProcessEnded);
  assertThrows(() => files.exists("f"), ProcessEnded);
  assertEquals([isProcessEnded(wrapped), isProcessEnded(new Error("other"))], [true, false]);
  file.close();
  simulation.restart("alpha");
});

test("crypto of a simulated process draws its random bytes from the seed", () => {
  const draw = (seed: number) =>
    new Simulation(seed).runtime("alpha").crypto.randomBytes(16).join();
  assertEquals(draw(1), draw(1));
  assertNotEquals(draw(1), draw(2));
  const { crypto, random } = new Simulation(1).runtime("alpha");
  assertEquals(crypto.randomBytes(16).join(), draw(1));
  assertNotEquals(random.fill(new Uint8Array(16)).join(), draw(1));
});
