/**
 * Shutdowns of a node during background work: checkpoints, flushes by age, retention, rolls. Afterwards
 * nothing is held, used or logged any more.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { formatNode } from "../../src/node/format_node.ts";
import { Node } from "../../src/node/node.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { seedCount, test } from "../harness.ts";
import { batchOf, produceTo } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";

const ADDRESS = { host: "broker", port: 9092 };
const CONFIG = {
  "listeners": "PLAINTEXT://broker:9092",
  "log.flush.offset.checkpoint.interval.ms": "3",
  "log.flush.interval.ms": "2",
  "log.retention.check.interval.ms": "4",
  "log.roll.ms": "1",
};
/** Its other voters cannot be reached. */
const COMBINED = {
  "node.id": "1",
  "process.roles": "broker,controller",
  "listeners": "PLAINTEXT://node-1:9092,CONTROLLER://node-1:9093",
  "controller.listener.names": "CONTROLLER",
  "controller.quorum.voters": "1@node-1:9093,2@node-2:9093,3@node-3:9093",
};
const SEEDS = seedCount(40, 150);
const MADE_FAULT = "the simulation makes it fail";

/** A node on a simulated machine, its open resources and its errors. */
class Machine {
  readonly process: KillableRuntime;
  readonly errors: string[] = [];

  constructor(readonly simulation: Simulation) {
    this.process = new KillableRuntime(simulation.runtime("broker"));
  }

  start(): Promise<Node> {
    return Node.start({
      parts: ALL_PARTS,
      runtime: this.process.runtime,
      directory: "/data,/more",
      config: CONFIG,
      logger: {
        log: (level, message) => {
          if (level === "error") this.errors.push(message);
        },
      },
    });
  }

  /** Fails if the node, which has shut down, holds something or uses something later. */
  async expectNothingLeft(what: string): Promise<void> {
    assertEquals(this.process.held(), [], what);
    const late: string[] = [];
    this.process.onUse = (use) => late.push(use);
    await this.simulation.run(this.simulation.nowMs + 2_000);
    assertEquals(late, [], what);
  }
}

/** Produces for a random time, without waiting for the last answers. */
async function produceSome(simulation: Simulation): Promise<void> {
  const { random } = simulation;
  const client = await RawClient.connect(simulation.runtime("client"), ADDRESS);
  for (let batch = random.between(1, 12); batch > 0; batch--) {
    const produced = produceTo(client, "events", batch % 2, batchOf(["a"]), 1).catch(() => {});
    if (random.oneIn(2)) await produced;
  }
  if (random.oneIn(2)) client.close();
}

for (const fails of [false, true]) {
  const disk = fails ? "after its disk failed" : "at any moment";
  test(`a node that shuts down ${disk} leaves no work running, over ${SEEDS} seeds`, async () => {
    let ended = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const simulation = new Simulation(seed);
      const { random } = simulation;
      const machine = new Machine(simulation);
      const broker = await simulation.run(machine.start());
      broker.failed.then(() => ended++);
      await simulation.run(
        broker.controller.createTopics([{ name: "events", numPartitions: 2 }]),
      );
      await simulation.run(produceSome(simulation));
      await simulation.run(simulation.nowMs + random.below(6_000) / 1_000);
      if (fails) {
        const path = random.oneIn(2) ? "/data/" : "";
        simulation.disk("broker").failNext(random.oneIn(2) ? "write" : "sync", "io", path);
        await simulation.run(simulation.nowMs + random.below(8_000) / 1_000);
      }
      await simulation.run(
        broker.shutdown().catch((error) => {
          if (!fails || !(error instanceof KafkaError)) throw error;
        }),
      );
      await machine.expectNothingLeft(`seed ${seed}`);
      const unexpected = machine.errors.filter((message) => !message.includes(MADE_FAULT));
      assertEquals(unexpected, [], `seed ${seed}`);
    }
    assert(ended > (fails ? SEEDS / 5 : -1), `${ended} brokers ended by themselves`);
  });
}

test(`a node whose start fails leaves no work running, over ${SEEDS} seeds`, async () => {
  let refused = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = new Simulation(seed);
    const { random } = simulation;
    const first = new Machine(simulation);
    const broker = await simulation.run(first.start());
    await simulation.run(broker.controller.createTopics([{ name: "events", numPartitions: 2 }]));
    await simulation.run(produceSome(simulation));
    simulation.kill("broker");
    simulation.restart("broker");
    const machine = new Machine(simulation);
    const operation = (["open", "write", "sync", "change"] as const)[random.below(4)]!;
    const starting = machine.start().then((started) => started, () => null);
    await simulation.run(simulation.nowMs + random.below(3_000) / 1_000);
    simulation.disk("broker").failNext(
      operation,
      "io",
      random.oneIn(2) ? "__cluster_metadata" : "",
    );
    const started = await simulation.run(starting);
    if (started === null) refused++;
    else {
      simulation.disk("broker").forgetFaults();
      await simulation.run(
        started.shutdown().catch((error) => {
          if (!(error instanceof KafkaError)) throw error;
        }),
      );
    }
    await machine.expectNothingLeft(`seed ${seed}`);
  }
  assert(refused > SEEDS / 7, `${refused} of ${SEEDS} starts failed`);
});

/** Resolves with the files of a node with both roles that was formatted for a quorum of three. */
async function formattedNode(simulation: Simulation): Promise<KillableRuntime> {
  const process = new KillableRuntime(simulation.runtime("node-1"));
  await formatNode({
    runtime: process.runtime,
    config: { ...COMBINED, "log.dirs": "/data" },
    clusterId: "MkU3OEVBNTcwNTJENDM2Qk",
    firstControllers: { kind: "configured" },
    releaseVersion: null,
    levels: new Map(),
    formatted: "reject",
  });
  return process;
}

test("a node that shuts down while it starts leaves nothing behind", async () => {
  const seeds = seedCount(20, 40);
  for (let seed = 1; seed <= seeds; seed++) {
    const simulation = new Simulation(seed);
    const process = await simulation.run(formattedNode(simulation));
    const waitMs = simulation.random.oneIn(2) ? -1 : simulation.random.between(0, 5_000);
    const ended = Promise.withResolvers<void>();
    const started = Node.start({
      parts: ALL_PARTS,
      runtime: process.runtime,
      directory: "/data",
      config: COMBINED,
      logger: { log: () => {} },
      onOpened: (node) => {
        const end = () => node.shutdown().then(ended.resolve, ended.reject);
        if (waitMs < 0) end();
        else process.runtime.clock.setTimer(waitMs, end);
      },
    });
    const reason = "Cannot start node 1: it is being shut down";
    await simulation.run(assertRejects(() => started, KafkaError, reason));
    await simulation.run(ended.promise);
    const what = `seed ${seed}, after ${waitMs} ms`;
    assertEquals(process.held(), [], what);
    const late: string[] = [];
    process.onUse = (use) => late.push(use);
    await simulation.run(simulation.nowMs + 2_000);
    assertEquals(late, [], what);
  }
});
