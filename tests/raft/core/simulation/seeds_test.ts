/**
 * Runs the scenarios of the quorum over the seeds within which every planted bug of
 * `tests/mutants/lists/raft_core.ts` must be found. A failure names the first seed that finds it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { test } from "../../../harness.ts";
import { KAFKA_SCENARIOS } from "./kafka_scenarios.ts";
import { runRaft } from "./scenario.ts";

const SCENARIOS = { raft: runRaft, ...KAFKA_SCENARIOS };
/** Every planted bug is found within so many seeds. */
const SEEDS = 200;
/** The stories of Kafka have less chance in them. */
const STORY_SEEDS = 20;

test(`the scenarios of the quorum hold over ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [name, run] of Object.entries(SCENARIOS)) {
      if (seed > STORY_SEEDS && name !== "raft") continue;
      const { failures } = await run(seed);
      assertEquals(failures, [], `deno task sim --scenario ${name} --seed ${seed} repeats it`);
    }
  }
});
