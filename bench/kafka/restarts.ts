/**
 * Restarts: after `kill -9` with much unflushed data, and after an orderly shutdown with many
 * partitions.
 *
 * @module
 */
import { Admin, Producer } from "../../mod.ts";
import { type RunningBroker, type Side, startBroker } from "./brokers.ts";
import { producerPerformance } from "./java_tools.ts";
import { residentMb } from "./process.ts";
import { MANY_PARTITIONS, RESTART_KILLED, RESTART_MANY } from "./rows.ts";
import type { Samples } from "./samples.ts";

/** The data written before the kill: 2 GB in 20 partitions. */
const KILLED = { topic: "killed", partitions: 20, records: 2_000_000, size: 1_000 };

/** Topics that share {@linkcode MANY_PARTITIONS}. */
const TOPICS = 20;

/** Writes 2 GB, kills the broker, restarts it and waits for every partition, `runs` times. */
export async function measureKilled(
  side: Side,
  runs: number,
  scale: number,
  samples: Samples,
): Promise<void> {
  const { topic, partitions, size } = KILLED;
  const records = Math.ceil(KILLED.records * scale);
  let broker = await startBroker(side);
  try {
    await createTopics(broker, [{ name: topic, partitions }]);
    await producerPerformance(broker.address, topic, records, size, "1");
    for (let run = 0; run < runs; run++) {
      await broker.kill();
      broker = await broker.restart();
      samples.add(side, RESTART_KILLED, "launch to ready", broker.readyAfterMs);
      await sendToEach(broker, topic, partitions);
      const served = performance.now() - broker.launchedMs;
      samples.add(side, RESTART_KILLED, "launch to a record in every partition", served);
    }
  } finally {
    await broker[Symbol.asyncDispose]();
  }
}

/** Creates 2,000 partitions with a record each, shuts the broker down in order and restarts it. */
export async function measureMany(side: Side, runs: number, samples: Samples): Promise<void> {
  const partitions = MANY_PARTITIONS / TOPICS;
  const names = Array.from({ length: TOPICS }, (_, index) => `many-${index}`);
  let broker = await startBroker(side);
  try {
    for (const name of names) await createTopics(broker, [{ name, partitions }]);
    for (const name of names) await sendToEach(broker, name, partitions);
    for (let run = 0; run < runs; run++) {
      await broker[Symbol.asyncDispose]();
      broker = await broker.restart();
      samples.add(side, RESTART_MANY, "launch to ready", broker.readyAfterMs);
      await sendToEach(broker, names.at(-1)!, 1);
      const served = performance.now() - broker.launchedMs;
      samples.add(side, RESTART_MANY, "launch to a record", served);
      samples.add(side, RESTART_MANY, "resident", residentMb(broker.pid));
    }
  } finally {
    await broker[Symbol.asyncDispose]();
  }
}

async function createTopics(
  { address }: RunningBroker,
  topics: readonly { readonly name: string; readonly partitions: number }[],
): Promise<void> {
  await using admin = new Admin({ bootstrapServers: address });
  await admin.createTopics(topics.map((topic) => ({ ...topic, replicationFactor: 1 })));
}

/** Resolves when each partition has accepted a record. */
async function sendToEach(
  { address }: RunningBroker,
  topic: string,
  partitions: number,
): Promise<void> {
  await using producer = await Producer.connect({ bootstrapServers: address });
  await Promise.all(
    Array.from(
      { length: partitions },
      (_, partition) => producer.send({ topic, partition, value: "record" }),
    ),
  );
}
