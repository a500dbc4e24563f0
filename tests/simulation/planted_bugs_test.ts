import { assert } from "@std/assert";
import { isWide, test } from "../harness.ts";
import { PLANTED_BUGS } from "./planted_bugs.ts";
import { SCENARIOS } from "./scenarios.ts";

const SEEDS = 200;

for (const { name, scenario, nearSeed = 1, sabotage, plant } of PLANTED_BUGS) {
  test(`the scenario ${scenario} finds ${name}`, async () => {
    const remove = plant?.();
    try {
      const first = isWide ? 1 : nearSeed;
      const end = first + SEEDS;
      let seed = first;
      while (seed < end && (await SCENARIOS[scenario]!(seed, { sabotage })).failures.length === 0) {
        seed++;
      }
      assert(seed < end, `${SEEDS} seeds from ${first} on have not found it`);
    } finally {
      remove?.();
    }
  });
}
