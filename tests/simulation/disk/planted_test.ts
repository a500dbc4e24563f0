import { assert, assertEquals } from "@std/assert";
import { isWide, test } from "../../harness.ts";
import type { Scenario } from "../outcome.ts";
import { runDirectories } from "./directories.ts";
import { runDisk } from "./disk.ts";
import { PLANTED_DISK_BUGS, type PlantedDiskBug } from "./planted.ts";
import { PLANTED_DIRECTORY_BUGS } from "./planted_directories.ts";

const SEEDS = 200;

function testAll(scenario: string, run: Scenario, bugs: readonly PlantedDiskBug[]): void {
  for (const { name, nearSeed = 1, sabotage, plant } of bugs) {
    test(`the scenario ${scenario} finds ${name}`, async () => {
      const remove = plant?.();
      try {
        const first = isWide ? 1 : nearSeed;
        const end = first + SEEDS;
        let seed = first;
        while (seed < end && (await run(seed, { sabotage })).failures.length === 0) seed++;
        assert(seed < end, `${SEEDS} seeds from ${first} on have not found it`);
        remove?.();
        // It is the bug that was found, and nothing else.
        assertEquals((await run(seed)).failures, []);
      } finally {
        remove?.();
      }
    });
  }
}

testAll("disk", runDisk, PLANTED_DISK_BUGS);
testAll("directories", runDirectories, PLANTED_DIRECTORY_BUGS);
