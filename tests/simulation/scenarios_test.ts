import { readFileSync } from "node:fs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { seedCount, test } from "../harness.ts";
import { SCENARIOS } from "./scenarios.ts";
import { RECORDED_SEED, traceHashFile } from "./trace_hash.ts";

/** How many seeds of each scenario. */
const SEEDS: Readonly<Record<string, number>> = {
  disk: seedCount(80, 250),
  directories: seedCount(60, 200),
  raft: seedCount(60, 200),
};
const DEFAULT_SEEDS = seedCount(10, 20);
/** How often everything in `MUST_HAPPEN` must happen. */
const FEWEST_TIMES = seedCount(1, 3);

/** Seeds that found a defect once, and that no range above has. */
const LATE_SEEDS: Readonly<Record<string, readonly number[]>> = {
  disk: [7944, 8639, 11190, 11944, 17517],
};

/** The events that must occur over the seeds of a scenario, so that they test what they are for. */
const MUST_HAPPEN: Readonly<Record<string, readonly string[]>> = {
  single_broker: ["acknowledged", "kills", "pauses", "wrong clocks", "resets"],
  power_loss: ["acknowledged", "crashes", "records lost", "topics created"],
  disk: [
    "clean ends",
    "kill ends",
    "power ends",
    "records lost",
    "faults met",
    "compactions",
    "damage refused",
    "damage cut",
    "damage left for its readers",
    "looked over",
    "retentions",
    "ends with work unfinished",
  ],
  raft: [
    "acknowledged",
    "elections",
    "kills",
    "power failures",
    "unsynced batches lost",
    "partitions",
    "pauses",
    "clock jumps",
    "slow disks",
    "bad networks",
    "resignations",
    "truncations",
    "snapshots written",
    "logs cut",
    "snapshots installed",
    "add-voter done",
    "add-voter refused",
    "remove-voter done",
    "upgrades",
    "disks replaced",
    "moves",
  ],
  control_plane: [
    "active controllers",
    "topics created",
    "topics deleted",
    "topics grown",
    "configs altered",
    "broker configs altered",
    "unsure",
    "fences",
    "logs cut",
    "leaders asked",
    "kills",
    "power failures",
    "restarts",
    "pauses",
    "isolations",
    "partitions",
    "bad links",
    "hung disks",
  ],
  raft_elect: ["elections", "acknowledged"],
  raft_leader_failure: ["elections", "acknowledged"],
  raft_all_killed: ["elections", "acknowledged"],
  raft_partitioned_leader: ["elections", "acknowledged", "partitions", "truncations"],
  raft_majority: ["acknowledged", "partitions"],
  raft_back_to_back: ["elections", "acknowledged", "kills"],
  raft_clean_stop: ["elections", "acknowledged"],
  raft_lost_data: ["acknowledged", "logs lost"],
  directories: [
    "clean ends",
    "kill ends",
    "power ends",
    "records lost",
    "faults met",
    "compactions",
    "commit",
    "abort",
    "transactions examined",
    "transactional batches sent again",
    "batches left out",
    "create",
    "delete",
    "deleted logs met again",
    "partitions out of service",
    "directories missing",
    "looked over",
    "ends with work unfinished",
  ],
  clients: [
    "acknowledged",
    "read",
    "handed out",
    "kills",
    "client kills",
    "partitions",
    "pauses",
    "wrong clocks",
    "resets",
    "bad links",
    "hung disks",
    "full disks",
    "disk failures",
  ],
};

for (const [name, run] of Object.entries(SCENARIOS)) {
  const seeds = SEEDS[name] ?? DEFAULT_SEEDS;

  test(`the scenario ${name} holds over ${seeds} seeds`, async () => {
    const counts: Record<string, number> = {};
    const first = Array.from({ length: seeds }, (_, index) => index + 1);
    for (const seed of [...first, ...LATE_SEEDS[name] ?? []]) {
      const outcome = await run(seed);
      assertEquals(
        outcome.failures,
        [],
        `deno task sim --scenario ${name} --seed ${seed} repeats it`,
      );
      for (const [what, times] of Object.entries(outcome.counts)) {
        counts[what] = (counts[what] ?? 0) + times;
      }
    }
    for (const what of MUST_HAPPEN[name]!) {
      assert(
        (counts[what] ?? 0) >= FEWEST_TIMES,
        `${seeds} seeds had ${counts[what] ?? 0} ${what}`,
      );
    }
  });

  test(`a run of ${name} is the same whenever its seed is, on every runtime`, async () => {
    const { traceHash } = await run(RECORDED_SEED);
    assertEquals((await run(RECORDED_SEED)).traceHash, traceHash);
    assertNotEquals((await run(RECORDED_SEED + 1)).traceHash, traceHash);
    const recorded = readFileSync(traceHashFile(name), "utf8").trim();
    assertEquals(
      traceHash,
      recorded,
      "what happens has changed; if that was meant, deno task sim --record writes it down",
    );
  });
}
