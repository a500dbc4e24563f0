/**
 * The data directory of the disk scenario: opened, closed, killed and robbed of its power, and held
 * against the model each time that it is opened.
 *
 * @module
 */
import { describeDamage } from "../../../src/inspect/findings.ts";
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import { GroupCommit } from "../../../src/log/group_commit.ts";
import type { LogConfig } from "../../../src/log/log_config.ts";
import { LogManager } from "../../../src/log/log_manager.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { FileError, type Runtime } from "../../../src/runtime/runtime.ts";
import type { SimulatedDisk } from "../../../src/simulator/simulated_disk.ts";
import type { World } from "../world.ts";
import type { Ending, PartitionModel } from "./partition_model.ts";
import { readLog } from "./stored_batch.ts";

/** The machine. */
export const HOST = "store";
/** The data directory. */
export const DATA = "/data";
const NODE_ID = 1;
/** How bad an ending is: the worst since the last good start counts. */
const SEVERITY: readonly Ending[] = ["clean", "kill", "power"];

/** A partition with its model. */
export interface Place {
  readonly model: PartitionModel;
  readonly config: LogConfig;
  /** The open log; stale once the process is gone. */
  log: PartitionLog;
  /** It was cut: nothing is appended before that is on the disk. */
  isCut: boolean;
}

/** The data directory of one run. */
export class Store {
  readonly places: Place[] = [];
  /** What recovery reported at the last start, by log. */
  readonly reports: Map<string, number> = new Map();
  /** Serves those who wait for the disk together. */
  commits: GroupCommit<PartitionLog> = new GroupCommit();
  #manager: LogManager | null = null;
  #ending: Ending = "clean";
  #faultsBefore = 0;
  #failedSyncsBefore = 0;
  /** Counts processes: what one of them still says after its end does not count. */
  life = 0;
  /** Whether an orderly end is under way: who still waits for the disk may be told that it is too late. */
  isClosing = false;

  constructor(readonly world: World) {}

  /** The open directory. */
  get manager(): LogManager {
    return this.#manager!;
  }

  /** What the process that runs now is given. */
  get runtime(): Runtime {
    return this.world.runtime(HOST);
  }

  /** The machine's disk. */
  get disk(): SimulatedDisk {
    return this.world.simulation.disk(HOST);
  }

  /** Whether a fault has come to pass since the last start. */
  get hasFailed(): boolean {
    return this.disk.faultsStruck > this.#faultsBefore;
  }

  /** Opens the directory, as a broker does. Rejects with a `KafkaError` when that fails. */
  async open(): Promise<void> {
    this.#faultsBefore = this.disk.faultsStruck;
    this.#failedSyncsBefore = this.disk.failedSyncs;
    this.reports.clear();
    this.commits = new GroupCommit();
    const configs = new Map(this.places.map(({ model, config }) => [model.topic, config]));
    const manager = this.#manager = LogManager.open({
      runtime: this.runtime,
      directory: DATA,
      nodeId: NODE_ID,
      onRecovery: ({ name, logEndOffset, reason }) => {
        this.world.simulation.trace(`recovered ${name} to ${logEndOffset}: ${reason}`);
        this.reports.set(name, logEndOffset);
      },
      onLoss: (sentence) => this.world.simulation.trace(sentence),
    });
    await manager.flushDirectory();
    manager.openAll((topic) => configs.get(topic)!);
    await manager.flushMended();
  }

  /** Makes a partition, so that no loss of power takes it away again. */
  async create(model: PartitionModel, topicId: string, config: LogConfig): Promise<void> {
    const log = this.manager.create(model.topic, model.partition, topicId, config);
    this.places.push({ model, config, log, isCut: false });
    await this.manager.flush();
    await this.manager.flushDirectory();
  }

  /** Opens the directory, which must succeed, and compares every log with its model. */
  async openAndJudge(): Promise<void> {
    const { world } = this;
    const ending = this.#ending;
    try {
      await this.open();
    } catch (error) {
      world.fail(`the directory cannot be opened: ${textOf(error)}`);
      throw new Error("Given up");
    }
    for (const place of this.places) this.#judge(place, ending);
    this.#ending = "clean";
    if (world.failures.length > 0) throw new Error("Given up");
  }

  #judge(place: Place, ending: Ending): void {
    const { world } = this;
    const { model } = place;
    const log = this.manager.get(model.topic, model.partition);
    if (log === undefined) {
      const why = this.manager.failures.get(model.name)?.message ?? "it is not there";
      return world.fail(`${model.name} is not open after ${ending}: ${why}`);
    }
    place.log = log;
    place.isCut = false;
    const before = model.endOffset;
    const problem = attempt(() => {
      const found = readLog(log, world.random(`read ${model.name} ${before}`));
      return model.judge(found, ending);
    });
    if (problem !== null) world.fail(`${model.name} after ${ending}: ${problem}`);
    if (model.endOffset < before) world.count("records lost", before - model.endOffset);
    world.simulation.trace(
      `${model.name} has ${model.startOffset} to ${model.endOffset} after ${ending}`,
    );
  }

  /** Closes the directory in an orderly way. Whether it is known to be clean then. */
  async close(): Promise<void> {
    const failed = this.hasFailed || this.places.some(({ log }) => log.failure !== null);
    const marks = this.places.map(({ model }) => model.beginFlush());
    this.isClosing = true;
    try {
      await this.manager.close();
    } catch (error) {
      this.expectFault("the directory cannot be closed", error);
      return this.#end("kill");
    }
    if (failed || this.hasFailed) return this.#end("kill");
    for (const mark of marks) mark();
    for (const { model } of this.places) model.durableStart = model.startOffset;
    this.world.expectNothingHeld(HOST);
    this.#end("clean");
  }

  /** Nothing may be found to be wrong with the files, which an orderly end has left. */
  async lookOver(): Promise<void> {
    if (this.#ending !== "clean") return;
    const { damages } = await verifyDataDirectory(DATA, { runtime: this.runtime, deep: true });
    this.world.count("looked over");
    for (const damage of damages) {
      this.world.fail(`after an orderly end this is found: ${describeDamage(damage)}`);
    }
  }

  /** Ends the process as `kill -9` does. */
  kill(): void {
    this.#end("kill");
  }

  /** Cuts the power. */
  cutPower(): void {
    this.world.crash(HOST);
    this.#noteEnding("power");
  }

  /**
   * After a failed sync the machine goes down with the process: its page cache passes for clean what
   * the disk never got, and no process that starts over it could know.
   */
  #end(ending: Ending): void {
    if (this.disk.failedSyncs > this.#failedSyncsBefore) return this.cutPower();
    this.world.replaceProcess(HOST);
    this.#noteEnding(ending);
  }

  #noteEnding(ending: Ending): void {
    this.world.count(`${ending} ends`);
    this.#manager = null;
    this.life++;
    this.isClosing = false;
    this.disk.forgetFaults();
    this.disk.isFull = false;
    if (SEVERITY.indexOf(ending) > SEVERITY.indexOf(this.#ending)) this.#ending = ending;
    for (const { model } of this.places) model.forgetFlushes();
  }

  /** Fails unless `error` is a `KafkaError` that a fault explains. */
  expectFault(what: string, error: unknown): void {
    const isToldOf = error instanceof KafkaError || error instanceof FileError;
    if (isToldOf && this.hasFailed) {
      this.world.count("faults met");
      return;
    }
    this.world.fail(`${what}: ${textOf(error)}`);
  }
}

function attempt(run: () => string | null): string | null {
  try {
    return run();
  } catch (error) {
    return `reading it fails: ${textOf(error)}`;
  }
}

/** What `error` says. */
export function textOf(error: unknown): string {
  if (error instanceof KafkaError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
