/** A loader and its listeners against a state that applies every record of a random log. */
import { assert, assertEquals } from "@std/assert";
import { equalValues } from "../../src/metadata/equal_values.ts";
import type { MetadataDelta, MetadataImage, TopicImage } from "../../src/metadata/image.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import { CapturedState } from "../../src/metadata/snapshot_records.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { seedCount, test } from "../harness.ts";
import { Chance } from "../protocol/chance.ts";
import { decoded } from "./fixture.ts";
import { batches, newLoader, snapshotOf } from "./loader_fixture.ts";
import { dump, RandomRecords } from "./random_records.ts";

/** What a listener knows that looks up in the image only what it is told has changed. */
class Mirror {
  readonly topics = new Map<string, TopicImage>();
  readonly brokers = new Map<number, unknown>();
  readonly controllers = new Map<number, unknown>();
  readonly configs = new Map<string, unknown>();
  features: unknown = [];
  /** Changes that change nothing. */
  readonly idle: string[] = [];
  readonly #image: MetadataImage;

  constructor(image: MetadataImage) {
    this.#image = image;
  }

  apply(delta: MetadataDelta): void {
    const image = this.#image;
    for (const topic of delta.deletedTopics) {
      this.topics.delete(topic.id);
      this.configs.delete(`2 ${topic.name}`);
    }
    for (const topic of delta.createdTopics) this.topics.set(topic.id, topic);
    for (const { before, after } of delta.changedTopics) {
      assertEquals(this.topics.get(after.id), before);
      if (equalValues(before, after)) this.idle.push(after.name);
      this.topics.set(after.id, after);
    }
    for (const { type, name } of delta.changedConfigs) {
      const configs = image.configs(type, name);
      if (configs.size === 0) this.configs.delete(`${type} ${name}`);
      else this.configs.set(`${type} ${name}`, [...configs].sort());
    }
    for (const id of delta.changedBrokers) {
      const broker = image.broker(id);
      if (broker === undefined) this.brokers.delete(id);
      else this.brokers.set(id, broker);
    }
    for (const id of delta.changedControllers) {
      const controller = image.controller(id);
      if (controller === undefined) this.controllers.delete(id);
      else this.controllers.set(id, controller);
    }
    if (delta.featuresChanged) this.features = [...image.features].sort();
  }

  assertEqualTo(state: MetadataState, message: string): void {
    const byId = <Item extends { id: unknown }>(items: Iterable<Item>) =>
      new Map(Array.from(items, (item) => [item.id, item]));
    assertEquals(this.topics as unknown, byId(state.topics()), message);
    assertEquals(this.brokers as unknown, byId(state.brokers()), message);
    assertEquals(this.controllers as unknown, byId(state.controllers()), message);
    assertEquals(this.features, [...state.features].sort(), message);
    const configs = new Map<string, unknown>();
    for (const type of state.configuredTypes()) {
      for (const name of state.configuredNames(type)) {
        configs.set(`${type} ${name}`, [...state.configs(type, name)].sort());
      }
    }
    assertEquals(this.configs, configs, message);
  }
}

test("a loader with listeners that follows batches, transactions and snapshots has the state of the log", async () => {
  let snapshots = 0;
  for (let seed = 1; seed <= seedCount(60, 1_000); seed++) {
    const chance = new Chance(seed);
    const random = new RandomRecords(chance);
    /** Applies every record when it is written. */
    const written = new MetadataState();
    let offset = 0;
    const write = (): MetadataRecordInput[] => {
      const records = random.next(written);
      written.apply(decoded(...records), offset += records.length, 1);
      return records;
    };
    const { loader, messages } = newLoader();
    const mirror = new Mirror(loader.image);
    await loader.addListener(mirror);
    let next = 0;
    for (let step = 0; step < 30; step++) {
      const records = Array.from({ length: 1 + chance.below(8) }, write);
      if (chance.oneIn(5)) {
        const endOffset = loader.nextOffset + 1 + chance.below(50);
        // Written by another node that has read the log up to here.
        const other = newLoader().loader;
        await other.loadSnapshot(snapshotOf(new CapturedState(written).records(), endOffset));
        const snapshot = await other.capture();
        await loader.loadSnapshot(snapshotOf(snapshot!.records(), endOffset));
        assertEquals(mirror.idle, [], `seed ${seed}: only differences are published`);
        snapshots++;
        next = endOffset;
      } else if (chance.oneIn(3)) {
        const inTransaction: MetadataRecordInput[][] = [
          [{ name: "BeginTransactionRecord", value: {} }],
          ...records,
          [{ name: "EndTransactionRecord", value: {} }],
        ];
        await loader.load(batches(next, ...inTransaction));
        next += inTransaction.flat().length;
      } else {
        await loader.load(batches(next, ...records));
        next += records.flat().length;
      }
      mirror.idle.length = 0;
      assertEquals(loader.offset, next - 1);
      assertEquals(dump(loader.image as MetadataState), dump(written), `seed ${seed}`);
      mirror.assertEqualTo(written, `seed ${seed}, step ${step}`);
    }
    assertEquals(messages, [], `seed ${seed}`);
  }
  assert(snapshots > 100);
});
