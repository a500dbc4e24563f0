/**
 * The operations on the partitions of the disk scenarios while a process runs. Which comes next is
 * drawn.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { Compactions } from "./compactions.ts";
import { Deletions } from "./deletions.ts";
import { Lookups } from "./lookups.ts";
import { type Machine, mustBeFlushed, type Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";
import { Syncing } from "./syncing.ts";
import { Writes } from "./writes.ts";

/** One kind of operation. */
interface Choice<P extends Place> {
  readonly name: string;
  /** How often it is chosen, compared to the others. */
  readonly weight: number;
  readonly run: (place: P) => unknown;
}

/** Operations on the open logs of a machine. */
export class Operations<P extends Place = Place> extends PlaceActions<P> {
  readonly writes: Writes<P>;
  readonly syncing: Syncing<P>;
  readonly lookups: Lookups<P>;
  readonly deletions: Deletions<P>;
  readonly compactions: Compactions<P>;
  readonly #choices: readonly Choice<P>[];
  readonly #total: number;
  /** The places of the current step. */
  #places: readonly P[] = [];

  constructor(machine: Machine<P>, random: Xoshiro128, private readonly mayFail: boolean) {
    super(machine, random);
    this.writes = new Writes(machine, random);
    this.syncing = new Syncing(machine, random);
    this.lookups = new Lookups(machine, random);
    this.deletions = new Deletions(machine, random);
    this.compactions = new Compactions(machine, random, this.syncing);
    this.#choices = this.#listChoices();
    this.#total = this.#choices.reduce((sum, { weight }) => sum + weight, 0);
  }

  #listChoices(): Choice<P>[] {
    const { writes, syncing, lookups, deletions, compactions } = this;
    return [
      { name: "append", weight: 26, run: (place) => writes.append(place) },
      { name: "appendAsFollower", weight: 5, run: (place) => writes.appendAsFollower(place) },
      { name: "flush", weight: 4, run: (place) => syncing.flush(place) },
      { name: "flushInBackground", weight: 3, run: (place) => syncing.flushInBackground(place) },
      { name: "commit", weight: 3, run: (place) => syncing.commit(place) },
      { name: "compact", weight: 5, run: (place) => compactions.compact(place) },
      { name: "read", weight: 4, run: (place) => lookups.read(place) },
      { name: "repeat", weight: 3, run: (place) => writes.repeat(place) },
      { name: "lookUpTime", weight: 2, run: (place) => lookups.lookUpTime(place) },
      { name: "lookUpEpoch", weight: 1, run: (place) => lookups.lookUpEpoch(place) },
      { name: "roll", weight: 2, run: (place) => syncing.roll(place) },
      { name: "truncate", weight: 2, run: (place) => deletions.truncate(place, this.#places) },
      { name: "deleteRecords", weight: 3, run: (place) => deletions.deleteRecords(place) },
      { name: "retain", weight: 2, run: (place) => deletions.retain(place) },
      { name: "pause", weight: 4, run: () => this.pause() },
      { name: "injectFault", weight: 2, run: (place) => this.injectFault(place) },
    ];
  }

  /** Runs one operation on one of `places`. */
  async step(places: readonly P[] = this.machine.places): Promise<void> {
    this.#places = places;
    let drawn = this.random.below(this.#total);
    const { name, run } = this.#choices.find(({ weight }) => (drawn -= weight) < 0)!;
    const place = places[this.random.below(places.length)]!;
    if (!await this.prepare(place)) return;
    this.world.simulation.trace(`${name} ${place.model.name}`);
    this.world.count(name);
    await run(place);
  }

  /** Returns whether an operation on `place` is possible. If not, does what it needs first. */
  async prepare(place: P): Promise<boolean> {
    const { truncation, log } = place;
    if (truncation !== undefined && log.isTruncating) {
      await this.deletions.truncateAgain(place, truncation.offset);
      return false;
    }
    if (place.model.isLoose) return false;
    if (!mustBeFlushed(place)) return true;
    if (this.random.oneIn(3)) await this.pause();
    else await this.syncing.flush(place);
    return false;
  }

  /** Has the disk fail, now and then. */
  injectFault(place: P): void {
    if (!this.mayFail) return;
    const { disk } = this.machine;
    const path = `${place.model.name}/`;
    switch (this.random.below(7)) {
      case 0:
        return disk.failNext("write", "io", path);
      case 1:
      case 2:
      case 3:
        return disk.failNext("sync", "io", this.random.oneIn(2) ? ".log" : path);
      case 4:
        return disk.failNext("read", "io", path);
      case 5:
        return disk.failNext("open", "io", path);
      default:
        disk.isFull = !disk.isFull;
    }
  }
}
