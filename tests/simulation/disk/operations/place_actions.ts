/**
 * The common parts of all operations on the partitions of the disk scenarios: each changes the log and
 * its model alike, and judges the errors of the log.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import type { World } from "../../world.ts";
import type { Machine, Place } from "../machine.ts";

/** The base of a group of operations. */
export abstract class PlaceActions<P extends Place = Place> {
  protected readonly world: World;

  constructor(readonly machine: Machine<P>, protected readonly random: Xoshiro128) {
    this.world = machine.world;
  }

  /** Lets time pass. */
  async pause(): Promise<void> {
    await this.world.pause(this.random.below(this.random.oneIn(4) ? 1_000 : 20));
  }

  /** Runs a change of a log. Returns false when a fault prevented it, or a part of it. */
  protected change(place: P, action: string, run: () => unknown): boolean {
    try {
      run();
      return true;
    } catch (error) {
      place.model.isLoose = true;
      place.model.keepLineage();
      this.machine.expectFault(`cannot ${action} ${place.model.name}`, error, place);
      return false;
    }
  }

  /** Fails unless the log begins and ends where its model does. */
  protected expectEnds({ model, log }: P): void {
    if (model.isLoose) return;
    if (log.logStartOffset !== model.startOffset || log.logEndOffset !== model.endOffset) {
      this.world.fail(
        `${model.name} has ${log.logStartOffset} to ${log.logEndOffset}, ` +
          `${model.startOffset} to ${model.endOffset} must be`,
      );
    }
  }

  /** Records a failure of a partition. */
  protected fail({ model }: Place, text: string): void {
    this.world.fail(`${model.name}: ${text}`);
  }
}
