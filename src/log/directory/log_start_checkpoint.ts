/**
 * Where the logs of a data directory begin: `log-start-offset-checkpoint`. It is brought to the disk
 * before it takes the place of the old one, so that no loss of power takes both; who must not be told
 * too early waits for {@linkcode StartOffsets.save}.
 *
 * Unlike Apache Kafka's it names every log that does not begin at 0, not only those that begin behind
 * the first offset of their files: a file whose removal was lost does not bring its records back then.
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

/** What {@linkcode StartOffsets} is made of. */
export interface StartOffsetsOptions {
  readonly files: FileSystem;
  /** The data directory. */
  readonly directory: string;
  /** Its open logs, by name. */
  readonly logs: ReadonlyMap<string, PartitionLog>;
  /** The names of all its logs. */
  readonly names: readonly string[];
  readonly wasShutDownCleanly: boolean;
  /** Is told of a file that had to be done without. */
  readonly onLoss: (sentence: string) => void;
  /** Tracks writes of the checkpoint. */
  readonly pendingWork: PendingWork;
}

/** The log start offsets of one data directory. */
export class StartOffsets {
  readonly #options: StartOffsetsOptions;
  readonly #checkpoint: OffsetCheckpoint;
  /** Of logs that are not open, as they were found. */
  readonly #stored: Map<string, number>;
  /** Whether the checkpoint was there and spoke of logs that exist. */
  readonly #hasAll: boolean;
  /** Whether the checkpoint spoke of logs that do not exist. */
  readonly #speaksOfOthers: boolean;
  /** Whether nothing was in the directory before. */
  readonly #isNew: boolean;

  /**
   * Reads the checkpoint. Throws KAFKA_STORAGE_ERROR for one that is malformed after an orderly end,
   * and a `FileError`.
   */
  constructor(options: StartOffsetsOptions) {
    this.#options = options;
    const { files, directory, pendingWork } = options;
    this.#checkpoint = new OffsetCheckpoint(files, directory, LOG_START_OFFSETS, pendingWork);
    const found = this.#read();
    const names = new Set(options.names);
    this.#isNew = found === null && options.names.length === 0;
    this.#speaksOfOthers = found !== null && [...found.keys()].some((name) => !names.has(name));
    this.#hasAll = found !== null && !this.#speaksOfOthers;
    this.#stored = new Map([...found ?? []].filter(([name]) => names.has(name)));
  }

  /**
   * A loss of power may have taken the file, or an older release torn it: then logs begin where their
   * leader epochs do.
   */
  #read(): Map<string, number> | null {
    try {
      return this.#checkpoint.read();
    } catch (error) {
      if (this.#options.wasShutDownCleanly || !(error instanceof KafkaError)) throw error;
      this.#options.onLoss(
        `Went on without ${this.#checkpoint.path}, logs begin where their leader epochs do: ` +
          error.message,
      );
      return null;
    }
  }

  /** Where a log that is about to be opened begins: as it was written down, else where its files do. */
  of(name: string): number {
    const stored = this.#stored.get(name);
    if (stored !== undefined) return stored;
    if (this.#hasAll || this.#isNew) return 0;
    // Whoever deletes records lets the first leader epoch begin where the log does.
    const path = `${this.#options.directory}/${name}/${LEADER_EPOCH_CHECKPOINT}`;
    try {
      const [first] = readCheckpoint(this.#options.files, path, 2) ?? [];
      return first === undefined ? 0 : checkpointNumber(path, first[1]);
    } catch (error) {
      // The log is opened next and says what is wrong.
      if (error instanceof KafkaError || error instanceof FileError) return 0;
      throw error;
    }
  }

  /** The log is gone for good. */
  forget(name: string): void {
    if (this.#stored.delete(name)) this.save().catch(() => {});
  }

  /**
   * Makes the file of a new directory, so that it says of each log to come where it begins, and where
   * the file speaks of logs that are gone, has it do so no more: others may be made under their names.
   */
  async establish(): Promise<void> {
    if (this.#isNew || this.#speaksOfOthers) await this.save();
  }

  /** Resolves when the file on the disk has what holds now. Rejects with a `FileError`. */
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
