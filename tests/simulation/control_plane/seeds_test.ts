/**
 * Runs the scenario of the control plane over the seeds within which every planted bug of
 * `tests/mutants/lists/control_plane.ts` must be found. A failure names the first seed that finds it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { seedCount, test } from "../../harness.ts";
import { runControlPlane } from "../control_plane.ts";

/** The first seeds find most of them. */
const SEEDS = seedCount(5, 40);
/** Seeds that find the others. */
const LATE_SEEDS: readonly number[] = [15, 37, 78, 98];

test(`the control plane holds over ${SEEDS} seeds`, async () => {
  const first = Array.from({ length: SEEDS }, (_, index) => index + 1);
  for (const seed of new Set([...first, ...LATE_SEEDS])) {
    const { failures } = await runControlPlane(seed);
    assertEquals(failures, [], `deno task sim --scenario control_plane --seed ${seed} repeats it`);
  }
});
