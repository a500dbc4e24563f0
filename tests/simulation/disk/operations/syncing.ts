/**
 * Syncing the partitions of the disk scenarios, and rolling their segments.
 *
 * @module
 */
import type { Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";

/** Flushes logs and begins segments. */
export class Syncing<P extends Place = Place> extends PlaceActions<P> {
  /** Flushes and waits. */
  async flush(place: P): Promise<void> {
    const { model, log } = place;
    const { life } = this.machine;
    const mark = model.beginFlush();
    try {
      await log.flush();
      mark();
    } catch (error) {
      if (life !== this.machine.life || place.isGone) return;
      this.machine.expectFault(`cannot flush ${model.name}`, error, place);
      if (log.failure === null && !this.machine.mayLackDescriptors(error)) {
        this.fail(place, "a flush failed, and the log stays in service");
      }
    }
  }

  /** Starts a flush without waiting. */
  flushInBackground(place: P): void {
    void this.flush(place);
  }

  /** Joins the next shared sync without waiting. */
  commit(place: P): void {
    const { model, log } = place;
    const { life } = this.machine;
    const mark = model.beginFlush();
    this.machine.commits.commit(log).then(mark, (error) => {
      if (life !== this.machine.life || this.machine.isClosing || place.isGone) return;
      this.machine.expectFault(`cannot commit ${model.name}`, error, place);
    });
  }

  /** Rolls to a new segment. */
  roll(place: P): void {
    this.change(place, "roll", () => place.log.roll());
  }
}
