/**
 * One broker, its clients, and kill -9, all in simulated time on a simulated network and disk.
 *
 * Producers send batches with acks=all and note what was acknowledged; a saboteur kills the broker
 * at moments that the seed chooses and starts it again over the same disk; in the end a reader takes
 * everything there is. What must hold: whatever was acknowledged is there, exactly once where the
 * producer is idempotent, at the offset that was told, and offsets have no gaps.
 *
 * @module
 */
import { Broker } from "../../src/broker/broker.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { initProducerId } from "../../src/protocol/messages/init_producer_id.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { decodeBatch, encodeBatch, endOfBatch } from "../../src/protocol/records/batch.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { RawClient } from "../broker/raw_client.ts";

const BROKER = "broker";
const PORT = 9092;
const TOPIC = "events";
const PARTITIONS = 2;
const PRODUCERS = 3;
const BATCHES = 12;
const RETRY_MS = 50;
const MAX_TRIES = 400;

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  /** The same for the same seed, on every runtime. */
  readonly traceHash: string;
  /** What did not hold, in words. Empty when all is well. */
  readonly failures: readonly string[];
  readonly acknowledged: number;
  readonly kills: number;
}

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Runs the scenario of `seed`. */
export async function runSingleBroker(seed: number): Promise<Outcome> {
  const simulation = new Simulation(seed);
  const scenario = new Scenario(simulation);
  await simulation.run(scenario.play(), { limitMs: 600_000 });
  return {
    seed,
    traceHash: simulation.traceHash,
    failures: scenario.failures,
    acknowledged: scenario.acknowledged.length,
    kills: scenario.kills,
  };
}

class Scenario {
  readonly failures: string[] = [];
  readonly acknowledged: Acknowledged[] = [];
  kills = 0;
  #broker: Broker | null = null;
  #isDone = false;

  constructor(private readonly simulation: Simulation) {}

  async play(): Promise<void> {
    await this.#startBroker(this.simulation.runtime(BROKER));
    await this.#createTopic();
    const producers = Array.from({ length: PRODUCERS }, (_, id) => this.#produce(id));
    const saboteur = this.#sabotage();
    await Promise.all(producers);
    this.#isDone = true;
    await saboteur;
    await this.#check();
    await this.#broker!.shutdown();
  }

  async #startBroker(runtime: Runtime): Promise<void> {
    this.#broker = await Broker.start({
      runtime,
      directory: "/data",
      config: {
        "listeners": `PLAINTEXT://${BROKER}:${PORT}`,
        "auto.create.topics.enable": "false",
        "log.segment.bytes": "1048576",
      },
      logger: { log: (level, message) => this.simulation.trace(`${level}: ${message}`) },
    });
  }

  async #createTopic(): Promise<void> {
    await this.#broker!.controller.createTopics([{ name: TOPIC, numPartitions: PARTITIONS }]);
  }

  /** Kills the broker now and then, until the producers are done. */
  async #sabotage(): Promise<void> {
    const { random } = this.simulation;
    const watcher = this.simulation.runtime("saboteur");
    while (!this.#isDone && this.kills < 6) {
      await pause(watcher, 20 + random.below(300));
      if (this.#isDone) return;
      this.simulation.trace("kill -9");
      this.simulation.kill(BROKER);
      this.kills++;
      await pause(watcher, random.below(200));
      await this.#startBroker(this.simulation.restart(BROKER));
    }
  }

  /** Sends batches in order, each until it is acknowledged. */
  async #produce(id: number): Promise<void> {
    const runtime = this.simulation.runtime(`producer-${id}`);
    const partition = id % PARTITIONS;
    const link = new Link(runtime);
    const { producerId } = await link.try((client) =>
      client.request(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 })
    );
    for (let batch = 0; batch < BATCHES; batch++) {
      const values = Array.from({ length: 1 + batch % 3 }, (_, i) => `${id}/${batch}/${i}`);
      const sequence = Array.from({ length: batch }, (_, i) => 1 + i % 3).reduce(
        (a, b) => a + b,
        0,
      );
      const records = encodeBatch(
        values.map((value) => ({
          value: new TextEncoder().encode(value),
          timestamp: runtime.clock.now(),
        })),
        { producerId, producerEpoch: 0, baseSequence: sequence },
      );
      const answer = await link.try(async (client) => {
        const { responses } = await client.request(produce, 9, {
          acks: -1,
          timeoutMs: 1_000,
          topicData: [{ name: TOPIC, partitionData: [{ index: partition, records }] }],
        });
        const told = responses[0]!.partitionResponses[0]!;
        if (told.errorCode === 3 || told.errorCode === 6) throw new Error("not ready yet");
        return told;
      });
      if (answer.errorCode !== 0) {
        this.failures.push(`batch ${id}/${batch} was refused with ${answer.errorCode}`);
        continue;
      }
      values.forEach((value, i) =>
        this.acknowledged.push({ partition, offset: answer.baseOffset + i, value })
      );
      await pause(runtime, this.simulation.random.below(60));
    }
    link.close();
  }

  /** Reads everything and compares. */
  async #check(): Promise<void> {
    const link = new Link(this.simulation.runtime("reader"));
    const { topics } = await link.try((client) => client.request(metadata, 9, { topics: null }));
    if (topics.map(({ name }) => name).join() !== TOPIC) this.failures.push("the topic is gone");
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = new Map<number, string>();
      for (let fetchOffset = 0;;) {
        const { responses } = await link.try((client) =>
          client.request(fetch, 11, {
            maxWaitMs: 0,
            minBytes: 0,
            topics: [{
              topic: TOPIC,
              partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000 }],
            }],
          })
        );
        const answer = responses[0]!.partitions[0]!;
        const bytes = answer.records!;
        for (let at = 0; at < bytes.length;) {
          const batch = decodeBatch(bytes, at);
          for (const { offset, value } of batch.records) {
            found.set(offset, new TextDecoder().decode(value!));
          }
          fetchOffset = batch.lastOffset + 1;
          at = endOfBatch(bytes, at, bytes.length);
        }
        if (bytes.length === 0) {
          if (found.size !== answer.highWatermark) {
            this.failures.push(
              `partition ${partition} ends at ${answer.highWatermark} and has ${found.size} records`,
            );
          }
          break;
        }
      }
      if (new Set(found.values()).size !== found.size) {
        this.failures.push(`partition ${partition} has a record twice`);
      }
      for (const { offset, value } of this.acknowledged.filter((a) => a.partition === partition)) {
        if (found.get(offset) !== value) {
          this.failures.push(
            `${value} was acknowledged at ${partition}/${offset}, where ${found.get(offset)} is`,
          );
        }
      }
    }
    link.close();
  }
}

/** A connection that is made again as often as it breaks. */
class Link {
  #client: RawClient | null = null;

  constructor(private readonly runtime: Runtime) {}

  async try<Result>(use: (client: RawClient) => Promise<Result>): Promise<Result> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        this.#client ??= await RawClient.connect(this.runtime, { host: BROKER, port: PORT });
        return await use(this.#client);
      } catch {
        this.close();
        await pause(this.runtime, RETRY_MS);
      }
    }
    throw new Error(`The broker did not answer in ${MAX_TRIES} tries`);
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }
}

function pause({ clock }: Runtime, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}
