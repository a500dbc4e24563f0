/**
 * Operations on the topics and directories of a running node: topics are created, deleted and
 * created again under the same names, and disks fail.
 *
 * @module
 */
import { randomUuid } from "../../../../src/protocol/uuid.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { drawLogConfig } from "../machine.ts";
import type { Hosted } from "../node_directories.ts";
import type { NodeStore } from "../node_store.ts";
import type { Operations } from "./operations.ts";
import { makeBatch } from "../models/stored_batch.ts";

/** Few enough to be used again. */
const NAMES = ["clicks", "orders", "users.by-name"];

/** Topics of a node. */
export class Topics {
  constructor(
    readonly store: NodeStore,
    readonly operations: Operations<Hosted>,
    readonly random: Xoshiro128,
    readonly mayFail: boolean,
  ) {}

  /** Runs one operation. */
  async step(): Promise<void> {
    switch (this.random.below(10)) {
      case 0:
      case 1:
      case 2:
        return await this.create();
      case 3:
      case 4:
        return await this.delete();
      case 5:
        return await this.removeDeleted();
      case 6:
        return await this.checkpoint();
      default:
        return this.hurt();
    }
  }

  /** Creates a topic with a free name, often one that was deleted. */
  async create(): Promise<void> {
    const { store, random } = this;
    await this.store.settling;
    const name = NAMES[random.below(NAMES.length)]!;
    if (store.topics.some((topic) => topic.name === name) || this.#mayLieElsewhere(name)) return;
    const id = randomUuid(random);
    const topic = { name, id, config: drawLogConfig(random, random.oneIn(2)) };
    if (!await this.#note(`create ${name}`)) return;
    let places: Hosted[];
    try {
      places = store.create(topic, random.oneIn(4) ? 2 : 1);
    } catch (error) {
      store.expectFault(`cannot create ${name}`, error);
      // It exists anyway, in an unknown directory.
      store.forget(topic);
      return;
    }
    if (random.oneIn(2)) return;
    for (const place of places) await this.operations.syncing.flush(place);
  }

  /**
   * Whether a log of that name may be in a directory that missed its deletion: the
   * node refuses to start with the same partition in two of them.
   */
  #mayLieElsewhere(name: string): boolean {
    const { store } = this;
    return store.missing !== null ||
      ((store.logs.isDegraded || store.hasFailed) && store.deletedNames.has(name));
  }

  /** Deletes a topic. */
  async delete(): Promise<void> {
    const { store, random } = this;
    if (store.topics.length === 0) return;
    const topic = store.topics[random.below(store.topics.length)]!;
    if (!await this.#note(`delete ${topic.name}`)) return;
    for (const place of store.forget(topic)) {
      try {
        store.logs.holderOf(topic.name, place.model.partition)
          ?.delete(topic.name, place.model.partition);
      } catch (error) {
        store.expectFault(`cannot delete ${place.model.name}`, error, place);
      }
      if (store.logs.get(topic.name, place.model.partition) !== undefined) {
        store.world.fail(`${place.model.name} was deleted, and is open`);
      }
    }
    this.store.settling = this.#settle();
    if (random.oneIn(2)) await this.store.settling;
  }

  /** As the broker, which lets no other change of the metadata come before this has ended. */
  async #settle(): Promise<void> {
    const { store } = this;
    const { life } = store;
    try {
      await store.logs.each((directory) => directory.flushDirectory());
    } catch (error) {
      if (life === store.life) store.expectFault("cannot bring a deletion to the disk", error);
    }
  }

  /** Lets so much time pass that what was deleted goes. */
  async removeDeleted(): Promise<void> {
    const { store } = this;
    await store.world.pause(3_001);
    try {
      for (const directory of store.logs.online) directory.removeDeleted();
    } catch (error) {
      return store.expectFault("cannot remove deleted logs", error);
    }
    await store.world.pause(50);
    for (const { path: directory, failure } of store.logs.directories) {
      if (failure !== null || store.hasFailed) continue;
      const left = store.disk.tree.list(directory).find(({ name }) => name.endsWith("-delete"));
      if (left !== undefined) store.world.fail(`${directory}/${left.name} is left`);
    }
  }

  /** Writes down how far each log is on the disk. */
  async checkpoint(): Promise<void> {
    const { store } = this;
    const { life } = store;
    try {
      await store.logs.each((directory) => directory.checkpoint());
    } catch (error) {
      if (life === store.life) store.expectFault("cannot write the checkpoints", error);
    }
  }

  /** A disk fails, seldom that of the metadata. */
  hurt(): void {
    const { store, random } = this;
    if (!this.mayFail) return;
    const { directories } = store;
    if (random.oneIn(6)) return store.fill();
    const first = random.oneIn(4) || directories.length === 1 ? 0 : 1;
    const directory = directories[random.between(first, directories.length - 1)]!;
    store.world.simulation.trace(`${directory} is going to fail`);
    store.hurt(
      directory,
      (["write", "write", "sync", "change", "open"] as const)[random.below(5)]!,
    );
  }

  /** Has the metadata log say something, on the disk. False when its disk does not let it. */
  async #note(what: string): Promise<boolean> {
    const { store, operations } = this;
    await this.store.settling;
    const { metadata, runtime } = store;
    const { model } = metadata;
    store.world.simulation.trace(what);
    store.world.count(what.split(" ")[0]!);
    const timestamp = runtime.clock.now();
    const batch = makeBatch({
      baseOffset: model.endOffset,
      epoch: model.epoch,
      producerId: -1,
      baseSequence: -1,
      isCompressed: false,
      records: [{ key: null, value: what, timestamp }],
    });
    operations.writes.store(metadata, batch, "raft");
    const isStored = model.endOffset === batch.lastOffset + 1;
    if (isStored) await operations.syncing.flush(metadata);
    return isStored && metadata.log.failure === null;
  }
}
