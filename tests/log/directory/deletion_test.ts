import { assertEquals } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { DataDirectoryOptions } from "../../../src/log/directory/data_directory_options.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { abortMarker, batchOf, Machine } from "../fixture.ts";
import { HeldSyncs } from "../held_syncs.ts";
import { test } from "../../harness.ts";

const OLD_ID = "vwnYOrl8QJKJOWqndPArhA";
const NEW_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const config: LogConfig = { ...DEFAULT_LOG_CONFIG, fileDeleteDelayMs: 0 };
const client = { leaderEpoch: 0, origin: "client" } as const;
const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;

function open(runtime: DataDirectoryOptions["runtime"]): DataDirectory {
  return DataDirectory.open({ runtime, directory: "/data", nodeId: 1 });
}

/** Creates a directory whose log `events-0` starts at 2 and ends at 3, all of it durable. */
async function prepare(runtime: Runtime): Promise<DataDirectory> {
  const manager = open(runtime);
  await manager.flushDirectory();
  manager.openAll(() => config);
  const log = manager.create("events", 0, OLD_ID, config);
  for (let i = 0; i < 3; i++) log.append(batchOf(1), client);
  await log.flush();
  log.deleteRecordsBefore(2);
  await log.logStartOffsetSaved();
  await manager.checkpoint();
  return manager;
}

test("a log created under the name of a deleted one is not mistaken for it after a crash", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const simulation = new Simulation(seed);
    const runtime = simulation.runtime("alpha");
    const manager = await simulation.run(prepare(runtime));
    manager.delete("events", 0);
    await simulation.run(manager.flushDirectory());
    const log = manager.create("events", 0, NEW_ID, config);
    log.append(batchOf(1), client);
    const isFlushed = seed % 3 === 0;
    if (isFlushed) await simulation.run(log.flush());
    const isKilled = seed % 2 === 0;
    if (isKilled) simulation.kill("alpha");
    else simulation.crash("alpha", "random");
    const again = open(simulation.restart("alpha"));
    again.openAll(() => config);
    const found = again.create("events", 0, NEW_ID, config);
    const end = isKilled || isFlushed ? 1 : found.logEndOffset;
    assertEquals([found.logStartOffset, found.logEndOffset], [0, end], `seed ${seed}`);
    simulation.kill("alpha");
  }
});

test("a checkpoint entry of a missing log is removed at the start", async () => {
  const simulation = new Simulation(1);
  const manager = await simulation.run(prepare(simulation.runtime("alpha")));
  manager.delete("events", 0);
  // It stops before anything else has been written.
  simulation.kill("alpha");
  const next = open(simulation.restart("alpha"));
  await simulation.run(next.flushDirectory());
  next.openAll(() => config);
  next.create("events", 0, NEW_ID, config).append(batchOf(1), client);
  simulation.kill("alpha");
  const again = open(simulation.restart("alpha"));
  again.openAll(() => config);
  assertEquals(again.get("events", 0)!.logStartOffset, 0);
  simulation.kill("alpha");
});

test("a log can be deleted while its aborted transactions are being synced", async () => {
  const machine = new Machine();
  const files = new HeldSyncs(machine.memory);
  machine.files = files;
  const manager = DataDirectory.open({
    runtime: machine.runtime,
    directory: "/data",
    nodeId: 1,
    configOf: () => config,
  });
  const log = manager.create("events", 0, OLD_ID, config);
  const producer = { producerId: 1, producerEpoch: 0, isTransactional: true };
  log.append(batchOf(1, { ...producer, baseSequence: 0 }), coordinator);
  log.append(abortMarker(producer), coordinator);
  files.heldAt = /\.txnindex$/;
  const flushing = log.flush().catch(() => {});
  await files.untilPending(1);
  manager.delete("events", 0);
  assertEquals(manager.names(), []);
  files.heldAt = null;
  files.release();
  await flushing;
  await manager.close();
});

test("checkpoints restored by a power failure do not apply to a log created since", async () => {
  const machine = new Machine();
  await open(machine.runtime).close();
  for (const name of ["recovery-point-offset", "log-start-offset", "cleaner-offset"]) {
    const file = machine.files.open(`/data/${name}-checkpoint`, "create");
    file.truncate(0);
    file.writeAt(new TextEncoder().encode("0\n1\nevents 0 3\n"), 0);
    file.close();
  }
  machine.files.remove("/data/.kafka_cleanshutdown");
  const manager = open(machine.runtime);
  await manager.flushDirectory();
  manager.openAll(() => config);
  manager.create("events", 0, NEW_ID, config);
  const again = open(machine.kill().runtime);
  again.openAll(() => config);
  assertEquals([...again.failures], []);
  const log = again.get("events", 0)!;
  assertEquals([log.logStartOffset, log.logEndOffset, log.compaction.cleanedOffset], [0, 0, 0]);
  await again.close();
});
