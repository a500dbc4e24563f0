/**
 * The data directory of the disk scenario: opened, closed, killed and crashed, and compared with its
 * model each time that it is opened.
 *
 * @module
 */
import { describeDamage } from "../../../src/inspect/findings.ts";
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import type { LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import type { KafkaError } from "../../../src/protocol/errors.ts";
import { RECOVERY_POINTS } from "../../../src/log/directory/recovery_point_checkpoint.ts";
import { HOST, Machine, NODE_ID, type Place, textOf } from "./machine.ts";
import type { Ending, PartitionModel } from "./models/partition_model.ts";
import { GivenUp } from "../world.ts";

/** The data directory. */
export const DATA = "/data";

/** The data directory of one run. */
export class Store extends Machine {
  /** The reports of recovery at the last start, by log. */
  readonly reports: Map<string, number> = new Map();
  #manager: DataDirectory | null = null;
  #wasClean = true;

  /** The open directory. */
  get manager(): DataDirectory {
    return this.#manager!;
  }

  /** Opens the directory, as a broker does. Rejects with a `KafkaError` when that fails. */
  async open(): Promise<void> {
    this.beginLife();
    this.reports.clear();
    const configs = new Map(this.places.map(({ model, config }) => [model.topic, config]));
    const manager = this.#manager = DataDirectory.open({
      runtime: this.runtime,
      directory: DATA,
      nodeId: NODE_ID,
      onRecovery: ({ name, logEndOffset, reason }) => {
        this.world.simulation.trace(`recovered ${name} to ${logEndOffset}: ${reason}`);
        this.reports.set(name, logEndOffset);
      },
      onLoss: (sentence) => this.world.simulation.trace(sentence),
      highWatermarkOf: ({ logEndOffset }) => logEndOffset,
    });
    await manager.flushDirectory();
    manager.openAll((topic) => configs.get(topic)!);
    await manager.flushRepaired();
    void manager.flushUncertain();
  }

  /** Creates a partition durably. */
  async create(model: PartitionModel, topicId: string, config: LogConfig): Promise<void> {
    const log = this.manager.create(model.topic, model.partition, topicId, config);
    this.places.push({ model, config, log, ending: "clean" });
    await this.manager.flush();
    await this.manager.flushDirectory();
  }

  override truncateAll(
    offsets: ReadonlyMap<PartitionLog, number>,
  ): Promise<ReadonlyMap<PartitionLog, KafkaError>> {
    return this.manager.truncateAll(offsets);
  }

  /** Writes the checkpoints. */
  async checkpoint(): Promise<void> {
    const { life } = this;
    try {
      await this.manager.checkpoint();
    } catch (error) {
      if (life === this.life) this.expectFault("cannot write the checkpoints", error);
    }
  }

  /** Removes the checkpoint of recovery points, while no process runs. */
  loseRecoveryPoints(): void {
    const { disk, world } = this;
    const path = `${DATA}/${RECOVERY_POINTS}`;
    if (!disk.tree.exists(path)) return;
    disk.tree.remove(path);
    disk.syncNames(disk.tree.directory("sync", DATA));
    world.count("recovery points removed");
  }

  /** Opens the directory, which must succeed, and compares every log with its model. */
  async openAndJudge(): Promise<void> {
    const { world } = this;
    try {
      await this.open();
    } catch (error) {
      world.fail(`the directory cannot be opened: ${textOf(error)}`);
      throw new GivenUp();
    }
    for (const place of this.places) {
      const { topic, partition, name } = place.model;
      this.judge(
        place,
        this.manager.get(topic, partition),
        () => this.manager.failures.get(name)?.message ?? "it is not there",
      );
    }
    this.#wasClean = true;
    if (world.failures.length > 0) throw new GivenUp();
  }

  /** Closes the directory in an orderly way. */
  async close(): Promise<void> {
    const failed = this.hasFailed || this.places.some(({ log }) => log.failure !== null);
    const marks = this.places.map(({ model }) => model.beginFlush());
    this.isClosing = true;
    try {
      await this.manager.close();
    } catch (error) {
      this.expectFault("the directory cannot be closed", error);
      await this.world.expectEnd(HOST);
      return this.kill();
    }
    await this.world.expectEnd(HOST);
    if (failed || this.hasFailed) return this.kill();
    for (const mark of marks) mark();
    for (const { model } of this.places) model.durableStart = model.startOffset;
    this.end("clean", () => "clean");
  }

  /** Verifies the files after an orderly end. */
  async lookOver(): Promise<void> {
    if (!this.#wasClean) return;
    const { damages } = await verifyDataDirectory(DATA, { runtime: this.runtime, deep: true });
    this.world.count("looked over");
    for (const damage of damages) {
      this.world.fail(`after an orderly end this is found: ${describeDamage(damage)}`);
    }
  }

  protected override noteEnding(ending: Ending, endingOf: (place: Place) => Ending): void {
    this.#manager = null;
    if (ending !== "clean") this.#wasClean = false;
    super.noteEnding(ending, endingOf);
  }
}
