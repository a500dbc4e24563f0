/**
 * Defects that the simulation has found, as short scenarios.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Consumer } from "../../src/client/consumer/consumer.ts";
import { Producer } from "../../src/client/producer/producer.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { NodeMachine } from "./node_machine.ts";
import { clientOptions, REQUEST_TIMEOUT_MS } from "./programs/client_options.ts";
import { World } from "./world.ts";

const BROKER = "broker";
const TOPIC = "events";
const RECORDS = 500;

/** Runs `play` on a simulated client beside a broker with the topic `events`. */
async function story(
  play: (client: Runtime, world: World) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const world = new World(1, {}, {});
  const broker = new NodeMachine(world, {
    name: BROKER,
    roles: ["broker", "controller"],
    config: {
      "log.retention.ms": "-1",
      "group.min.session.timeout.ms": "100",
      "group.initial.rebalance.delay.ms": "0",
      ...config,
    },
  });
  const { failures } = await world.play(async () => {
    await broker.start();
    await broker.serving!.controller.createTopics([{ name: TOPIC, numPartitions: 1 }]);
    await play(world.runtime("client"), world);
    await world.pause(1);
    world.expectNothingHeld("client");
    await broker.shutdown();
  });
  assertEquals(failures, []);
}

/** Everything in the topic, in order, after a consumer has read so many. */
async function valuesOf(runtime: Runtime, world: World, count: number): Promise<(string | null)[]> {
  const consumer = new Consumer({ ...clientOptions(world, runtime), topics: TOPIC });
  const values: (string | null)[] = [];
  for await (const { valueText } of consumer) {
    values.push(valueText);
    if (values.length === count) break;
  }
  await consumer.close();
  return values;
}

test("a producer closed right after a record still sends it", () =>
  story(async (runtime, world) => {
    const producer = new Producer({ ...clientOptions(world, runtime) });
    const sent = producer.send({ topic: TOPIC, value: "a" });
    await producer.close();
    assertEquals((await sent).offset, 0);
  }));

test("the first batch of a producer stays first, even if the disk rejects it once", () =>
  story(async (runtime, world) => {
    const producer = new Producer({ ...clientOptions(world, runtime), batchSize: 1 });
    world.simulation.disk(BROKER).failNext("write", "no-space", `/${TOPIC}-`);
    const values = ["a", "b", "c"];
    await Promise.all(values.map((value) => producer.send({ topic: TOPIC, value })));
    await producer.close();
    assertEquals(await valuesOf(runtime, world, 3), values);
  }));

test("a repeated batch of old records is recognized after retention has run", () =>
  story(async (runtime, world) => {
    const producer = new Producer({ ...clientOptions(world, runtime) });
    await producer.send({ topic: TOPIC, value: "a", timestamp: 1_000 });
    world.simulation.partition(BROKER, "client", { oneWay: true });
    const sent = producer.send({ topic: TOPIC, value: "b", timestamp: 1_000 });
    // It is written, its answer comes too late, and before it is sent again the broker looks twice.
    await world.pause(REQUEST_TIMEOUT_MS + 500);
    world.simulation.healAll();
    assertEquals((await sent).offset, 1);
    await producer.send({ topic: TOPIC, value: "c", timestamp: 1_000 });
    await producer.close();
    assertEquals(await valuesOf(runtime, world, 3), ["a", "b", "c"]);
  }, { "log.retention.check.interval.ms": "100" }));

test("a consumer that is closed while it joins its group ends", () =>
  story(async (runtime, world) => {
    const consumer = new Consumer({
      ...clientOptions(world, runtime),
      topics: TOPIC,
      groupId: "readers",
      sessionTimeoutMs: 1_000,
    });
    const next = consumer[Symbol.asyncIterator]().next();
    await world.pause(30);
    await consumer.close();
    assertEquals((await next).done, true);
  }, { "group.initial.rebalance.delay.ms": "100" }));

test("a client that is closed while it connects holds no resources", () =>
  story(async (runtime, world) => {
    world.simulation.partition(BROKER, "client");
    const consumer = new Consumer({ ...clientOptions(world, runtime), topics: TOPIC });
    const next = consumer[Symbol.asyncIterator]().next();
    await world.pause(10);
    await consumer.close();
    assertEquals((await next).done, true);
  }));

test("a member commits its records before its partitions are revoked", () =>
  story(async (runtime, world) => {
    const producer = new Producer({ ...clientOptions(world, runtime) });
    for (let i = 0; i < RECORDS; i++) producer.send({ topic: TOPIC, value: String(i) });
    await producer.close();
    const group = {
      ...clientOptions(world, runtime),
      topics: TOPIC,
      groupId: "readers",
      heartbeatIntervalMs: 20,
      sessionTimeoutMs: 1_000,
    };
    const handed: string[] = [];
    const read = async (consumer: Consumer) => {
      for await (const { valueText } of consumer) {
        handed.push(valueText!);
        await world.pause(0.2);
      }
    };
    const first = new Consumer(group);
    const reading = [read(first)];
    await world.pause(20);
    const second = new Consumer(group);
    reading.push(read(second));
    await world.waitFor("all have been handed out", 5_000, () => new Set(handed).size === RECORDS);
    await first.close();
    await second.close();
    await Promise.all(reading);
    assertEquals(handed.length, RECORDS);
  }));
