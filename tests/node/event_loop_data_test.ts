/**
 * Compaction in turns of the event loop. Simulated time stands still during work, so a turn is measured by
 * the bytes it reads and writes, and by whether other clients are answered in between. How long turns take
 * is measured by `bench/loop.ts`; batches of 1 MB are in `tests/log/append/large_batches_test.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { SLICE_BYTES } from "../../src/log/compaction/pacer.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { produceTo } from "../broker/fixture.ts";
import type { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";
import { CountedNode } from "./counted_node.ts";

const TOPIC = "events";
const SEGMENT_BYTES = 8_388_608;
const BATCH_RECORDS = 1_000;
const KEYS = 100;
const RECORD_BYTES = 1_000;

async function createTopic(client: RawClient, configs: Record<string, string>): Promise<void> {
  const { topics } = await client.request(createTopics, 7, {
    topics: [{
      name: TOPIC,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }],
    timeoutMs: 5_000,
    validateOnly: false,
  });
  assertEquals(topics.map(({ errorCode }) => errorName(errorCode)), ["NONE"]);
}

/** A batch of 1 MB. */
function largeBatch(): Uint8Array {
  const value = new Uint8Array(RECORD_BYTES);
  for (let i = 0; i < value.length; i++) value[i] = i * 7 % 31;
  return encodeBatch(
    Array.from({ length: BATCH_RECORDS }, (_, i) => ({
      key: new TextEncoder().encode(`key ${i % KEYS}`),
      value,
      timestamp: 1_000_000 + i,
    })),
  );
}

/** Returns how many requests of `bystander` are answered until `isOver`. */
async function roundTrips(
  { simulation }: CountedNode,
  bystander: RawClient,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  while (!isOver()) {
    await simulation.run(bystander.request(apiVersions, 0, {}));
    count++;
  }
  return count;
}

test("a large segment is compacted in turns of one slice and one buffer, and others are served", async () => {
  const node = new CountedNode(1, { "log.cleaner.backoff.ms": "100" });
  const { simulation } = node;
  await node.start();
  const [client, bystander] = await simulation.run(
    Promise.all([node.connect(), node.connect()]),
  );
  await simulation.run(createTopic(client, {
    "cleanup.policy": "compact",
    "segment.bytes": String(SEGMENT_BYTES),
  }));
  const batch = largeBatch();
  for (let written = 0; written <= SEGMENT_BYTES; written += batch.length) {
    const answer = await simulation.run(produceTo(client, TOPIC, 0, batch));
    assertEquals(errorName(answer.errorCode), "NONE");
  }
  const { files } = simulation.runtime("broker");
  let before = 0;
  const path = `/data/${TOPIC}-0/${"0".repeat(20)}.log`;
  const sizeOfFirst = () => {
    // It is missing while it is being replaced.
    if (!files.exists(path)) return before;
    const file = files.open(path, "read");
    const size = file.size();
    file.close();
    return size;
  };
  before = sizeOfFirst();
  assert(before > SEGMENT_BYTES - batch.length, `${before} bytes`);
  node.mostBytes = 0;
  const count = await roundTrips(node, bystander, () => sizeOfFirst() < before);
  // All of the segment is read twice, for the map of keys and for the copy.
  assert(count > 2 * before / SLICE_BYTES, `${count} round trips`);
  // A slice ends with the buffer that fills it.
  assert(
    node.mostBytes > SLICE_BYTES / 2 && node.mostBytes <= 2 * SLICE_BYTES,
    `${node.mostBytes}`,
  );
  assert(sizeOfFirst() < before / 4, `${sizeOfFirst()} bytes are left`);
  await node.shutdown();
  assertEquals(node.warnings, []);
});
