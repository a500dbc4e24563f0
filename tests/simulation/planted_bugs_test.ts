import { assert } from "@std/assert";
import { isWide, test } from "../harness.ts";
import { PLANTED_BUGS, runPlanted } from "./planted_bugs.ts";

const SEEDS = 200;

for (const bug of PLANTED_BUGS) {
  const { name, scenario, nearSeed = 1 } = bug;
  test(`the scenario ${scenario} finds ${name}`, async () => {
    const first = isWide ? 1 : nearSeed;
    const end = first + SEEDS;
    let seed = first;
    while (seed < end && (await runPlanted(bug, seed)).failures.length === 0) seed++;
    assert(seed < end, `${SEEDS} seeds from ${first} on have not found it`);
  });
}
