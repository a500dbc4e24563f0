/**
 * `cleaner-offset-checkpoint`: the offset up to which each log of a data directory has been
 * compacted, in Apache Kafka's format. Without the file, logs are compacted from their start again;
 * no records are lost.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { checkpointNumber, readCheckpoint, writeCheckpoint } from "../checkpoint_format.ts";
import { DurableFile } from "../text_file.ts";

/** The file name. */
export const CLEANER_OFFSETS = "cleaner-offset-checkpoint";

/** The checkpoint of one data directory. */
export class CleanerCheckpoint {
  readonly #files: FileSystem;
  readonly #path: string;
  #offsets = new Map<string, number>();
  readonly #file: DurableFile;

  /** Creates it without its content: {@linkcode CleanerCheckpoint.read} must be called first. */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#path = `${directory}/${CLEANER_OFFSETS}`;
    this.#file = new DurableFile(files, this.#path);
  }

  /**
   * Reads the file, and removes all logs from it except `names`, since a deleted log may be created
   * again. If it cannot be used, `onLoss` is called with a sentence that says why. Throws a `FileError`.
   */
  read(names: ReadonlySet<string>, onLoss: (sentence: string) => void): void {
    this.#offsets = this.#read(onLoss);
    const gone = [...this.#offsets.keys()].filter((name) => !names.has(name));
    for (const name of gone) this.#offsets.delete(name);
    if (gone.length > 0) this.#write();
  }

  /** Returns the offset up to which the log, such as `events-0`, has been compacted, or 0. */
  get(name: string): number {
    return this.#offsets.get(name) ?? 0;
  }

  /** Records that the log has been compacted up to `offset`. Throws a `FileError`. */
  set(name: string, offset: number): void {
    this.#offsets.set(name, offset);
    this.#write();
  }

  /** Removes a log, since another log of the same name must start at 0. Throws a `FileError`. */
  remove(name: string): void {
    if (this.#offsets.delete(name)) this.#write();
  }

  /** Resolves when the current content is durable. Rejects with a `FileError`. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  #read(onLoss: (sentence: string) => void): Map<string, number> {
    const path = this.#path;
    const offsets = new Map<string, number>();
    try {
      for (const [topic, partition, offset] of readCheckpoint(this.#files, path, 3) ?? []) {
        const name = `${topic}-${checkpointNumber(path, partition)}`;
        offsets.set(name, checkpointNumber(path, offset));
      }
      return offsets;
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof FileError)) throw error;
      onLoss(`Went on without ${path}, logs are compacted from their beginning: ${error.message}`);
      // It was torn by a power failure. Remove it, so that the next start does not report it again.
      if (error instanceof KafkaError) this.#files.remove(path);
      return new Map();
    }
  }

  #write(): void {
    const entries = [...this.#offsets].map(([name, offset]) => {
      const dash = name.lastIndexOf("-");
      return [name.slice(0, dash), name.slice(dash + 1), offset];
    });
    this.#file.closeFile();
    writeCheckpoint(this.#files, this.#path, entries);
    this.#file.isDirty = true;
  }
}
