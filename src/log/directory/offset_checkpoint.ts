/**
 * A checkpoint of one offset for each log of a data directory, such as
 * `recovery-point-offset-checkpoint`: written by the way, so that a loss of power leaves the old file
 * or the new one, whole.
 *
 * @module
 */
import type { FileSystem } from "../../runtime/runtime.ts";
import { checkpointNumber, checkpointText, readCheckpoint } from "../checkpoint_format.ts";
import type { PendingWork } from "../pending_work.ts";
import { DurableFile, writeTextFile } from "../text_file.ts";

/** One such file. */
export class OffsetCheckpoint {
  /** Where it is. */
  readonly path: string;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #temporary: DurableFile;
  readonly #pendingWork: PendingWork;
  /** What the file holds on the disk, as far as this process has brought it there. */
  #durableText: string | null = null;
  /** Grows when the file is replaced at once: what is on its way then is out of date. */
  #replacements = 0;
  #saving: Promise<void> | null = null;
  #isWanted = false;

  /** The file `name` of `directory`. Writes of it count as `pendingWork`. */
  constructor(files: FileSystem, directory: string, name: string, pendingWork: PendingWork) {
    this.#files = files;
    this.#directory = directory;
    this.path = `${directory}/${name}`;
    this.#temporary = new DurableFile(files, `${this.path}.tmp`);
    this.#pendingWork = pendingWork;
  }

  /**
   * The offsets by the logs' names, such as `events-0`; null when there is no file or an empty one.
   * Throws KAFKA_STORAGE_ERROR for a malformed one, and a `FileError`.
   */
  read(): Map<string, number> | null {
    const entries = readCheckpoint(this.#files, this.path, 3);
    return entries && new Map(entries.map(([topic, partition, offset]) => [
      `${topic}-${checkpointNumber(this.path, partition)}`,
      checkpointNumber(this.path, offset),
    ]));
  }

  /** Replaces the file at once, which reaches the disk some time later. Throws a `FileError`. */
  replace(offsets: ReadonlyMap<string, number>): void {
    this.#replacements++;
    this.#durableText = null;
    this.#temporary.closeFile();
    writeTextFile(this.#files, this.#temporary.path, textOf(offsets));
    this.#files.rename(this.#temporary.path, this.path);
  }

  /**
   * Resolves when the file holds what `offsets` returned after this call, or later, and is on the
   * disk. Those who call while it is being written share the next time. Rejects with a `FileError`.
   */
  save(offsets: () => ReadonlyMap<string, number>): Promise<void> {
    this.#isWanted = true;
    return this.#saving ??= this.#pendingWork.track(
      this.#save(offsets).finally(() => this.#saving = null),
    );
  }

  async #save(offsets: () => ReadonlyMap<string, number>): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      const text = textOf(offsets());
      if (text === this.#durableText) continue;
      const replacements = this.#replacements;
      this.#temporary.closeFile();
      writeTextFile(this.#files, this.#temporary.path, text);
      this.#temporary.isDirty = true;
      await this.#temporary.sync();
      if (replacements !== this.#replacements) {
        this.#isWanted = true;
        continue;
      }
      this.#files.rename(this.#temporary.path, this.path);
      await this.#files.syncDirectory(this.#directory);
      if (replacements === this.#replacements) this.#durableText = text;
    }
  }
}

function textOf(offsets: ReadonlyMap<string, number>): string {
  return checkpointText(Array.from(offsets, ([name, offset]) => {
    const dash = name.lastIndexOf("-");
    return [name.slice(0, dash), name.slice(dash + 1), offset];
  }));
}
