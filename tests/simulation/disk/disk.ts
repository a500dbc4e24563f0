/**
 * A data directory on a disk that fails: a few logs with small segments are written, read, cut and
 * deleted from; the process ends in an orderly way, is killed or loses its power; and each time that
 * the directory is opened again it must hold what it has to.
 *
 * Rules:
 * - after an orderly end, and after a kill, every log is what it was, to the byte;
 * - after a loss of power it is a first part of what it was, with everything that was flushed;
 * - what was deleted or cut stays so once that is on the disk, and nothing else goes;
 * - a batch that a producer sends again is known, or refused, and never stored twice;
 * - reading at any offset, and looking up times and epochs, agrees with the model;
 * - processes that may open few files do the same as others, or report that they could not, and go on;
 * - a disk that fails is reported, loses nothing that was flushed, and after the next start the log
 *   is as before.
 *
 * @module
 */
import { randomUuid } from "../../../src/protocol/uuid.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { Outcome, RunOptions } from "../outcome.ts";
import { GivenUp, World } from "../world.ts";
import { damageAndStart } from "./damage.ts";
import { leaveWorkUnfinished } from "./operations/interruption.ts";
import { Operations } from "./operations/operations.ts";
import { PartitionModel } from "./models/partition_model.ts";
import { drawLogConfig, HOST } from "./machine.ts";
import { Store } from "./store.ts";

/** Remainders of `seed / 5` whose processes end while syncs are under way. */
const INTERRUPTED = [1, 2, 3];
/** Those of them that also delete what has just been written. */
const DELETING = [1, 2];

/** Of so many seeds one has processes that may open few files. */
const FEW_FILES_ONE_IN = 3;
/** How many these may open: fewer than logs with so many segments would like to have open. */
const LEAST_FILES = 4;
const MOST_FILES = 20;

/** Runs the scenario of `seed`. */
export function runDisk(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(seed, {}, options);
  return world.play(() => new Disk(world).play());
}

class Disk {
  readonly #random: Xoshiro128;
  readonly #interruptions: Xoshiro128;
  readonly #isInterrupted: boolean;
  readonly #store: Store;

  constructor(readonly world: World) {
    this.#random = world.random("scenario");
    this.#interruptions = world.random("interruptions");
    this.#isInterrupted = INTERRUPTED.includes(world.seed % 5);
    this.#store = new Store(world);
    const disk = world.simulation.disk(HOST);
    disk.hasNoise = this.#random.oneIn(2);
    if (world.seed % FEW_FILES_ONE_IN === 0) {
      disk.maxOpenFiles = world.random("open files").between(LEAST_FILES, MOST_FILES);
    }
  }

  async play(): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    await store.open();
    for (let partition = random.below(3); partition >= 0; partition--) {
      const isCompacted = random.oneIn(3);
      // A topic each, since settings are a topic's.
      const topic = `${isCompacted ? "state" : "events"}${partition}`;
      const config = drawLogConfig(random, isCompacted);
      const model = new PartitionModel(topic, partition, isCompacted, config.deleteRetentionMs);
      await store.create(model, randomUuid(random), config);
    }
    for (let life = 1 + random.below(4); life > 0; life--) {
      await this.#live();
      await this.#end();
      await this.#restart();
      if (random.oneIn(3)) await this.#damage();
    }
    await store.close();
    await store.openAndJudge();
    await store.close();
    const shortages = this.world.simulation.disk(HOST).descriptorShortages;
    if (shortages > 0) this.world.count("descriptor shortages", shortages);
  }

  async #live(): Promise<void> {
    const random = this.#random;
    const operations = new Operations(this.#store, random, random.oneIn(3));
    const { failures } = this.world;
    for (let step = random.below(60); step > 0 && failures.length === 0; step--) {
      await operations.step();
    }
    if (failures.length > 0) throw new GivenUp();
  }

  async #end(): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    const ending = random.below(4);
    await this.#interrupt();
    switch (ending) {
      case 0:
        await store.close();
        if (random.oneIn(3)) await store.lookOver();
        if (random.oneIn(3)) store.cutPower();
        return;
      case 1:
        return store.kill();
      default:
        return store.cutPower();
    }
  }

  /** Leaves work unfinished. */
  async #interrupt(): Promise<void> {
    if (!this.#isInterrupted) return;
    const store = this.#store;
    const operations = new Operations(store, this.#interruptions, false);
    await leaveWorkUnfinished(
      operations,
      store.places,
      this.#interruptions,
      () => store.checkpoint(),
      DELETING.includes(this.world.seed % 5),
    );
  }

  /** Ends the process without any change, has a file rot, and starts twice: with it and without it. */
  async #damage(): Promise<void> {
    const store = this.#store;
    if (this.#random.oneIn(2)) await store.close();
    else store.kill();
    await damageAndStart(store, this.#random);
    await store.openAndJudge();
  }

  /** Restarts, perhaps after attempts that fail because of the disk, or end at once. */
  async #restart(): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    while (random.oneIn(5)) {
      const { disk } = store;
      if (random.oneIn(2)) {
        const operation = (["open", "read", "write", "change"] as const)[random.below(4)]!;
        disk.failNext(operation, "io", random.oneIn(2) ? "-0/" : "");
      }
      const { life } = store;
      const opening = store.open().catch((error) => {
        if (life === store.life) store.expectFault("the directory cannot be opened", error);
      });
      // Perhaps it ends while it still opens.
      if (random.oneIn(2)) await opening;
      await this.world.pause(random.below(3_000) / 1_000);
      if (random.oneIn(2)) store.kill();
      else store.cutPower();
    }
    const isKnown = store.places.every(({ ending }) => ending !== "power");
    if (this.#isInterrupted && isKnown && this.#interruptions.oneIn(4)) store.loseRecoveryPoints();
    await store.openAndJudge();
  }
}
