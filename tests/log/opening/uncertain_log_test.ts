/**
 * Logs that an earlier start may have truncated, and not have made that durable: they are flushed in the
 * background, and before a client's batch is written behind the truncation.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { NO_PAUSE } from "../../../src/protocol/records/compression/steps.ts";
import { test } from "../../harness.ts";
import { batchOf, Machine } from "../fixture.ts";
import { HeldSyncs } from "../held_syncs.ts";

const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";
const CLIENT = { leaderEpoch: 0, origin: "client" } as const;

function open(machine: Machine): DataDirectory {
  return DataDirectory.open({
    runtime: machine.runtime,
    directory: "/data",
    nodeId: 1,
    configOf: () => DEFAULT_LOG_CONFIG,
  });
}

/** A machine that was killed with the logs `events-0`, flushed with records, and `events-1`, empty. */
async function killed(): Promise<{ machine: Machine; syncs: HeldSyncs }> {
  const machine = new Machine();
  const directory = open(machine);
  const log = directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  directory.create("events", 1, TOPIC_ID, DEFAULT_LOG_CONFIG);
  log.append(batchOf(2), CLIENT);
  await directory.flush();
  await directory.checkpoint();
  const next = machine.kill();
  const syncs = new HeldSyncs(next.files);
  next.files = syncs;
  return { machine: next, syncs };
}

function appendInSteps(log: PartitionLog) {
  return log.appender.appendInSteps(batchOf(1), {}, NO_PAUSE, () => 0);
}

test("a log that may have been truncated takes a batch once it has been flushed", async () => {
  const { machine, syncs } = await killed();
  const directory = open(machine);
  const log = directory.get("events", 0)!;
  assert(log.mustFlushFirst);
  assertEquals(log.wasRepaired, false);
  assertEquals(log.appender.appendSmall(batchOf(1), { leaderEpoch: 0 }), null);
  syncs.heldAt = /events-0\/\d+\.log$/;
  const appended = appendInSteps(log);
  await syncs.untilPending(1);
  assertEquals([log.logEndOffset, syncs.writes], [2, 0]);
  syncs.heldAt = null;
  syncs.release();
  assertEquals((await appended).baseOffset, 2);
  assertEquals(log.mustFlushFirst, false);
  assertEquals(log.appender.appendSmall(batchOf(1), { leaderEpoch: 0 })!.baseOffset, 3);
  await directory.close();
});

test("a log that cannot be flushed first takes no batch", async () => {
  const { machine, syncs } = await killed();
  const directory = open(machine);
  const log = directory.get("events", 1)!;
  syncs.heldAt = /events-1\/\d+\.log$/;
  const refused = assertRejects(() => appendInSteps(log), KafkaError, "Cannot flush events-1");
  await syncs.untilPending(1);
  syncs.release("failed");
  await refused;
  assertEquals([log.logEndOffset, syncs.writes], [0, 0]);
  syncs.heldAt = null;
  await directory.close().catch(() => {});
});

test("flushRepaired() leaves logs that may have been truncated to flushUncertain()", async () => {
  const { machine, syncs } = await killed();
  const directory = open(machine);
  syncs.heldAt = /events-\d\/\d+\.log$/;
  await directory.flushRepaired();
  assertEquals(syncs.begun, 0);
  const flushed = directory.flushUncertain();
  await syncs.untilPending(2);
  syncs.heldAt = null;
  syncs.release();
  await flushed;
  assertEquals([...directory.logs()].map((log) => log.mustFlushFirst), [false, false]);
  await directory.close();
});

test("flushRepaired() flushes what has been appended to a log that may have been truncated", async () => {
  const { machine, syncs } = await killed();
  const directory = open(machine);
  // As the controller does, before the node serves.
  directory.get("events", 0)!.append(batchOf(1), { leaderEpoch: 0, origin: "raft" });
  syncs.heldAt = /events-\d\/\d+\.log$/;
  const flushed = directory.flushRepaired();
  await syncs.untilPending(1);
  syncs.heldAt = null;
  syncs.release();
  await flushed;
  const [first, second] = [0, 1].map((partition) => directory.get("events", partition)!);
  assertEquals([first!.mustFlushFirst, second!.mustFlushFirst], [false, true]);
  await directory.close();
});

test("a log is not flushed first after a clean shutdown, nor when it is new", async () => {
  const machine = new Machine();
  const directory = open(machine);
  const log = directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  assertEquals(log.mustFlushFirst, false);
  log.append(batchOf(1), CLIENT);
  await directory.close();
  const again = open(machine.kill());
  assertEquals(again.get("events", 0)!.mustFlushFirst, false);
  await again.close();
});

test("a log created again before the directory is flushed has no recovery point of the old one", async () => {
  const machine = new Machine();
  const directory = open(machine);
  const old = directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  for (let i = 0; i < 5; i++) old.append(batchOf(2), CLIENT);
  await directory.flush();
  await directory.checkpoint();
  directory.delete("events", 0);
  const log = directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  log.append(batchOf(1), CLIENT);
  const again = open(machine.kill());
  assertEquals([...again.failures], []);
  assertEquals(again.get("events", 0)!.logEndOffset, 1);
  await again.close();
});
