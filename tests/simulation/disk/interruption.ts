/**
 * The last moments of a process: segments roll, checkpoints are written, and the process ends while
 * their syncs are still under way.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { Place } from "./machine.ts";
import type { Operations } from "./operations.ts";

/** A few syncs of the default disk, µs. */
const LONGEST_PAUSE_US = 2_500;
const LONGEST_STEP_US = 400;

/**
 * Begins work on some of `places` and returns before it has ended. `checkpoint` writes the checkpoints
 * of the data directories.
 */
export async function leaveWorkUnfinished<P extends Place>(
  operations: Operations<P>,
  places: readonly P[],
  random: Xoshiro128,
  checkpoint: () => Promise<void>,
): Promise<void> {
  const { world } = operations.machine;
  if (random.oneIn(3)) return;
  for (let step = random.between(1, 4); step > 0; step--) {
    for (const place of places) {
      const { log, model } = place;
      if (place.isCut || model.isLoose || log.failure !== null || random.oneIn(3)) continue;
      operations.append(place);
      if (log.failure === null && random.oneIn(2)) operations.roll(place);
      if (random.oneIn(4)) operations.flushInBackground(place);
    }
    if (random.oneIn(4)) void checkpoint();
    await world.pause(random.below(LONGEST_STEP_US) / 1_000);
  }
  world.count("ends with work unfinished");
  await world.pause(random.below(LONGEST_PAUSE_US) / 1_000);
}
