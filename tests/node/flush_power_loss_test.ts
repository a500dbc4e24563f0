/**
 * Power failures of brokers on a simulated disk: with `flush.messages=1` no record that was acknowledged
 * or read is lost, whatever is left of unsynced data.
 */
import { assert, assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { silentLogger } from "../../src/logger.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { decodeBatch, splitBatches } from "../../src/protocol/records/batch.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { Chance } from "../protocol/chance.ts";
import { seedCount, test } from "../harness.ts";
import { batchOf, produceTo } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";

const PARTITIONS = 2;
const PRODUCERS = 4;
const LIVES = 3;
/** The smallest value that a broker accepts: logs roll during the power failure. */
const SEGMENT_BYTES = "1048576";
const ADDRESS = { host: "broker", port: 9092 };

function startBroker(runtime: Runtime, flushMessages: string): Promise<Node> {
  return Node.start({
    parts: ALL_PARTS,
    runtime,
    directory: "/data",
    config: {
      listeners: "PLAINTEXT://broker:9092",
      "log.flush.interval.messages": flushMessages,
      "log.segment.bytes": SEGMENT_BYTES,
    },
    logger: silentLogger,
  });
}

/** The values of a partition from the beginning to the high watermark. */
async function readAll(client: RawClient, partition: number): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const { responses } = await client.request(fetch, 12, {
      replicaState: { replicaId: -1, replicaEpoch: -1 },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 10_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{
        topic: "events",
        topicId: ZERO_UUID,
        partitions: [{ partition, fetchOffset: values.length, partitionMaxBytes: 10_000_000 }],
      }],
      forgottenTopicsData: [],
      rackId: "",
    });
    const { errorCode, records } = responses[0]!.partitions[0]!;
    assertEquals(errorCode, 0);
    if (records === null || records.byteLength === 0) return values;
    for (const { start } of splitBatches(records)) {
      for (const { offset, value } of decodeBatch(records, start).records) {
        assertEquals(offset, values.length);
        values.push(new TextDecoder().decode(value!));
      }
    }
  }
}

interface Promised {
  /** Acknowledged values by offset, for each partition. */
  readonly acknowledged: Map<number, string>[];
  /** The values that a consumer has read from each partition. */
  readonly read: string[][];
}

/** Produces until its connection breaks. */
async function produce(
  runtime: Runtime,
  name: string,
  chance: Chance,
  { acknowledged }: Promised,
): Promise<void> {
  const client = await RawClient.connect(runtime, ADDRESS);
  for (let i = 0;; i++) {
    const partition = chance.below(PARTITIONS);
    const value = `${name}-${i}-${"x".repeat(chance.below(100_000))}`;
    const acks = chance.oneIn(2) ? 1 : -1;
    const answer = await produceTo(client, "events", partition, batchOf([value]), acks);
    assertEquals(answer.errorCode, 0, answer.errorMessage ?? "");
    acknowledged[partition]!.set(answer.baseOffset, value);
  }
}

/** Reads everything, again and again, until its connection breaks. */
async function consume(runtime: Runtime, { read }: Promised): Promise<void> {
  const client = await RawClient.connect(runtime, ADDRESS);
  for (let i = 0;; i++) read[i % PARTITIONS] = await readAll(client, i % PARTITIONS);
}

function pause(runtime: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => void runtime.clock.setTimer(ms, resolve));
}

/** Runs one seed. Returns the number of acknowledged values that a power failure lost. */
async function lostBy(seed: number, flushMessages: string): Promise<number> {
  const simulation = new Simulation(seed);
  const chance = new Chance(seed);
  const broker = await simulation.run(startBroker(simulation.runtime("broker"), flushMessages));
  await simulation.run(
    broker.controller.createTopics([{ name: "events", numPartitions: PARTITIONS }]),
  );
  const promised: Promised = {
    acknowledged: Array.from({ length: PARTITIONS }, () => new Map()),
    read: Array.from({ length: PARTITIONS }, () => []),
  };
  let lost = 0;
  for (let life = 0; life < LIVES; life++) {
    const clients = life === 0 ? simulation.runtime("clients") : simulation.restart("clients");
    const failures: unknown[] = [];
    const working = [
      consume(clients, promised),
      ...Array.from(
        { length: PRODUCERS },
        (_, i) => produce(clients, `${life}-${i}`, chance, promised),
      ),
    ];
    for (const one of working) one.catch((error) => failures.push(error));
    await simulation.run(pause(clients, 5 + chance.below(60)));
    assertEquals(failures, []);
    simulation.crash("broker", "random");
    simulation.kill("clients");
    await simulation.run(startBroker(simulation.restart("broker"), flushMessages));
    const observer = life === 0 ? simulation.runtime("observer") : simulation.restart("observer");
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = await simulation.run((async () => {
        const client = await RawClient.connect(observer, ADDRESS);
        return await readAll(client, partition);
      })());
      const acknowledged = promised.acknowledged[partition]!;
      for (const [offset, value] of acknowledged) if (found[offset] !== value) lost++;
      promised.read[partition]!.forEach((value, offset) => {
        if (found[offset] !== value) lost++;
      });
      // These values have been read, so they must not be lost from here on.
      acknowledged.clear();
      promised.read[partition] = found;
    }
    simulation.kill("observer");
  }
  return lost;
}

const SEEDS = seedCount(5, 50);

test(`flush.messages=1 keeps acknowledged and read records through power failures, over ${SEEDS} seeds`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    assertEquals(await lostBy(seed, "1"), 0, `seed ${seed}`);
  }
});

test("the same power failures lose acknowledged records without flush.messages", async () => {
  let seed = 0;
  while (seed < 3 && await lostBy(seed, "1000000") === 0) seed++;
  assert(seed < 3, "no seed lost a record");
});
