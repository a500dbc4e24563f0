/**
 * The data directories of a node and the topics in them, compared with their models whenever they are
 * opened, while a directory may fail, be missing, or still hold deleted logs.
 *
 * @module
 */
import { describeDamage } from "../../../src/inspect/findings.ts";
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import type { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { GivenUp } from "../world.ts";
import { HOST, textOf } from "./machine.ts";
import { type Ending, PartitionModel } from "./models/partition_model.ts";
import { type Hosted, NodeDirectories, type Topic } from "./node_directories.ts";

/** Time within which a start removes what an earlier process has deleted, one directory after the other. */
const REMOVED_WITHIN_MS = 200;

/** The data directories of a node; the first holds the metadata log. */
export class NodeStore extends NodeDirectories {
  #hasLostPower = false;
  /** Whether all directories were closed well when the last process ended. */
  #wasClean = false;

  /** Opens the directories, which must succeed, and compares every log with its model. */
  async openAndJudge(): Promise<void> {
    const { world } = this;
    try {
      await this.open();
    } catch (error) {
      world.fail(`the directories cannot be opened: ${textOf(error)}`);
      throw new GivenUp();
    }
    for (const place of this.places) this.#judge(place);
    this.#expectNoLeftovers();
    this.#wasClean = true;
    if (world.failures.length > 0) throw new GivenUp();
  }

  #judge(place: Hosted): void {
    const { topic, partition, name } = place.model;
    const isSick = this.mayHaveFailed(place) || place.path === this.missing;
    if (isSick && place !== this.metadata) {
      place.isOut = true;
      return this.world.count("partitions out of service");
    }
    const log = place.isOut ? undefined : this.logs.get(topic, partition);
    this.judge(
      place,
      log,
      () => this.directoryOf(place.directoryId)?.failures.get(name)?.message ?? "",
    );
  }

  /** Checks that a start leaves no remains of deleted records, segments and topics. */
  #expectNoLeftovers(): void {
    const { tree } = this.disk;
    for (const opened of this.logs.directories) {
      const { path: directory, failure } = opened;
      if (failure !== null || this.sick.has(directory)) continue;
      for (const { name, isDirectory } of tree.list(directory)) {
        if (name.endsWith("-delete")) {
          void this.#expectRemoval(opened, name);
          continue;
        }
        if (!isDirectory || name.endsWith("-stray")) continue;
        for (const file of tree.list(`${directory}/${name}`)) {
          if (!/\.(deleted|cleaned)$/.test(file.name)) continue;
          this.world.fail(`${directory}/${name}/${file.name} is left`);
        }
      }
    }
  }

  /** Checks that the directory of a deleted log is removed in the background. */
  async #expectRemoval(directory: DataDirectory, name: string): Promise<void> {
    const { life, disk: { tree } } = this;
    const path = `${directory.path}/${name}`;
    await this.world.pause(REMOVED_WITHIN_MS);
    const isOver = life !== this.life || directory.failure !== null;
    if (!isOver && tree.exists(path)) this.world.fail(`${path} is left`);
  }

  /** Checks that only directories whose disks failed are out of service. */
  expectOthersGoOn(): void {
    for (const { path, failure } of this.logs.states()) {
      if (failure === null || (this.hasFailed && this.sick.has(path))) continue;
      this.world.fail(`${path} is out of service: ${failure.message}`);
    }
  }

  /** Creates the partitions of a topic. Throws a `KafkaError`. */
  create(topic: Topic, partitions: number): Hosted[] {
    this.topics.push(topic);
    return Array.from({ length: partitions }, (_, partition) => {
      const { name, id, config } = topic;
      const log = this.logs.create(name, partition, id, config, { isNew: true });
      const model = new PartitionModel(name, partition, config.compact, config.deleteRetentionMs);
      const place = this.placeOf(model, id, config, log);
      this.places.push(place);
      if (log.logStartOffset !== 0 || log.logEndOffset !== 0 || log.activeProducers().length > 0) {
        this.world.fail(`${log.name} is new, and has ${log.logStartOffset} to ${log.logEndOffset}`);
      }
      return place;
    });
  }

  /** Takes a topic out of the metadata and returns its partitions, which are to be deleted. */
  forget(topic: Topic): Hosted[] {
    this.topics.splice(this.topics.indexOf(topic), 1);
    this.deletedIds.add(topic.id);
    this.deletedNames.add(topic.name);
    const gone = this.places.filter(({ topicId }) => topicId === topic.id);
    for (const place of gone) {
      place.isGone = true;
      this.places.splice(this.places.indexOf(place), 1);
    }
    return gone;
  }

  /** Closes the directories in an orderly way. */
  async close(): Promise<void> {
    const marks = new Map(this.places.map((place) => [place, place.model.beginFlush()]));
    const failed = this.places.filter(({ isOut, log }) => isOut || log.failure !== null);
    const isWhole = !this.logs.isDegraded;
    this.isClosing = true;
    try {
      await this.logs.close();
    } catch (error) {
      this.expectFault("the directories cannot be closed", error);
      await this.world.expectEnd(HOST);
      return this.kill();
    }
    const clean = new Set(
      this.places.filter((place) =>
        !failed.includes(place) && !this.mayHaveFailed(place) && place.path !== this.missing
      ),
    );
    for (const place of clean) {
      marks.get(place)!();
      place.model.durableStart = place.model.startOffset;
    }
    await this.world.expectEnd(HOST);
    if (!isWhole || clean.size < this.places.length) this.#wasClean = false;
    this.end("clean", (place) => clean.has(place) ? "clean" : "kill");
  }

  /** Verifies the files after an orderly end. */
  async lookOver(): Promise<void> {
    if (!this.#wasClean || this.missing !== null) return;
    for (const directory of this.directories) {
      const { damages } = await verifyDataDirectory(directory, {
        runtime: this.runtime,
        deep: true,
      });
      this.world.count("looked over");
      for (const damage of damages) {
        // An orderly end does not wait for files that the next start does not need.
        if (this.#hasLostPower && damage.file.endsWith(".snapshot")) continue;
        this.world.fail(`after an orderly end this is found: ${describeDamage(damage)}`);
      }
    }
  }

  protected override noteEnding(ending: Ending, endingOf: (place: Hosted) => Ending): void {
    this.opened = null;
    this.settling = Promise.resolve();
    this.sick.clear();
    if (ending !== "clean") this.#wasClean = false;
    if (ending === "power") this.#hasLostPower = true;
    super.noteEnding(ending, endingOf);
  }
}
