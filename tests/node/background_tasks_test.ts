/**
 * Start and stop of a node's background tasks, and what the retention does about failures.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { LogManager } from "../../src/log/directory/log_manager.ts";
import { silentLogger } from "../../src/logger.ts";
import { METADATA_TOPIC } from "../../src/metadata/metadata_log.ts";
import { BackgroundTasks } from "../../src/node/background_tasks.ts";
import { LogRetention } from "../../src/node/log_retention.ts";
import type { Partition } from "../../src/replication/partition.ts";
import { PartitionTable } from "../../src/replication/partition_table.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { manualClock } from "../broker/manual_clock.ts";
import { hostClock } from "../../src/runtime/host_clock.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { test } from "../harness.ts";

test("BackgroundTasks sets each timer once, and none after stop()", async () => {
  const process = new KillableRuntime({ ...hostRuntime(), files: new MemoryFileSystem() });
  const { runtime } = process;
  const logs = await LogManager.open({
    runtime,
    directories: ["/data"],
    metadataTopic: METADATA_TOPIC,
    nodeId: 1,
  });
  const tasks = new BackgroundTasks({
    runtime,
    config: new BrokerConfig({ "log.dirs": "/data" }),
    logs,
    partitions: new PartitionTable(),
    logger: silentLogger,
    compaction: ALL_PARTS.compaction,
  });
  const timers = () => process.held().filter((name) => name.startsWith("a timer ")).length;
  const found: number[] = [timers()];
  tasks.start();
  tasks.start();
  found.push(timers());
  await tasks.stop();
  found.push(timers());
  tasks.start();
  found.push(timers());
  await tasks.stop();
  assertEquals(found, [0, 3, 0, 0]);
  await logs.close();
});

test("LogRetention goes on with the other partitions and runs again after an error", async () => {
  const clock = manualClock();
  const { advance } = clock;
  const calls: string[] = [];
  const partition = (name: string, failure: Error | null = null, error: Error | null = null) =>
    ({
      name,
      log: { failure, expireProducers: () => {} },
      applyRetention() {
        calls.push(name);
        if (error !== null) throw error;
      },
    }) as unknown as Partition;
  const messages: string[] = [];
  const retention = new LogRetention({
    clock,
    config: { logRetentionCheckIntervalMs: 1_000, producerIdExpirationMs: 1 },
    partitions: [
      partition("offline-0", new Error("its disk failed")),
      partition("wrong-0", null, new Error("a defect")),
      partition("events-0"),
    ],
    logger: { log: (level, message) => void messages.push(`${level}: ${message}`) },
  });
  retention.start();
  for (let run = 0; run < 2; run++) {
    advance(1_000);
    await hostClock.yieldToLoop();
  }
  await retention.shutdown();
  advance(5_000);
  assertEquals(calls, ["wrong-0", "events-0", "wrong-0", "events-0"]);
  const expected = "error: Cannot apply retention to wrong-0: a defect";
  assertEquals(messages, [expected, expected]);
});
