/**
 * One broker, raw clients, and kill -9, all in simulated time on a simulated network and disk.
 *
 * Producers send batches with acks=all and note what was acknowledged; a saboteur kills the broker
 * at moments that the seed chooses and starts it again on the same disk. In the end a reader reads all
 * records. Every acknowledged record must be there, exactly once since the producers are idempotent, at
 * its acknowledged offset, and offsets must have no gaps.
 *
 * The clients here share nothing with the library's but the codecs: this scenario still judges the
 * broker when both are wrong in the same way.
 *
 * @module
 */
import { initProducerId } from "../../src/protocol/messages/init_producer_id.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { drawFaults } from "./faults/draw_faults.ts";
import { FaultInjector } from "./faults/fault_injector.ts";
import { NodeMachine } from "./node_machine.ts";
import { Link } from "./programs/link.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { pause, World } from "./world.ts";

const BROKER = "broker";
const TOPIC = "events";
const PARTITIONS = 2;
const PRODUCERS = 3;
const BATCHES = 12;
const FAULTS = 8;
const MAX_CALM_MS = 300;
/** Errors that pass: the topic is not there yet, the partition has no leader yet. */
const NOT_READY = [3, 6];

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Runs the scenario of `seed`. */
export function runSingleBroker(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(seed, {}, options);
  return world.play(() => new SingleBroker(world).play());
}

function hostOf(producer: number): string {
  return `producer-${producer}`;
}

class SingleBroker {
  readonly #broker: NodeMachine;
  readonly #acknowledged: Acknowledged[] = [];

  constructor(private readonly world: World) {
    this.#broker = new NodeMachine(world, {
      name: BROKER,
      roles: ["broker", "controller"],
      config: { "log.segment.bytes": "1048576" },
      mayRefuse: false,
    });
  }

  async play(): Promise<void> {
    await this.#broker.start();
    await this.#broker.serving!.controller.createTopics([
      { name: TOPIC, numPartitions: PARTITIONS },
    ]);
    const producers = Array.from({ length: PRODUCERS }, (_, id) => this.#produce(id));
    const faults = new FaultInjector(this.world);
    const running = faults.run(drawFaults(this.world.simulation.random, {
      nodes: [BROKER],
      clients: Array.from({ length: PRODUCERS }, (_, id) => hostOf(id)),
      killsClients: false,
      count: FAULTS,
      maxCalmMs: MAX_CALM_MS,
      weights: { kill: 6, pause: 1, clock: 1, reset: 1 },
    }));
    await Promise.all(producers);
    await faults.heal();
    await running;
    await this.#check();
    await this.#broker.shutdown();
  }

  /** Sends batches in order, each until it is acknowledged. */
  async #produce(id: number): Promise<void> {
    const runtime = this.world.runtime(hostOf(id));
    const partition = id % PARTITIONS;
    const link = new Link(runtime, this.world.brokers);
    const { producerId } = await link.try((client) =>
      client.request(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 })
    );
    let baseSequence = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const values = Array.from({ length: 1 + batch % 3 }, (_, i) => `${id}/${batch}/${i}`);
      const records = encodeBatch(
        values.map((value) => ({
          value: new TextEncoder().encode(value),
          timestamp: runtime.clock.now(),
        })),
        { producerId, producerEpoch: 0, baseSequence },
      );
      baseSequence += values.length;
      const answer = await link.try(async (client) => {
        const { responses } = await client.request(produce, 9, {
          acks: -1,
          timeoutMs: 1_000,
          topicData: [{ name: TOPIC, partitionData: [{ index: partition, records }] }],
        });
        const result = responses[0]!.partitionResponses[0]!;
        if (NOT_READY.includes(result.errorCode)) throw new Error("not ready yet");
        return result;
      });
      if (answer.errorCode !== 0) {
        this.world.fail(`batch ${id}/${batch} was refused with ${answer.errorCode}`);
        continue;
      }
      values.forEach((value, i) =>
        this.#acknowledged.push({ partition, offset: answer.baseOffset + i, value })
      );
      this.world.count("acknowledged", values.length);
      await pause(runtime, this.world.simulation.random.below(60));
    }
    link.close();
  }

  /** Reads everything and compares. */
  async #check(): Promise<void> {
    const { world } = this;
    const link = new Link(world.runtime("reader"), world.brokers);
    const topics = [...(await link.topics()).keys()];
    if (topics.join() !== TOPIC) world.fail(`the topics are ${topics}`);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = (await link.readAll(TOPIC, partition)).map(({ value }) =>
        new TextDecoder().decode(value!)
      );
      if (new Set(found).size !== found.length) {
        world.fail(`partition ${partition} has a record twice`);
      }
      for (const { offset, value } of this.#acknowledged.filter((a) => a.partition === partition)) {
        if (found[offset] === value) continue;
        world.fail(
          `${value} was acknowledged at ${partition}/${offset}, there is ${found[offset]}`,
        );
      }
    }
    link.close();
  }
}
