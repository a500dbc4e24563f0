/**
 * The last moments of a process: segments roll, checkpoints are written, and the process ends while
 * their syncs are still under way.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { mustBeFlushed, type Place } from "../machine.ts";
import type { Operations } from "./operations.ts";

/** A few syncs of the default disk, µs. */
const LONGEST_PAUSE_US = 2_500;
const LONGEST_STEP_US = 400;

/**
 * Begins work on some of `places` and returns before it has ended. `checkpoint` writes the checkpoints
 * of the data directories. With `deletes` some records are deleted before they are on the disk.
 */
export async function leaveWorkUnfinished<P extends Place>(
  operations: Operations<P>,
  places: readonly P[],
  random: Xoshiro128,
  checkpoint: () => Promise<void>,
  deletes = false,
): Promise<void> {
  const { world } = operations.machine;
  if (!deletes && random.oneIn(3)) return;
  for (let step = random.between(1, 4); step > 0; step--) {
    for (const place of places) {
      const { log, model } = place;
      if (mustBeFlushed(place) || model.isLoose || log.failure !== null || random.oneIn(3)) {
        continue;
      }
      operations.writes.append(place);
      if (log.failure === null && random.oneIn(2)) operations.syncing.roll(place);
      if (random.oneIn(4)) operations.syncing.flushInBackground(place);
    }
    if (random.oneIn(4)) void checkpoint();
    await world.pause(random.below(LONGEST_STEP_US) / 1_000);
  }
  world.count("ends with work unfinished");
  if (deletes) await deleteWhileRolling(operations, places);
  else if (places.length > 0 && world.random("truncations").oneIn(3)) {
    void operations.deletions.truncate(places[0]!, places);
  }
  await world.pause(random.below(LONGEST_PAUSE_US) / 1_000);
}

/** Rolls segments, and deletes what is in them while they are on their way to the disk. */
async function deleteWhileRolling<P extends Place>(
  operations: Operations<P>,
  places: readonly P[],
): Promise<void> {
  const { world } = operations.machine;
  const random = world.random("deletions");
  const usable = () =>
    places.filter((place) =>
      !mustBeFlushed(place) && !place.model.isLoose && place.log.failure === null
    );
  for (const place of usable()) {
    operations.writes.append(place);
    if (place.log.failure === null) operations.syncing.roll(place);
  }
  await world.pause(random.below(LONGEST_PAUSE_US) / 1_000);
  for (const place of usable()) {
    void operations.deletions.deleteRecords(place);
    // This one has to wait until that one is on the disk.
    void operations.deletions.deleteRecords(place, place.model.endOffset);
  }
}
