/**
 * The data directories of a node, on disks that fail: topics with transactions are created, written,
 * compacted, deleted and created again under the same names; a directory goes out of service or is
 * missing at a start; the process ends in an orderly way, is killed or loses its power. It goes beyond
 * the scenario `disk`, which has one directory whose topics stay and no transactions.
 *
 * In addition to the rules of the scenario `disk` for every log:
 * - after every start, however the last process ended, the log knows its open and aborted
 *   transactions, the last stable offset, and each producer's sequence numbers;
 * - a reader of committed records sees those of committed transactions and no others, also after
 *   compaction, which keeps the last committed record of each key and all that is not decided;
 * - what a deleted topic held is never another's, and nothing is left of it in the end; a topic that
 *   was not deleted loses nothing;
 * - a directory that fails accepts no more records, and the others keep working; once its disk works
 *   again, it has everything that it had confirmed. Logs of a missing directory are not recreated.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { Outcome, RunOptions } from "../outcome.ts";
import { GivenUp, World } from "../world.ts";
import { HOST } from "./machine.ts";
import type { Hosted } from "./node_directories.ts";
import { NodeStore } from "./node_store.ts";
import { leaveWorkUnfinished } from "./operations/interruption.ts";
import { Operations } from "./operations/operations.ts";
import { Topics } from "./operations/topics.ts";
import { Transactions } from "./operations/transactions.ts";

const DIRECTORIES = ["/one", "/two", "/three"];

/** Runs the scenario of `seed`. */
export function runDirectories(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(seed, {}, options);
  return world.play(() => new Directories(world).play());
}

class Directories {
  readonly #random: Xoshiro128;
  readonly #interruptions: Xoshiro128;
  readonly #store: NodeStore;

  constructor(readonly world: World) {
    const random = this.#random = world.random("directories");
    this.#interruptions = world.random("interruptions");
    this.#store = new NodeStore(world, DIRECTORIES.slice(0, random.between(1, 3)));
    world.simulation.disk(HOST).hasNoise = random.oneIn(2);
  }

  async play(): Promise<void> {
    const store = this.#store;
    await store.openAndJudge();
    for (let life = this.#random.between(1, 3); life > 0; life--) {
      await this.#live(life === 1 ? 0 : 3);
      await this.#end();
      await this.#restart();
    }
    await this.#live(1);
    await store.close();
    store.bringBack();
    await store.openAndJudge();
    await store.close();
    await store.lookOver();
  }

  /** Lives for a while; disks fail in one of so many lives, never for 0. */
  async #live(failing: number): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    const { failures } = this.world;
    const operations = new Operations(store, random, false);
    const transactions = new Transactions(store, operations, random);
    const topics = new Topics(store, operations, random, failing > 0 && random.oneIn(failing));
    if (store.topics.length === 0) await topics.create();
    for (let step = random.below(30); step > 0 && !store.isOver; step--) {
      if (random.oneIn(10)) await topics.step();
      else await this.#work(operations, transactions);
      if (failures.length > 0) throw new GivenUp();
      store.expectOthersGoOn();
    }
  }

  async #work(operations: Operations<Hosted>, transactions: Transactions<Hosted>): Promise<void> {
    const random = this.#random;
    const { hosted } = this.#store;
    if (hosted.length === 0) return;
    if (random.oneIn(2)) return await operations.step(hosted);
    const place = hosted[random.below(hosted.length)]!;
    if (await operations.prepare(place)) transactions.step(place);
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
        break;
      case 1:
        store.kill();
        break;
      default:
        store.cutPower();
    }
    store.bringBack();
  }

  /** Leaves work unfinished, perhaps in a topic that has just been created. */
  async #interrupt(): Promise<void> {
    const store = this.#store;
    const operations = new Operations(store, this.#interruptions, false);
    const topics = new Topics(store, operations, this.#interruptions, false);
    if (!store.isOver && this.#interruptions.oneIn(2)) await topics.create();
    await leaveWorkUnfinished(
      operations,
      store.hosted,
      this.#interruptions,
      () => topics.checkpoint(),
    );
  }

  /** Restarts, perhaps after attempts that fail because of the disk, or end at once. */
  async #restart(): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    while (random.oneIn(6)) {
      if (random.oneIn(2)) this.#hurt(0);
      const { life } = store;
      const opening = store.open().catch((error) => {
        if (life === store.life) store.expectFault("the directories cannot be opened", error);
      });
      if (random.oneIn(2)) await opening;
      await this.world.pause(random.below(3_000) / 1_000);
      if (random.oneIn(2)) store.kill();
      else store.cutPower();
    }
    if (store.directories.length > 1 && random.oneIn(4)) {
      if (random.oneIn(2)) this.#hurt(1);
      else await this.#loseOne();
    }
    await store.openAndJudge();
    store.disk.forgetFaults();
  }

  /** A directory, of those from number `first` on, or a log in it, fails at the next start. */
  #hurt(first: number): void {
    const random = this.#random;
    const { directories, places } = this.#store;
    const directory = directories[random.between(first, directories.length - 1)]!;
    const operation = (["open", "open", "read", "write", "change"] as const)[random.below(5)]!;
    const names = places.filter(({ path }) => path === directory).map(({ model }) => model.name);
    const part = names.length > 0 && random.oneIn(2)
      ? `${names[random.below(names.length)]!}/`
      : "";
    this.world.simulation.trace(`${directory}/${part} fails at the start`);
    this.#store.hurt(directory, operation, part);
  }

  /** A directory is missing. Without that of the metadata log the node must not start. */
  async #loseOne(): Promise<void> {
    const random = this.#random;
    const store = this.#store;
    const [metadata, ...others] = store.directories;
    const isElsewhere = others.some((path) =>
      store.disk.tree.list(path).some(({ name }) => /-\d+$/.test(name))
    );
    if (isElsewhere && random.oneIn(3)) {
      store.takeAway(metadata!);
      const refusal = await store.open().then(() => null, (error) => error);
      if (refusal === null) this.world.fail("the node starts without its metadata log");
      this.world.count("starts refused");
      store.kill();
      return store.bringBack();
    }
    store.takeAway(others[random.below(others.length)]!);
    this.world.count("directories missing");
  }
}
