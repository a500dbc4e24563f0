/**
 * The log on a simulated disk that loses, keeps or tears what was not synced when the power goes.
 */
import { assert, assertEquals } from "@std/assert";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { PartitionLog } from "../../src/log/partition_log.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { Chance } from "../protocol/chance.ts";
import { allBatches } from "./fixture.ts";
import { test } from "../harness.ts";

function open(runtime: Runtime): PartitionLog {
  return PartitionLog.open({
    runtime,
    directory: "/data/events-0",
    topic: "events",
    partition: 0,
    topicId: "vwnYOrl8QJKJOWqndPArhA",
    config: DEFAULT_LOG_CONFIG,
  });
}

test("after a loss of power the log is a whole prefix with all that was flushed, over 100 seeds", async () => {
  let cuts = 0;
  for (let seed = 0; seed < 100; seed++) {
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
      // What was found is what is on the disk: the crash has decided.
      flushed = found.length;
    }
  }
  assert(cuts > 50, `only ${cuts} of 400 crashes took anything`);
});
