/**
 * Runs the scenario of the control plane over the seeds within which every planted bug of
 * `tests/mutants/lists/control_plane.ts` must be found. A failure names the first seed that finds it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { seedCount, test } from "../../harness.ts";
import { runControlPlane } from "../control_plane.ts";

/** Every planted bug is found within so many seeds. */
const SEEDS = seedCount(4, 200);

test(`the control plane holds over ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failures } = await runControlPlane(seed);
    assertEquals(failures, [], `deno task sim --scenario control_plane --seed ${seed} repeats it`);
  }
});
