/**
 * Produce requests whose batches are large when decompressed, and what other requests and the broker do
 * in the meantime. Simulated time passes between two slices only.
 */
import { assert, assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../../src/node/parts/all_parts.ts";
import { Node } from "../../../src/node/node.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { type BatchOptions, encodeBatch } from "../../../src/protocol/records/batch.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { KillableRuntime } from "../../../src/runtime/killable_runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { test } from "../../harness.ts";
import { STORED_CODECS } from "../../simulation/stored_codecs.ts";
import { batchOf, produceTo } from "../fixture.ts";
import { RawClient } from "../raw_client.ts";

const ADDRESS = { host: "broker", port: 9092 };
const LARGE = 64_000_000;
const FIRST_MS = 1_000_000;
const UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;

/** Batches are compressed again, which takes as long as decompressing them. */
const RECOMPRESSING = { "compression.type": "snappy", "max.message.bytes": "8000000" };

/** Encodes a batch of a few 100 KB that decompresses to `LARGE` bytes. */
function swelling(options: BatchOptions = {}): Uint8Array {
  return encodeBatch([
    { value: new Uint8Array(LARGE), timestamp: FIRST_MS },
    { value: null, timestamp: FIRST_MS + 10 },
  ], { compression: "lz4", ...options });
}

/** A simulated broker with the topic "events" of two partitions. */
class World {
  readonly simulation = new Simulation(1, { codecs: STORED_CODECS });
  readonly process = new KillableRuntime(this.simulation.runtime("broker"));
  readonly errors: string[] = [];
  broker!: Node;

  static async start(configs: Record<string, string> = {}): Promise<World> {
    const world = new World();
    const { simulation } = world;
    world.broker = await simulation.run(
      Node.start({
        parts: ALL_PARTS,
        runtime: world.process.runtime,
        directory: "/data",
        config: { "listeners": "PLAINTEXT://broker:9092" },
        logger: {
          log: (level, message) => {
            if (level === "error") world.errors.push(message);
          },
        },
      }),
    );
    await simulation.run(world.broker.controller.createTopics([{
      name: "events",
      numPartitions: 2,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }]));
    return world;
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.simulation.run(work);
  }

  connect(): Promise<RawClient> {
    return this.run(RawClient.connect(this.simulation.runtime("client"), ADDRESS));
  }

  /** Returns how many requests of another client are answered during `work`. */
  async roundTripsDuring(work: Promise<unknown>): Promise<number> {
    const client = await this.connect();
    let count = 0;
    let hasEnded = false;
    work.finally(() => hasEnded = true).catch(() => {});
    await this.run((async () => {
      while (!hasEnded) {
        await client.request(apiVersions, 0, {});
        count++;
      }
    })());
    client.close();
    return count;
  }

  async end(): Promise<void> {
    await this.run(this.broker.shutdown());
    assertEquals(this.process.held(), []);
    assertEquals(this.errors, []);
  }
}

for (const type of ["producer", "snappy"]) {
  test(`other clients are answered between the slices of a batch, compression.type=${type}`, async () => {
    const world = await World.start({ ...RECOMPRESSING, "compression.type": type });
    const client = await world.connect();
    const produced = produceTo(client, "events", 0, swelling());
    // A slice takes 2 MiB; a round trip takes less than the pause between two.
    const count = await world.roundTripsDuring(produced);
    assert(count > 30, `${count} round trips`);
    const { errorCode, baseOffset } = await world.run(produced);
    assertEquals([errorCode, baseOffset], [0, 0]);
    await world.end();
  });
}

test("batches of other connections may be appended before a large one, those of its own are not", async () => {
  const world = await World.start();
  const [client, other] = [await world.connect(), await world.connect()];
  const send = (batch: Uint8Array) =>
    client.send(produce, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: "events", partitionData: [{ index: 0, records: batch }] }],
    });
  await world.run(send(swelling()));
  await world.run(send(batchOf(["behind"])));
  await world.run(client.send(apiVersions, 0, {}));
  for (const [partition, expected] of [[0, 0], [1, 0]] as const) {
    const answer = await world.run(produceTo(other, "events", partition, batchOf(["before"])));
    assertEquals([answer.errorCode, answer.baseOffset], [0, expected]);
  }
  const offsets: number[] = [];
  for (let i = 0; i < 2; i++) {
    const { responses } = await world.run(client.answer(produce, 9));
    offsets.push(responses[0]!.partitionResponses[0]!.baseOffset);
  }
  assertEquals(offsets, [1, 3]);
  assertEquals((await world.run(client.answer(apiVersions, 0))).errorCode, 0);
  await world.end();
});

test("one request may have large, small and invalid batches", async () => {
  const world = await World.start();
  const client = await world.connect();
  const bad = swelling();
  bad[bad.length - 1]! ^= 1;
  const batches = [batchOf(["a"]), swelling(), bad, batchOf(["b"]), swelling()];
  const { responses } = await world.run(client.request(produce, 9, {
    acks: 1,
    timeoutMs: 5_000,
    topicData: [{
      name: "events",
      partitionData: batches.map((records, i) => ({ index: i % 2, records })),
    }, {
      name: "nothing",
      partitionData: [{ index: 0, records: batchOf(["c"]) }],
    }],
  }));
  const answers = responses.map(({ partitionResponses }) =>
    partitionResponses.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset])
  );
  assertEquals(answers, [
    [[0, 0, 0], [1, 0, 0], [0, ErrorCode.CORRUPT_MESSAGE, -1], [1, 0, 2], [0, 0, 1]],
    [[0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]],
  ]);
  await world.end();
});

test("an idempotent producer's large batches keep their order, and a repeated one is detected", async () => {
  const world = await World.start();
  const [first, second] = [await world.connect(), await world.connect()];
  const producer = { producerId: 5, producerEpoch: 0 };
  const batch = swelling({ ...producer, baseSequence: 0 });
  // As after a lost connection: the batch is sent again while it is still being checked.
  const [one, two] = await world.run(Promise.all([
    produceTo(first, "events", 0, batch),
    produceTo(second, "events", 0, batch),
  ]));
  assertEquals([one!.errorCode, one!.baseOffset], [0, 0]);
  assertEquals([two!.errorCode, two!.baseOffset], [0, 0]);
  const next = swelling({ ...producer, baseSequence: 2 });
  assertEquals((await world.run(produceTo(second, "events", 0, next))).baseOffset, 2);
  const gap = swelling({ ...producer, baseSequence: 9 });
  const { errorCode } = await world.run(produceTo(second, "events", 0, gap));
  assertEquals(errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  await world.end();
});

test("a topic that is deleted during the checks of a batch is unknown", async () => {
  const world = await World.start(RECOMPRESSING);
  const clients: RawClient[] = [];
  for (let i = 0; i < 8; i++) clients.push(await world.connect());
  // One is being checked, the others wait for it.
  const produced = Promise.all(
    clients.map((client, i) => produceTo(client, "events", i % 2, swelling())),
  );
  await world.simulation.run(world.simulation.nowMs + 8);
  const [deleted] = await world.run(
    world.broker.controller.deleteTopics([{ name: "events", topicId: ZERO_UUID }]),
  );
  assertEquals(deleted!.errorCode, 0);
  const codes = (await world.run(produced)).map(({ errorCode }) => errorCode);
  assertEquals(codes.filter((code) => code !== 0 && code !== UNKNOWN), []);
  assert(codes.filter((code) => code === UNKNOWN).length > 1, codes.join(" "));
  await world.end();
});

test("a batch of a client that has disconnected is stored, with acks 0 too", async () => {
  for (const acks of [0, 1]) {
    const world = await World.start();
    const [client, other] = [await world.connect(), await world.connect()];
    await world.run(client.send(produce, 9, {
      acks,
      timeoutMs: 5_000,
      topicData: [{ name: "events", partitionData: [{ index: 0, records: swelling() }] }],
    }));
    await world.simulation.run(world.simulation.nowMs + 8);
    client.close();
    await world.simulation.run(world.simulation.nowMs + 10_000);
    assertEquals((await world.run(produceTo(other, "events", 0, batchOf(["a"])))).baseOffset, 2);
    await world.end();
  }
});

test("a rejected large batch with acks 0 closes the connection", async () => {
  const world = await World.start();
  const client = await world.connect();
  await world.run(client.send(produce, 9, {
    acks: 0,
    timeoutMs: 5_000,
    topicData: [{
      name: "events",
      partitionData: [{ index: 0, records: swelling({ isTransactional: true }) }],
    }],
  }));
  assertEquals(await world.run(client.nextFrame()), null);
  await world.end();
});

test("a broker that shuts down finishes the large batches that take no longer than its grace period", async () => {
  const world = await World.start();
  const client = await world.connect();
  const produced = produceTo(client, "events", 0, swelling());
  await world.simulation.run(world.simulation.nowMs + 8);
  const [{ errorCode }] = await world.run(Promise.all([produced, world.broker.shutdown()]));
  assertEquals(errorCode, 0);
  await world.end();
});

test("a broker that shuts down rejects the large batches that take longer", async () => {
  const world = await World.start({ "cleanup.policy": "compact", "max.message.bytes": "20000000" });
  // Each record is examined once more, to name those without a key.
  const batch = encodeBatch(
    Array.from({ length: 1_000_000 }, () => ({ value: null, timestamp: FIRST_MS })),
    { compression: "lz4" },
  ).slice();
  const clients: RawClient[] = [];
  for (let i = 0; i < 24; i++) clients.push(await world.connect());
  const produced = clients.map((client) =>
    produceTo(client, "events", 0, batch).then(({ errorCode }) => errorCode, () => "no answer")
  );
  await world.simulation.run(world.simulation.nowMs + 100);
  await world.end();
  const outcomes = await world.run(Promise.all(produced));
  assert(outcomes.includes(ErrorCode.INVALID_RECORD), outcomes.join(" "));
  assert(outcomes.includes("no answer"), outcomes.join(" "));
});

test("ListOffsets searches a large batch in slices and finds its records", async () => {
  const world = await World.start();
  const [client, other] = [await world.connect(), await world.connect()];
  await world.run(produceTo(client, "events", 0, swelling()));
  const ask = async (timestamp: number) => {
    const { topics } = await client.request(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!;
    return [errorCode, offset, found];
  };
  const asked = ask(FIRST_MS + 1);
  assert(await world.roundTripsDuring(asked) > 15);
  assertEquals(await world.run(asked), [0, 1, FIRST_MS + 10]);
  assertEquals(await world.run(ask(-3)), [0, 1, FIRST_MS + 10]);
  assertEquals(await world.run(ask(FIRST_MS)), [0, 0, FIRST_MS]);
  assertEquals(await world.run(ask(FIRST_MS + 11)), [0, -1, -1]);
  await world.run(produceTo(other, "events", 0, batchOf(["a"])));
  assertEquals(await world.run(ask(FIRST_MS - 1)), [0, 0, FIRST_MS]);
  await world.end();
});
