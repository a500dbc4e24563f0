/**
 * The checkpoints of one data directory: recovery points, high watermarks, log start offsets and
 * cleaner offsets of its logs.
 *
 * @module
 */
import { CleanerCheckpoint } from "../compaction/cleaner_checkpoint.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { LogCheckpoints, PartitionLogOptions } from "../log_types.ts";
import { StartOffsets } from "./log_start_checkpoint.ts";
import { RecoveryPoints, type RecoveryPointsOptions } from "./recovery_point_checkpoint.ts";

/** What the checkpoints hold for a log that is about to be opened, and how it updates them. */
export type LogEntries = Pick<
  PartitionLogOptions,
  "logStartOffset" | "recoveryPoint" | "cleanedOffset" | "checkpoints"
>;

/** The checkpoints of one data directory. Methods throw a `FileError`. */
export class DirectoryCheckpoints {
  readonly recoveryPoints: RecoveryPoints;
  readonly #onLoss: (sentence: string) => void;
  readonly #starts: StartOffsets;
  readonly #cleaned: CleanerCheckpoint;
  /** Whether an entry of a log that is gone may still be on the disk, or an unclean start left one. */
  #isDirty: boolean;
  /** The number of logs removed, and how many of them the files on the disk no longer mention. */
  #removed = 0;
  #forgotten = 0;

  /** Creates them without their content: {@linkcode DirectoryCheckpoints.read} must be called first. */
  constructor(options: RecoveryPointsOptions) {
    this.#onLoss = options.onLoss;
    this.#isDirty = !options.wasShutDownCleanly;
    this.#starts = new StartOffsets(options);
    this.recoveryPoints = new RecoveryPoints(options);
    this.#cleaned = new CleanerCheckpoint(options.files, options.directory);
  }

  /**
   * Reads the files of a directory with the logs `names`. Throws KAFKA_STORAGE_ERROR for one that is
   * malformed after a clean shutdown.
   */
  *read(names: ReadonlySet<string>): Steps<void> {
    this.#starts.read(names);
    yield;
    yield* this.recoveryPoints.read(names);
    yield;
    this.#cleaned.read(names, this.#onLoss);
  }

  /** The entries of a log that is about to be opened or created. */
  entriesOf(name: string): LogEntries {
    this.recoveryPoints.prepareFor(name);
    const recoveryPoint = this.recoveryPoints.stored(name);
    return {
      logStartOffset: this.#starts.of(name),
      cleanedOffset: this.#cleaned.get(name),
      ...(recoveryPoint !== undefined && { recoveryPoint }),
      checkpoints: this.#writerFor(name),
    };
  }

  #writerFor(name: string): LogCheckpoints {
    return {
      saveLogStartOffset: () => unawaited(this.#starts.save()),
      saveRecoveryPoint: () => unawaited(this.recoveryPoints.save()),
      saveCleanedOffset: (offset) => this.#cleaned.set(name, offset),
    };
  }

  /**
   * Removes the log's entries. `move` gives its directory another name, or removes it: after its
   * cleaner offset, which must not apply to a new log of this name, and before its start offset, without
   * which deleted records would come back.
   */
  remove(name: string, move: () => void): void {
    this.#removed++;
    this.recoveryPoints.forget(name);
    this.#cleaned.remove(name);
    move();
    this.#starts.forget(name);
  }

  /** Resolves when the start offsets are durable as they are now. */
  async saveLogStartOffsets(): Promise<void> {
    await this.#starts.save();
  }

  /**
   * Resolves when no checkpoint on the disk mentions a log that is gone, and every checkpoint that a
   * start needs exists.
   */
  async flush(): Promise<void> {
    const removed = this.#removed;
    const mustForget = removed > this.#forgotten;
    if (!this.#isDirty && !mustForget) return;
    await this.recoveryPoints.save();
    await this.#cleaned.sync();
    if (mustForget) await this.#starts.save();
    else await this.#starts.establish();
    this.#isDirty = false;
    this.#forgotten = Math.max(this.#forgotten, removed);
  }
}

/** Returns `work`, whose rejection is not reported when no caller awaits it. */
function unawaited(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}
