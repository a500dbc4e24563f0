import { assertEquals, assertRejects } from "@std/assert";
import { Producer } from "../../src/client/producer.ts";
import { type ClusterOptions, startCluster } from "../../src/cluster/start_cluster.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import { HeldSyncs } from "../log/held_syncs.ts";

/** How many syncs of a topic's log ten records one after the other cost. */
async function syncsOfTenRecords(options: ClusterOptions): Promise<number> {
  const disk = new HeldSyncs(new MemoryFileSystem());
  const runtime = { ...await hostRuntime(), files: disk };
  const cluster = await startCluster({ ...options, dataDir: "/data", runtime });
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
  try {
    await producer.send({ topic: "events", value: "first" });
    disk.heldAt = /\/events-0\/\d+\.log$/;
    for (let i = 0; i < 10; i++) {
      const sent = producer.send({ topic: "events", value: String(i) });
      if (options.flush === "always") {
        await disk.untilPending(1);
        disk.release();
      }
      await sent;
    }
    return disk.begun;
  } finally {
    disk.heldAt = null;
    await producer.close();
    await cluster.shutdown();
  }
}

test('startCluster() with flush "always" syncs before each acknowledgement, with "os" never', async () => {
  assertEquals(await syncsOfTenRecords({ flush: "always" }), 10);
  assertEquals(await syncsOfTenRecords({ flush: "os" }), 0);
  assertEquals(await syncsOfTenRecords({}), 0);
});

test("startCluster() takes the flush policy once", async () => {
  for (const flush of ["os", "always"] as const) {
    await assertRejects(
      () => startCluster({ flush, config: { "log.flush.interval.messages": "7" } }),
      KafkaError,
      `Cannot set flush to "${flush}" and log.flush.interval.messages to "7"`,
    );
  }
});
