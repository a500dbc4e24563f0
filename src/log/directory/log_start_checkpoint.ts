/**
 * The log start offsets of a data directory: `log-start-offset-checkpoint`. A new version is synced
 * before it replaces the old one, so that a power failure never loses both. {@linkcode
 * StartOffsets.save} resolves once a change is durable.
 *
 * Unlike Apache Kafka's, it contains every log that does not start at 0, not only those that start
 * after the first offset of their files. So a file whose removal was lost in a power failure does
 * not restore deleted records.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { checkpointNumber, readCheckpoint } from "../checkpoint_format.ts";
import { LEADER_EPOCH_CHECKPOINT } from "../leader_epochs.ts";
import { OffsetCheckpoint } from "./offset_checkpoint.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { PendingWork } from "../pending_work.ts";

/** The name of the file at the root of a data directory. */
export const LOG_START_OFFSETS = "log-start-offset-checkpoint";

/** The options of {@linkcode StartOffsets}. */
export interface StartOffsetsOptions {
  readonly files: FileSystem;
  /** The data directory. */
  readonly directory: string;
  /** Its open logs, by name. */
  readonly logs: ReadonlyMap<string, PartitionLog>;
  readonly wasShutDownCleanly: boolean;
  /** Called with a sentence if an unreadable file is ignored. */
  readonly onLoss: (sentence: string) => void;
  /** Tracks writes of the checkpoint. */
  readonly pendingWork: PendingWork;
}

/** The log start offsets of one data directory. */
export class StartOffsets {
  readonly #options: StartOffsetsOptions;
  readonly #checkpoint: OffsetCheckpoint;
  /** The offsets from the file, for logs that are not open. */
  #stored = new Map<string, number>();
  /** Whether the checkpoint existed and contained logs that exist. */
  #hasAll = false;
  /** Whether the checkpoint contained logs that do not exist. */
  #hasOthers = false;
  /** Whether the directory was empty before. */
  #isNew = false;

  /** Creates them without their content: {@linkcode StartOffsets.read} must be called first. */
  constructor(options: StartOffsetsOptions) {
    this.#options = options;
    const { files, directory, pendingWork } = options;
    this.#checkpoint = new OffsetCheckpoint(files, directory, LOG_START_OFFSETS, pendingWork);
  }

  /**
   * Reads the checkpoint of a directory with the logs `names`. Throws KAFKA_STORAGE_ERROR if it is
   * malformed after a clean shutdown, and a `FileError`.
   */
  read(names: ReadonlySet<string>): void {
    const found = this.#read();
    this.#isNew = found === null && names.size === 0;
    this.#hasOthers = found !== null && [...found.keys()].some((name) => !names.has(name));
    this.#hasAll = found !== null && !this.#hasOthers;
    this.#stored = new Map([...found ?? []].filter(([name]) => names.has(name)));
  }

  /**
   * A power failure may have lost the file, or an older release may have torn it. Logs then start
   * where their leader epochs do.
   */
  #read(): Map<string, number> | null {
    try {
      return this.#checkpoint.read();
    } catch (error) {
      if (this.#options.wasShutDownCleanly || !(error instanceof KafkaError)) throw error;
      this.#options.onLoss(
        `Went on without ${this.#checkpoint.path}, logs start where their leader epochs do: ` +
          error.message,
      );
      return null;
    }
  }

  /** Returns the start offset of a log to be opened: the stored one, or else that of its files. */
  of(name: string): number {
    const stored = this.#stored.get(name);
    if (stored !== undefined) return stored;
    if (this.#hasAll || this.#isNew) return 0;
    // Deleting records also updates the first leader epoch.
    const path = `${this.#options.directory}/${name}/${LEADER_EPOCH_CHECKPOINT}`;
    try {
      const [first] = readCheckpoint(this.#options.files, path, 2) ?? [];
      return first === undefined ? 0 : checkpointNumber(path, first[1]);
    } catch (error) {
      // Opening the log reports the error.
      if (error instanceof KafkaError || error instanceof FileError) return 0;
      throw error;
    }
  }

  /** Removes a deleted log. */
  forget(name: string): void {
    if (this.#stored.delete(name)) this.save().catch(() => {});
  }

  /**
   * Creates the file of a new directory, so that it covers all later logs, and removes entries of
   * logs that do not exist, since new logs may be created under their names.
   */
  async establish(): Promise<void> {
    if (this.#isNew || this.#hasOthers) await this.save();
  }

  /** Resolves when the current offsets are durable. Rejects with a `FileError`. */
  save(): Promise<void> {
    return this.#checkpoint.save(() => this.#current());
  }

  #current(): Map<string, number> {
    for (const { name, logStartOffset } of this.#options.logs.values()) {
      if (logStartOffset > 0) this.#stored.set(name, logStartOffset);
      else this.#stored.delete(name);
    }
    return this.#stored;
  }
}
