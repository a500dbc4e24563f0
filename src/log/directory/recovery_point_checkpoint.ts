/**
 * The stored recovery points and high watermarks of the logs in a data directory: the offset up to
 * which each log was durable, and up to which all in-sync replicas had it.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { OffsetCheckpoint } from "./offset_checkpoint.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { StartOffsetsOptions } from "./log_start_checkpoint.ts";
import { baseOffsetOf } from "../segments/segment.ts";

/** The name of the file with the recovery points. */
export const RECOVERY_POINTS = "recovery-point-offset-checkpoint";
const HIGH_WATERMARKS = "replication-offset-checkpoint";

/** The dependencies of {@linkcode RecoveryPoints}. */
export interface RecoveryPointsOptions extends StartOffsetsOptions {
  /**
   * Returns the high watermark of a log, or null if it is unknown, so that the stored one is kept.
   * Defaults to null.
   */
  readonly highWatermarkOf?: (log: PartitionLog) => number | null;
}

/** The two checkpoints of one data directory. */
export class RecoveryPoints {
  /** Whether the file with the recovery points was missing when the logs were opened. */
  wasMissing = false;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #logs: ReadonlyMap<string, PartitionLog>;
  readonly #recoveryPoints: OffsetCheckpoint;
  readonly #highWatermarks: OffsetCheckpoint;
  readonly #onLoss: (sentence: string) => void;
  readonly #highWatermarkOf: (log: PartitionLog) => number | null;
  readonly #wasShutDownCleanly: boolean;
  /** The stored recovery points of logs that are not open, or null if the file was missing. */
  #storedRecoveryPoints: Map<string, number> | null = null;
  #storedHighWatermarks = new Map<string, number>();
  /** Deleted logs of which the file may still have an entry. */
  readonly #obsolete = new Set<string>();

  /** Creates them without their content: {@linkcode RecoveryPoints.read} must be called first. */
  constructor(options: RecoveryPointsOptions) {
    const { files, directory, logs, wasShutDownCleanly, onLoss, pendingWork } = options;
    this.#wasShutDownCleanly = wasShutDownCleanly;
    this.#highWatermarkOf = options.highWatermarkOf ?? (() => null);
    this.#files = files;
    this.#directory = directory;
    this.#logs = logs;
    this.#onLoss = onLoss;
    this.#recoveryPoints = new OffsetCheckpoint(
      files,
      directory,
      RECOVERY_POINTS,
      pendingWork,
    );
    this.#highWatermarks = new OffsetCheckpoint(
      files,
      directory,
      HIGH_WATERMARKS,
      pendingWork,
    );
  }

  /** Reads the checkpoints of a directory with the logs `names`. Entries of others are ignored. */
  *read(names: ReadonlySet<string>): Steps<void> {
    const isNew = !this.#wasShutDownCleanly && names.size === 0;
    this.#storedRecoveryPoints = this.#read(this.#recoveryPoints, names) ??
      (isNew ? new Map() : null);
    yield;
    this.#storedHighWatermarks = this.#read(this.#highWatermarks, names) ?? new Map();
    if (isNew) this.#recoveryPoints.replace(new Map());
  }

  /**
   * Returns the stored recovery point of a log that is not open, 0 without an entry, or undefined
   * without a file.
   */
  stored(name: string): number | undefined {
    return this.#storedRecoveryPoints === null
      ? undefined
      : this.#storedRecoveryPoints.get(name) ?? 0;
  }

  /** Returns the stored high watermark of a log, or -1. */
  storedHighWatermark(name: string): number {
    return this.#storedHighWatermarks.get(name) ?? -1;
  }

  /**
   * Must be called when every log of the directory has been opened, except for those in `damaged`.
   * If the file was missing, it is written now: it must exist before a power failure, or the next
   * start would not know which part of each log may be torn.
   */
  markComplete(damaged: Iterable<string>): void {
    if (this.#storedRecoveryPoints !== null) return;
    // The next start must not truncate a log that was rejected as damaged.
    const assumed = [...damaged].map((name) => [name, this.#assumedDurable(name)] as const);
    this.#storedRecoveryPoints = new Map(assumed);
    this.wasMissing = true;
    this.saveLater();
  }

  /**
   * Returns the offset up to which a log without a recovery point counts as durable when it is
   * opened.
   */
  #assumedDurable(name: string): number {
    const directory = `${this.#directory}/${name}`;
    try {
      const offsets = this.#files.list(directory).map((entry) => baseOffsetOf(entry.name));
      return Math.max(0, ...offsets);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return 0;
    }
  }

  /**
   * Removes a deleted log. The file is written later: a start ignores entries of logs that do not
   * exist. See {@linkcode RecoveryPoints.prepareFor}.
   */
  forget(name: string): void {
    this.#storedHighWatermarks.delete(name);
    if (this.#storedRecoveryPoints?.delete(name)) this.#obsolete.add(name);
  }

  /** Makes sure that no entry in the file is of an earlier log `name`. Throws a `FileError`. */
  prepareFor(name: string): void {
    if (!this.#obsolete.has(name)) return;
    this.#recoveryPoints.replace(this.#current());
    this.#obsolete.clear();
  }

  /** Resolves when both files are durable. Rejects with a `FileError`. */
  async save(): Promise<void> {
    // A file with only some of the logs would mean that nothing of the others is durable.
    if (this.#storedRecoveryPoints === null) return;
    const obsolete = [...this.#obsolete];
    await this.#recoveryPoints.save(() => this.#current());
    for (const name of obsolete) this.#obsolete.delete(name);
    await this.#highWatermarks.save(() => this.#currentHighWatermarks());
  }

  /** Like {@linkcode RecoveryPoints.save}, for a caller that does not wait. */
  saveLater(): void {
    this.save().catch((error) => {
      if (!(error instanceof FileError)) throw error;
    });
  }

  #current(): Map<string, number> {
    const stored = this.#storedRecoveryPoints!;
    for (const log of this.#logs.values()) stored.set(log.name, log.recoveryPoint);
    return stored;
  }

  #currentHighWatermarks(): Map<string, number> {
    for (const log of this.#logs.values()) {
      const highWatermark = this.#highWatermarkOf(log);
      if (highWatermark !== null) this.#storedHighWatermarks.set(log.name, highWatermark);
    }
    return this.#storedHighWatermarks;
  }

  #read(checkpoint: OffsetCheckpoint, names: ReadonlySet<string>): Map<string, number> | null {
    try {
      const found = checkpoint.read();
      // A power failure has emptied the file: nothing is known to be durable.
      if (found === null) return this.#files.exists(checkpoint.path) ? new Map() : null;
      // Entries of deleted logs must not apply to new logs of the same names.
      for (const name of found.keys()) if (!names.has(name)) found.delete(name);
      return found;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onLoss(`Went on without ${checkpoint.path}: ${error.message}`);
      return new Map();
    }
  }
}
