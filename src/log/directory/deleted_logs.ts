/**
 * Logs whose topics were deleted: their directories have been renamed and are kept for
 * `file.delete.delay.ms`, and for as long as a response carries records of them.
 *
 * @module
 */
import type { DirectoryFiles } from "./directory_files.ts";
import { deletedName, isDeletedName } from "./directory_names.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { Pause } from "../../protocol/records/compression/steps.ts";
import { type DirectoryEntry, FileError, type Runtime } from "../../runtime/runtime.ts";

interface DeletedLog {
  readonly log: PartitionLog;
  readonly dueMs: number;
}

/** The deleted logs of one data directory. */
export class DeletedLogs {
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  readonly #files: DirectoryFiles;
  readonly #directory: string;
  readonly #waiting = new Set<DeletedLog>();
  /** Directories that are removed one after the other. */
  readonly #due = new Set<string>();
  #isRemoving = false;

  /**
   * Finds what an earlier process has deleted among `entries` of the data directory at `directory`:
   * {@linkcode DeletedLogs.removeDue} removes it.
   */
  constructor(
    runtime: Pick<Runtime, "clock" | "random">,
    files: DirectoryFiles,
    directory: string,
    entries: readonly DirectoryEntry[],
  ) {
    this.#runtime = runtime;
    this.#files = files;
    this.#directory = directory;
    for (const { name, isDirectory } of entries) {
      if (isDirectory && isDeletedName(name)) this.#due.add(`${directory}/${name}`);
    }
  }

  /**
   * Renames the directory of the log `name`, which is removed after `file.delete.delay.ms`. The directory
   * of a log that is not open is removed at once. Throws a `FileError`.
   */
  add(name: string, log: PartitionLog | undefined): void {
    const { clock, random } = this.#runtime;
    const target = `${this.#directory}/${deletedName(name, random)}`;
    const move = () => this.#files.rename(`${this.#directory}/${name}`, target);
    if (log === undefined) {
      move();
      this.#files.remove(target);
      return;
    }
    log.retire(target, move);
    const { fileDeleteDelayMs } = log.config;
    const deleted: DeletedLog = { log, dueMs: clock.now() + fileDeleteDelayMs };
    if (fileDeleteDelayMs > 0 || log.isHeld) this.#waiting.add(deleted);
    else {
      log.discard();
      this.#due.add(log.directory);
      void this.#removeEach();
    }
  }

  /** Begins to remove the directories that are due, except of logs whose records a response carries. */
  removeDue(): void {
    const nowMs = this.#runtime.clock.now();
    for (const deleted of this.#waiting) {
      if (deleted.dueMs > nowMs || deleted.log.isHeld) continue;
      this.#waiting.delete(deleted);
      deleted.log.discard();
      this.#due.add(deleted.log.directory);
    }
    void this.#removeEach();
  }

  /** Removes all directories before the data directory is closed, awaiting `pause` between two. */
  async removeAll(pause: Pause): Promise<void> {
    for (const { log } of this.#waiting) {
      log.discard();
      this.#due.add(log.directory);
    }
    this.#waiting.clear();
    for (const directory of this.#due) {
      this.#due.delete(directory);
      try {
        this.#files.remove(directory);
      } catch (error) {
        // The next start removes it.
        if (!(error instanceof FileError)) throw error;
      }
      await pause();
    }
  }

  async #removeEach(): Promise<void> {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    for (const directory of this.#due) {
      this.#due.delete(directory);
      try {
        await this.#files.removeLater(directory);
      } catch (error) {
        // The next start removes it.
        if (!(error instanceof FileError)) throw error;
      }
    }
    this.#isRemoving = false;
  }
}
