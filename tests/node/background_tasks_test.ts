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
import type { TaskParts } from "../../src/node/parts/node_parts.ts";
import * as taskParts from "../../src/node/parts/task_parts.ts";
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
    parts: ALL_PARTS,
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

/** Waits until the promises that have settled have been handled. */
const turns = () => new Promise<void>((resolve) => hostClock.setTimer(0, resolve));

/** Background tasks whose loads end when the test says so. */
async function onDemand() {
  const process = new KillableRuntime({ ...hostRuntime(), files: new MemoryFileSystem() });
  const clock = manualClock();
  const logs = await LogManager.open({
    runtime: process.runtime,
    directories: ["/data"],
    metadataTopic: METADATA_TOPIC,
    nodeId: 1,
  });
  const loads: PromiseWithResolvers<TaskParts>[] = [];
  const messages: string[] = [];
  const tasks = new BackgroundTasks({
    runtime: { ...process.runtime, clock },
    config: new BrokerConfig({ "log.dirs": "/data" }),
    logs,
    partitions: new PartitionTable(),
    logger: { log: (level, message) => void messages.push(`${level}: ${message}`) },
    parts: {
      tasks: () => {
        const load = Promise.withResolvers<TaskParts>();
        loads.push(load);
        return load.promise;
      },
      compaction: ALL_PARTS.compaction,
    },
  });
  return { clock, logs, loads, messages, tasks };
}

test("BackgroundTasks loads its code once, after the first requests, and then sets the timers", async () => {
  const { clock, logs, loads, tasks } = await onDemand();
  tasks.start();
  tasks.start();
  assertEquals([loads.length, clock.pending()], [0, 1]);
  clock.advance(500);
  tasks.start();
  assertEquals([loads.length, clock.pending()], [1, 0]);
  loads[0]!.resolve(taskParts);
  await turns();
  tasks.start();
  assertEquals([loads.length, clock.pending()], [1, 3]);
  await tasks.stop();
  assertEquals(clock.pending(), 0);
  await logs.close();
});

test("BackgroundTasks starts nothing when it is stopped before or while its code is loaded", async () => {
  const before = await onDemand();
  before.tasks.start();
  await before.tasks.stop();
  before.tasks.start();
  assertEquals([before.loads.length, before.clock.pending()], [0, 0]);
  await before.logs.close();

  const during = await onDemand();
  during.tasks.start();
  during.clock.advance(500);
  const stopped = during.tasks.stop();
  during.loads[0]!.resolve(taskParts);
  await stopped;
  assertEquals(during.clock.pending(), 0);
  await during.logs.close();
});

test("BackgroundTasks reports that its code cannot be loaded, and the next start loads it", async () => {
  const { clock, logs, loads, messages, tasks } = await onDemand();
  tasks.start();
  clock.advance(500);
  loads[0]!.reject(new TypeError("Module not found"));
  await turns();
  assertEquals(messages, [
    "error: Cannot load retention, checkpoints and compaction, which is tried again with the next " +
    "connection: Module not found",
  ]);
  tasks.start();
  clock.advance(500);
  loads[1]!.resolve(taskParts);
  await turns();
  assertEquals(clock.pending(), 3);
  await tasks.stop();
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
