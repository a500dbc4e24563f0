/**
 * What a data directory knows of its logs' recovery points and high watermarks: up to where each log
 * was on the disk, and up to where all replicas in sync had it, when that was last written down.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { OffsetCheckpoint } from "./offset_checkpoint.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { StartOffsetsOptions } from "./log_start_checkpoint.ts";
import { baseOffsetOf } from "../segments/segment.ts";

/** The name of the file with the recovery points. */
export const RECOVERY_POINTS = "recovery-point-offset-checkpoint";
const HIGH_WATERMARKS = "replication-offset-checkpoint";

/** What {@linkcode RecoveryPoints} works on. */
export interface RecoveryPointsOptions extends StartOffsetsOptions {
  /**
   * Returns the high watermark of a log, or null where it is unknown: its stored one stays then.
   * Defaults to null for each.
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
  /** Of logs that are not open; null where the file is missing, so that nothing is known. */
  #storedRecoveryPoints: Map<string, number> | null;
  readonly #storedHighWatermarks: Map<string, number>;

  /** Reads the checkpoints. Entries of logs that are not among `names` are ignored. */
  constructor(options: RecoveryPointsOptions) {
    const { files, directory, logs, names, wasShutDownCleanly, onLoss, pendingWork } = options;
    const isNew = !wasShutDownCleanly && names.length === 0;
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
    this.#storedRecoveryPoints = this.#read(this.#recoveryPoints, names) ??
      (isNew ? new Map() : null);
    this.#storedHighWatermarks = this.#read(this.#highWatermarks, names) ?? new Map();
    if (isNew) this.#recoveryPoints.replace(new Map());
  }

  /** What was written down for a log that is not open yet: 0 for nothing, undefined without a file. */
  stored(name: string): number | undefined {
    return this.#storedRecoveryPoints === null
      ? undefined
      : this.#storedRecoveryPoints.get(name) ?? 0;
  }

  /** The high watermark that was written down for a log, or -1. */
  storedHighWatermark(name: string): number {
    return this.#storedHighWatermarks.get(name) ?? -1;
  }

  /**
   * Every log of the directory has been opened, but for those named `damaged`. Where the file was
   * missing it is written now: it must not be missing when the power fails, since no later start would
   * know how far each log may be torn then.
   */
  know(damaged: Iterable<string>): void {
    if (this.#storedRecoveryPoints !== null) return;
    // What was refused once must not be cut by the next start.
    const assumed = [...damaged].map((name) => [name, this.#assumedDurable(name)] as const);
    this.#storedRecoveryPoints = new Map(assumed);
    this.wasMissing = true;
    this.saveLater();
  }

  /** Up to where a log without a recovery point counts as durable when it is opened. */
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

  /** The log is gone for good. */
  forget(name: string): void {
    this.#storedHighWatermarks.delete(name);
    if (this.#storedRecoveryPoints?.delete(name)) this.#recoveryPoints.replace(this.#current());
  }

  /** Resolves when both are written down, on the disk. Rejects with a `FileError`. */
  async save(): Promise<void> {
    // With a part of the logs only, the file would say of the others that nothing is on the disk.
    if (this.#storedRecoveryPoints === null) return;
    await this.#recoveryPoints.save(() => this.#current());
    await this.#highWatermarks.save(() => this.#currentHighWatermarks());
  }

  /** As {@linkcode RecoveryPoints.save}, for a caller that does not wait. */
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

  #read(checkpoint: OffsetCheckpoint, names: readonly string[]): Map<string, number> | null {
    try {
      const found = checkpoint.read();
      // A loss of power has taken what a file that is there and empty held: nothing is known to be safe.
      if (found === null) return this.#files.exists(checkpoint.path) ? new Map() : null;
      const known = new Set(names);
      // Of a log that is gone nothing is true of one that is made anew.
      return new Map([...found].filter(([name]) => known.has(name)));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onLoss(`Went on without ${checkpoint.path}: ${error.message}`);
      return new Map();
    }
  }
}
