/**
 * A checkpoint file with one offset for each log of a data directory, such as
 * `recovery-point-offset-checkpoint`. Each replacement is synced first, so a power failure leaves
 * either the old or the new content.
 *
 * @module
 */
import type { FileSystem } from "../../runtime/runtime.ts";
import { checkpointNumber, checkpointText, readCheckpoint } from "../checkpoint_format.ts";
import type { PendingWork } from "../pending_work.ts";
import { DurableFile, writeTextFile } from "../text_file.ts";

/** One checkpoint file. */
export class OffsetCheckpoint {
  /** The path of the file. */
  readonly path: string;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #temporary: DurableFile;
  readonly #pendingWork: PendingWork;
  /** The durable content of the file, as far as this process has written it, or null. */
  #durableText: string | null = null;
  /** Incremented by each immediate replacement, which makes a save in progress obsolete. */
  #replacements = 0;
  #saving: Promise<void> = Promise.resolve();
  /** Whether `#saving` still looks at `#isWanted` before it resolves. */
  #isSaving = false;
  #isWanted = false;

  /** Creates the checkpoint `name` in `directory`. Its writes are tracked by `pendingWork`. */
  constructor(files: FileSystem, directory: string, name: string, pendingWork: PendingWork) {
    this.#files = files;
    this.#directory = directory;
    this.path = `${directory}/${name}`;
    this.#temporary = new DurableFile(files, `${this.path}.tmp`);
    this.#pendingWork = pendingWork;
  }

  /**
   * Returns the offsets by log name, such as `events-0`, or null if the file is missing or empty.
   * Throws KAFKA_STORAGE_ERROR if it is malformed, and a `FileError`.
   */
  read(): Map<string, number> | null {
    const entries = readCheckpoint(this.#files, this.path, 3);
    return entries && new Map(entries.map(([topic, partition, offset]) => [
      `${topic}-${checkpointNumber(this.path, partition)}`,
      checkpointNumber(this.path, offset),
    ]));
  }

  /** Replaces the file at once, without a sync. Throws a `FileError`. */
  replace(offsets: ReadonlyMap<string, number>): void {
    this.#replacements++;
    this.#durableText = null;
    this.#temporary.closeFile();
    writeTextFile(this.#files, this.#temporary.path, textOf(offsets));
    this.#files.rename(this.#temporary.path, this.path);
  }

  /**
   * Resolves when the file durably holds the offsets that `offsets` returned after this call. Calls
   * during a write share the next write. Rejects with a `FileError`.
   */
  save(offsets: () => ReadonlyMap<string, number>): Promise<void> {
    this.#isWanted = true;
    if (!this.#isSaving) {
      this.#isSaving = true;
      this.#saving = this.#pendingWork.track(this.#save(offsets));
    }
    return this.#saving;
  }

  async #save(offsets: () => ReadonlyMap<string, number>): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#write(textOf(offsets()));
      }
    } finally {
      // In the same turn as the last look at `#isWanted`: no call can come in between and be lost.
      this.#isSaving = false;
    }
  }

  async #write(text: string): Promise<void> {
    if (text === this.#durableText) return;
    const replacements = this.#replacements;
    this.#temporary.closeFile();
    writeTextFile(this.#files, this.#temporary.path, text);
    this.#temporary.isDirty = true;
    await this.#temporary.sync();
    if (replacements !== this.#replacements) {
      this.#isWanted = true;
      return;
    }
    this.#files.rename(this.#temporary.path, this.path);
    await this.#files.syncDirectory(this.#directory);
    if (replacements === this.#replacements) this.#durableText = text;
  }
}

function textOf(offsets: ReadonlyMap<string, number>): string {
  return checkpointText(Array.from(offsets, ([name, offset]) => {
    const dash = name.lastIndexOf("-");
    return [name.slice(0, dash), name.slice(dash + 1), offset];
  }));
}
