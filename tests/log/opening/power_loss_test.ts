/**
 * The log on a simulated disk that loses, keeps or tears what was not synced when the power goes.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { PartitionLog } from "../../../src/log/partition_log.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { Chance } from "../../protocol/chance.ts";
import { abortMarker, allBatches, batchOf, Machine, refusal } from "../fixture.ts";
import { seedCount, test } from "../../harness.ts";

function open(runtime: Runtime, recoveryPoint?: number): PartitionLog {
  return PartitionLog.open({
    runtime,
    directory: "/data/events-0",
    topic: "events",
    partition: 0,
    topicId: "vwnYOrl8QJKJOWqndPArhA",
    config: DEFAULT_LOG_CONFIG,
    ...(recoveryPoint !== undefined && { recoveryPoint }),
  });
}

const SMALL_SEGMENTS: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 400 };

function openDirectory(runtime: Runtime): DataDirectory {
  const configOf = () => SMALL_SEGMENTS;
  return DataDirectory.open({ runtime, directory: "/data", nodeId: 1, configOf });
}

const SEEDS = seedCount(40, 400);

test(`after a power failure a log is an intact prefix with all flushed records, over ${SEEDS} seeds`, async () => {
  let cuts = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const chance = new Chance(seed);
    const simulation = new Simulation(seed);
    let runtime = simulation.runtime("alpha");
    let log = open(runtime);
    let stored: string[] = [];
    let flushed = 0;
    await simulation.run(
      Promise.all(["/", "/data"].map((path) => runtime.files.syncDirectory(path))),
    );
    await simulation.run(log.flush());
    for (let life = 0; life < 4; life++) {
      for (let step = chance.below(30); step >= 0; step--) {
        const value = chance.bytes(chance.below(3_000));
        const batch = encodeBatch([{ value, timestamp: runtime.clock.now() }]);
        log.append(batch, { leaderEpoch: life, origin: "client" });
        stored.push(String(value));
        if (chance.oneIn(6)) {
          await simulation.run(log.flush());
          flushed = stored.length;
        }
      }
      simulation.crash("alpha", "random");
      runtime = simulation.restart("alpha");
      log = open(runtime);
      const what = `seed ${seed}, life ${life}`;
      const found = allBatches(log).map((read) => String(read.records[0]!.value));
      assert(found.length >= flushed, `${what}: ${found.length} of ${flushed} flushed`);
      assertEquals(found, stored.slice(0, found.length), what);
      assertEquals(log.logEndOffset, found.length, what);
      if (found.length < stored.length) cuts++;
      stored = found;
      // The content found is now durable: the crash has decided.
      flushed = found.length;
    }
  }
  assert(cuts > SEEDS / 2, `only ${cuts} of ${4 * SEEDS} crashes lost a record`);
});

test(`aborted transactions are found after a power failure, over ${SEEDS} seeds`, async () => {
  const producer = { producerId: 1, producerEpoch: 0, isTransactional: true };
  const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    const runtime = simulation.runtime("alpha");
    const log = open(runtime);
    await simulation.run(
      Promise.all(["/", "/data"].map((path) => runtime.files.syncDirectory(path))),
    );
    log.append(batchOf(1), { leaderEpoch: 0, origin: "client" });
    await simulation.run(log.flush());
    log.append(batchOf(1, { ...producer, baseSequence: 0 }), coordinator);
    log.append(abortMarker(producer), coordinator);
    await simulation.run(log.flush());
    // The next start reads from after it, if the name of that segment is durable.
    log.roll();
    simulation.crash("alpha", "random");
    const again = open(simulation.restart("alpha"), 3);
    assertEquals(again.abortedTransactions(0, 3).map((aborted) => aborted.firstOffset), [1]);
    again.close();
  }
});

test("a topic id garbled by a power failure is written again, unless it was durable", () => {
  const machine = new Machine();
  machine.open({}, { topicId: "vwnYOrl8QJKJOWqndPArhA" }).close();
  machine.write("partition.metadata", "noise");
  const options = { topicId: "vwnYOrl8QJKJOWqndPArhA", recoveryPoint: 0 };
  for (const safe of [{ recoveryPoint: 1 }, { wasShutDownCleanly: true }]) {
    const why = refusal(() => machine.open({}, { ...options, ...safe }));
    assertStringIncludes(why.message, "partition.metadata");
  }
  const log = machine.open({}, options);
  assertEquals(log.topicId, options.topicId);
  log.close();
  machine.open({}, { ...options, wasShutDownCleanly: true }).close();
});

test(`aborted transactions that were truncated do not reappear after a power failure, over ${SEEDS} seeds`, async () => {
  const producer = { producerId: 1, producerEpoch: 0, isTransactional: true };
  const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    const runtime = simulation.runtime("alpha");
    const log = open(runtime);
    await simulation.run(
      Promise.all(["/", "/data"].map((path) => runtime.files.syncDirectory(path))),
    );
    log.append(batchOf(1, { ...producer, baseSequence: 0 }), coordinator);
    log.append(abortMarker(producer), coordinator);
    await simulation.run(log.flush());
    await simulation.run(log.truncateTo(1));
    log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
    await simulation.run(log.flush());
    log.roll();
    simulation.crash("alpha", "random");
    const again = open(simulation.restart("alpha"), 3);
    assertEquals(again.abortedTransactions(0, 3), [], `seed ${seed}`);
    again.close();
  }
});

test("the next process syncs what a killed process had not synced", async () => {
  const simulation = new Simulation(3);
  const runtime = simulation.runtime("alpha");
  const first = open(runtime);
  await simulation.run(
    Promise.all(["/", "/data"].map((path) => runtime.files.syncDirectory(path))),
  );
  first.append(batchOf(1, { producerId: 1, producerEpoch: 0, baseSequence: 0 }), {
    leaderEpoch: 0,
    origin: "client",
  });
  first.roll();
  simulation.kill("alpha");
  const second = open(simulation.restart("alpha"), 0);
  await simulation.run(second.flush());
  simulation.crash("alpha", "lose");
  const { files } = simulation.restart("alpha");
  const path = "/data/events-0";
  const names = files.list(path).map(({ name }) => name);
  for (const name of ["partition.metadata", "00000000000000000001.snapshot"]) {
    assert(names.includes(name), `${name} is gone`);
    const file = files.open(`${path}/${name}`, "read");
    assert(file.size() > 0, `${name} is empty`);
    file.close();
  }
});

test("an unsynced truncation by a killed process is durable once the next one has flushed", async () => {
  const simulation = new Simulation(3);
  const runtime = simulation.runtime("alpha");
  const client = { leaderEpoch: 0, origin: "client" } as const;
  const first = open(runtime);
  await simulation.run(
    Promise.all(["/", "/data"].map((path) => runtime.files.syncDirectory(path))),
  );
  first.append(batchOf(3), client);
  first.roll();
  first.append(batchOf(2), client);
  await simulation.run(first.flush());
  first.truncateTo(3).catch(() => {});
  while (first.logEndOffset > 3) await simulation.run(simulation.nowMs + 0.01);
  simulation.kill("alpha");
  // Nothing is known to be durable, so nothing was truncated: the last segment is empty.
  const second = open(simulation.restart("alpha"), 0);
  assertEquals(second.logEndOffset, 3);
  await simulation.run(second.flush());
  simulation.crash("alpha", "lose");
  assertEquals(open(simulation.restart("alpha"), 0).logEndOffset, 3);
});

test("a list of aborted transactions without its records is removed", () => {
  const machine = new Machine();
  const producer = { producerId: 1, producerEpoch: 0, isTransactional: true };
  const log = machine.open();
  log.append(batchOf(1, { ...producer, baseSequence: 0 }), {
    leaderEpoch: 0,
    origin: "coordinator",
  });
  log.append(abortMarker(producer), { leaderEpoch: 0, origin: "coordinator" });
  log.close();
  machine.files.remove("/data/events-0/00000000000000000000.log");
  const again = machine.open({}, { recoveryPoint: 0 });
  assertEquals([again.logEndOffset, again.abortedTransactions(0, 9).length], [0, 0]);
  again.close();
  const names = machine.files.list("/data/events-0").map(({ name }) => name);
  assertEquals(names.filter((name) => name.endsWith(".txnindex")), []);
});

/** Starts a process that creates a log and appends 27 records in several segments without a flush. */
async function appendUnsynced(simulation: Simulation): Promise<void> {
  const directory = openDirectory(simulation.runtime("alpha"));
  await simulation.run(directory.flushDirectory());
  const log = directory.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", SMALL_SEGMENTS);
  await simulation.run(directory.flushDirectory());
  for (let i = 0; i < 9; i++) log.append(batchOf(3), { leaderEpoch: 0, origin: "client" });
}

test("a start without a recovery point does not treat unsynced records as durable", async () => {
  for (const fate of ["lose", "random"] as const) {
    for (let seed = 1; seed <= 40; seed++) {
      const simulation = new Simulation(seed);
      await appendUnsynced(simulation);
      // The page cache has all records, the disk almost none.
      simulation.kill("alpha");
      const runtime = simulation.restart("alpha");
      runtime.files.remove("/data/recovery-point-offset-checkpoint");
      const second = openDirectory(runtime);
      await simulation.run(second.flushDirectory());
      assertEquals(second.get("events", 0)!.logEndOffset, 27);
      await simulation.run(second.checkpoint());
      simulation.crash("alpha", fate);
      const third = openDirectory(simulation.restart("alpha"));
      const failures = [...third.failures.values()].map(({ message }) => message);
      assertEquals(failures, [], `seed ${seed}, ${fate}`);
    }
  }
});

test("a start without a recovery point makes the records found durable", async () => {
  const simulation = new Simulation(1);
  await appendUnsynced(simulation);
  simulation.kill("alpha");
  const runtime = simulation.restart("alpha");
  runtime.files.remove("/data/recovery-point-offset-checkpoint");
  const second = openDirectory(runtime);
  await simulation.run(second.flushRepaired());
  simulation.crash("alpha", "lose");
  const third = openDirectory(simulation.restart("alpha"));
  assertEquals(third.get("events", 0)!.logEndOffset, 27);
});

test("a start without recovery points has stored them durably when it completes", async () => {
  for (const isClean of [true, false]) {
    const simulation = new Simulation(1);
    const first = openDirectory(simulation.runtime("alpha"));
    await simulation.run(first.flushDirectory());
    const log = first.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", SMALL_SEGMENTS);
    log.append(batchOf(3), { leaderEpoch: 0, origin: "client" });
    await simulation.run(first.flush());
    if (isClean) await simulation.run(first.close());
    simulation.kill("alpha");
    const runtime = simulation.restart("alpha");
    runtime.files.remove("/data/recovery-point-offset-checkpoint");
    const second = openDirectory(runtime);
    await simulation.run(second.flushRepaired());
    simulation.crash("alpha", "lose");
    const { files } = simulation.restart("alpha");
    const file = files.open("/data/recovery-point-offset-checkpoint", "read");
    const bytes = new Uint8Array(file.size());
    file.readAt(bytes, 0);
    assertEquals(new TextDecoder().decode(bytes), "0\n1\nevents 0 3\n");
  }
});

test("damage rejected without recovery points is rejected by the next start too", async () => {
  const simulation = new Simulation(1);
  const first = openDirectory(simulation.runtime("alpha"));
  await simulation.run(first.flushDirectory());
  const log = first.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", SMALL_SEGMENTS);
  for (let i = 0; i < 9; i++) log.append(batchOf(3), { leaderEpoch: 0, origin: "client" });
  await simulation.run(first.flush());
  simulation.kill("alpha");
  let runtime = simulation.restart("alpha");
  runtime.files.remove("/data/recovery-point-offset-checkpoint");
  const segment = runtime.files.open("/data/events-0/00000000000000000006.log", "write");
  segment.truncate(segment.size() - 1);
  segment.close();
  for (let start = 1; start <= 3; start++) {
    const manager = openDirectory(runtime);
    const message = manager.failures.get("events-0")?.message ?? "it is open";
    assertStringIncludes(message, "00000000000000000006.log", `start ${start}`);
    await simulation.run(manager.flushRepaired());
    await simulation.run(manager.checkpoint());
    simulation.kill("alpha");
    runtime = simulation.restart("alpha");
  }
});
