import { assert } from "@std/assert";
import { test } from "../harness.ts";
import { PLANTED_BUGS } from "./planted_bugs.ts";
import { SCENARIOS } from "./scenarios.ts";

const SEEDS = 100;

for (const { name, scenario, sabotage, plant } of PLANTED_BUGS) {
  test(`the scenario ${scenario} finds ${name}`, async () => {
    const remove = plant?.();
    try {
      let seed = 1;
      while (seed <= SEEDS && (await SCENARIOS[scenario]!(seed, sabotage)).failures.length === 0) {
        seed++;
      }
      assert(seed <= SEEDS, `${SEEDS} seeds have not found it`);
    } finally {
      remove?.();
    }
  });
}
