import { assert, assertEquals } from "@std/assert";
import { test } from "../../harness.ts";
import { runDisk } from "./disk.ts";
import { PLANTED_DISK_BUGS } from "./planted.ts";

const SEEDS = 200;

for (const { name, sabotage, plant } of PLANTED_DISK_BUGS) {
  test(`the scenario disk finds ${name}`, async () => {
    const remove = plant?.();
    try {
      let seed = 1;
      while (seed <= SEEDS && (await runDisk(seed, sabotage)).failures.length === 0) seed++;
      assert(seed <= SEEDS, `${SEEDS} seeds have not found it`);
      remove?.();
      // It is the bug that was found, and nothing else.
      assertEquals((await runDisk(seed)).failures, []);
    } finally {
      remove?.();
    }
  });
}
