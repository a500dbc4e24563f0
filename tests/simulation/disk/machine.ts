/**
 * The machine of the disk scenarios: processes that start and end on it, in an orderly way, by a kill or
 * by a power failure, the faults of its disk, and the partitions on it, each compared with its model when
 * it is opened again.
 *
 * @module
 */
import { GroupCommit } from "../../../src/replication/group_commit.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { FileError, isDescriptorShortage, type Runtime } from "../../../src/runtime/runtime.ts";
import type { SimulatedDisk } from "../../../src/simulator/simulated_disk.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { World } from "../world.ts";
import type { Ending, PartitionModel } from "./models/partition_model.ts";
import { readLog } from "./models/stored_batch.ts";
import { judgeTransactions } from "./models/transaction_checks.ts";

/** The machine. */
export const HOST = "store";
/** The node that runs on it. */
export const NODE_ID = 1;
/** With at least this many files, closing unused ones always frees a descriptor. */
const ENOUGH_FILES = 14;
/** Endings in order of severity: the worst since the last good start counts. */
const SEVERITY: readonly Ending[] = ["clean", "kill", "power"];

/** Settings under which a small log has many segments, and loses old ones. */
export function drawLogConfig(random: Xoshiro128, isCompacted: boolean): LogConfig {
  return {
    ...DEFAULT_LOG_CONFIG,
    segmentBytes: 400 + random.below(random.oneIn(2) ? 1_200 : 12_000),
    indexIntervalBytes: 1 + random.below(400),
    fileDeleteDelayMs: random.below(2) * 3_000,
    retentionMs: 2_000 + random.below(20_000),
    retentionBytes: random.oneIn(2) ? -1 : 2_000 + random.below(4_000),
    deleteRetentionMs: random.below(random.oneIn(2) ? 4_000 : 600_000),
    compact: isCompacted,
    delete: !isCompacted,
  };
}

/** A partition with its model. */
export interface Place {
  readonly model: PartitionModel;
  readonly config: LogConfig;
  /** The open log; stale once the process is gone. */
  log: PartitionLog;
  /** A truncation that has not succeeded, until which nothing can be appended. */
  truncation?: { readonly offset: number; readonly end: () => void };
  /** Whether it was deleted: pending operations may fail because of that. */
  isGone?: boolean;
  /** The worst ending since it was last compared with its model. */
  ending: Ending;
}

/** Whether nothing may be appended to the partition before a flush: an earlier process may have truncated it. */
export function mustBeFlushed({ log }: Place): boolean {
  return log.failure === null && log.mustFlushFirst;
}

/** A machine with a disk, and the partitions on it. */
export abstract class Machine<P extends Place = Place> {
  readonly places: P[] = [];
  /** Shares one sync among all waiting callers. */
  commits: GroupCommit<PartitionLog> = new GroupCommit();
  /** Counts processes: errors of an earlier one do not count. */
  life = 0;
  /** Whether an orderly end is in progress: pending commits may fail because of that. */
  isClosing = false;
  #faultsBefore = 0;
  #failedSyncsBefore = 0;

  constructor(readonly world: World) {}

  /** The runtime of the current process. */
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

  /** Whether a fault may have come to pass that concerns `place`, or any place. */
  mayHaveFailed(_place?: P): boolean {
    return this.hasFailed;
  }

  /** Whether `error` is the want of a descriptor, under a limit with which files in use take them all. */
  mayLackDescriptors(error: unknown): boolean {
    return isDescriptorShortage(error) && this.disk.maxOpenFiles < ENOUGH_FILES;
  }

  /** Starts counting faults, without pending commits. */
  protected beginLife(): void {
    this.#faultsBefore = this.disk.faultsStruck;
    this.#failedSyncsBefore = this.disk.failedSyncs;
    this.commits = new GroupCommit();
  }

  /** Compares the open log of `place` with its model. `why` explains a log that is not open. */
  protected judge(place: P, log: PartitionLog | undefined, why: () => string): void {
    const { world } = this;
    const { model, ending } = place;
    if (log === undefined) return world.fail(`${model.name} is not open after ${ending}: ${why()}`);
    place.log = log;
    delete place.truncation;
    place.ending = "clean";
    const before = model.endOffset;
    const random = world.random(`read ${model.name} ${before}`);
    const problem = attempt(() =>
      model.judge(readLog(log, random), ending) ?? judgeTransactions(log, model, random)
    );
    if (problem !== null) world.fail(`${model.name} after ${ending}: ${problem}`);
    if (model.endOffset < before) world.count("records lost", before - model.endOffset);
    world.simulation.trace(
      `${model.name} has ${model.startOffset} to ${model.endOffset} after ${ending}`,
    );
  }

  /** Truncates open logs together. */
  abstract truncateAll(
    offsets: ReadonlyMap<PartitionLog, number>,
  ): Promise<ReadonlyMap<PartitionLog, KafkaError>>;

  /** Ends the process as `kill -9` does. */
  kill(): void {
    this.end("kill", () => "kill");
  }

  /** Cuts the power. */
  cutPower(): void {
    this.world.crash(HOST);
    this.noteEnding("power", () => "power");
  }

  /**
   * The process has ended, `endingOf` each place. After a failed sync the machine goes down with it:
   * its page cache passes for clean what the disk never got, and no process that starts over it could
   * know.
   */
  protected end(ending: Ending, endingOf: (place: P) => Ending): void {
    if (this.disk.failedSyncs > this.#failedSyncsBefore) return this.cutPower();
    this.world.replaceProcess(HOST);
    this.noteEnding(ending, endingOf);
  }

  /** Called at each end. */
  protected noteEnding(ending: Ending, endingOf: (place: P) => Ending): void {
    this.world.count(`${ending} ends`);
    this.life++;
    this.isClosing = false;
    this.disk.forgetFaults();
    this.disk.isFull = false;
    for (const place of this.places) {
      const next = endingOf(place);
      if (SEVERITY.indexOf(next) > SEVERITY.indexOf(place.ending)) place.ending = next;
      place.model.forgetFlushes();
    }
  }

  /** Fails unless `error` is a `KafkaError` that a fault explains, one that concerns `place` if given. */
  expectFault(what: string, error: unknown, place?: P): void {
    const isToldOf = error instanceof KafkaError || error instanceof FileError;
    if (isToldOf && this.mayLackDescriptors(error)) {
      this.world.count("operations without a descriptor");
      const failure = place?.log.failure ?? null;
      if (failure === null || this.mayHaveFailed(place)) return;
    }
    if (isToldOf && this.mayHaveFailed(place)) {
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

/** Returns the text of `error`. */
export function textOf(error: unknown): string {
  if (error instanceof KafkaError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
