/**
 * A data directory that is closed while work is under way in it: rolls, flushes and checkpoints that
 * no caller awaits, on a disk that works or has just failed. Once close() has resolved, another
 * process may own the directory.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { FileError, type Runtime } from "../../../src/runtime/runtime.ts";
import { KillableRuntime } from "../../../src/runtime/killable_runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { seedCount, test } from "../../harness.ts";
import { batchOf } from "../fixture.ts";

const CONFIG: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 400, fileDeleteDelayMs: 0 };
const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";
const client = { leaderEpoch: 0, origin: "client" } as const;
const SEEDS = seedCount(100, 400);

function open(runtime: Runtime): DataDirectory {
  return DataDirectory.open({ runtime, directory: "/data", nodeId: 1, configOf: () => CONFIG });
}

/** Ignores failures of work that no caller awaits, on a failing disk. */
function unawaited(work: Promise<unknown> | void): void {
  work?.catch((error: unknown) => {
    if (!(error instanceof KafkaError || error instanceof FileError)) throw error;
  });
}

/** Starts some work on a log or its directory. */
function begin(choice: number, manager: DataDirectory, log: PartitionLog): void {
  if (log.failure !== null) return;
  if (log.isTruncating && choice > 2) return;
  switch (choice) {
    case 0:
      return unawaited(manager.checkpoint());
    case 1:
      return unawaited(manager.flushDirectory());
    case 2:
      return unawaited(log.flush());
    case 3:
      return log.roll();
    case 4:
      return log.deleteRecordsBefore(log.logEndOffset);
    case 5:
      return unawaited(log.truncateTo(Math.max(0, log.logEndOffset - 1)));
    default:
      log.append(batchOf(3), client);
  }
}

for (const fails of [false, true]) {
  const disk = fails ? "a disk that fails" : "a disk that works";
  test(`close() leaves no files open and no work in progress on ${disk}, over ${SEEDS} seeds`, async () => {
    let degraded = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const simulation = new Simulation(seed);
      const { random } = simulation;
      const process = new KillableRuntime(simulation.runtime("alpha"));
      const manager = open(process.runtime);
      await simulation.run(manager.flushDirectory());
      const logs = ["events", "clicks", "orders"].map((topic) =>
        manager.create(topic, 0, TOPIC_ID, CONFIG)
      );
      for (let step = random.between(10, 30); step > 0; step--) {
        begin(random.below(14), manager, logs[random.below(logs.length)]!);
        await simulation.run(simulation.nowMs + random.below(500) / 1_000);
      }
      if (random.oneIn(3)) manager.delete("orders", 0);
      if (fails) {
        simulation.disk("alpha").failNext(random.oneIn(2) ? "write" : "sync", "io");
        for (const log of logs) {
          try {
            if (log.failure === null) log.append(batchOf(3), client);
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error;
          }
        }
        await simulation.run(simulation.nowMs + random.below(500) / 1_000);
        if (manager.failure !== null) degraded++;
      }
      await simulation.run(
        manager.close().catch((error) => {
          if (!(fails && error instanceof KafkaError)) throw error;
        }),
      );
      assertEquals(process.held(), [], `seed ${seed}`);
      const late: string[] = [];
      process.onUse = (what) => late.push(what);
      await simulation.run(simulation.nowMs + 1_000);
      assertEquals(late, [], `seed ${seed}`);
    }
    assert(
      degraded > (fails ? SEEDS / 4 : -1),
      `${degraded} disks had failed by the time of the end`,
    );
  });
}

test("nothing in a directory changes after it is closed", async () => {
  const simulation = new Simulation(1);
  const runtime = simulation.runtime("alpha");
  const manager = open(runtime);
  const log = manager.create("events", 0, TOPIC_ID, CONFIG);
  await simulation.run(manager.close());
  assertThrows(() => manager.delete("events", 0), KafkaError, "the data directory has been closed");
  assertThrows(() => manager.create("more", 0, TOPIC_ID, CONFIG), KafkaError, "has been closed");
  assertThrows(() => log.append(batchOf(1), client), KafkaError, "has been closed");
  const late = manager.flushDirectory().then(() => null, (error) => error);
  assert(await simulation.run(late) instanceof KafkaError);
});
