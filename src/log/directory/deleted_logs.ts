/**
 * The logs of deleted topics. Their directories have been renamed and are kept for
 * `file.delete.delay.ms`, and as long as a response with their records is being sent.
 *
 * @module
 */
import type { DirectoryFiles } from "./directory_files.ts";
import { deletedName, isDeletedName } from "./directory_names.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { Runtime } from "../../runtime/runtime.ts";

interface DeletedLog {
  readonly log: PartitionLog;
  readonly dueMs: number;
}

/** The deleted logs of one data directory. */
export class DeletedLogs {
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  readonly #files: DirectoryFiles;
  readonly #directory: string;
  #waiting: DeletedLog[] = [];

  /** Creates an empty list for the data directory at `directory`. */
  constructor(
    runtime: Pick<Runtime, "clock" | "random">,
    files: DirectoryFiles,
    directory: string,
  ) {
    this.#runtime = runtime;
    this.#files = files;
    this.#directory = directory;
  }

  /** Removes directories that a previous process has not removed. Throws a `FileError`. */
  removeLeftovers(): void {
    for (const { name, isDirectory } of this.#files.list(this.#directory)) {
      if (isDirectory && isDeletedName(name)) this.#files.remove(`${this.#directory}/${name}`);
    }
  }

  /**
   * Renames the directory of the log `name`, for removal after `file.delete.delay.ms`, and removes
   * the directories that are due. The directory of a log that is not open is removed at once.
   * Throws a `FileError`.
   */
  add(name: string, log: PartitionLog | undefined): void {
    const { clock, random } = this.#runtime;
    const target = `${this.#directory}/${deletedName(name, random)}`;
    const move = () => this.#files.rename(`${this.#directory}/${name}`, target);
    if (log === undefined) {
      move();
      this.#files.remove(target);
    } else {
      log.retire(target, move);
      this.#waiting.push({ log, dueMs: clock.now() + log.config.fileDeleteDelayMs });
      this.removeDue();
    }
  }

  /**
   * Removes the directories that are due, except for those of logs whose records are being sent.
   * Throws the first `FileError` at the end.
   */
  removeDue(): void {
    const nowMs = this.#runtime.clock.now();
    // If the removal fails later, the next start removes the rest.
    this.#remove(
      ({ log, dueMs }) => dueMs <= nowMs && !log.isHeld,
      (directory) => void this.#files.removeLater(directory).catch(() => {}),
    );
  }

  /** Removes all directories, when the data directory is closed. Throws like `removeDue`. */
  removeAll(): void {
    this.#remove(() => true, (directory) => this.#files.remove(directory));
  }

  #remove(isChosen: (waiting: DeletedLog) => boolean, remove: (directory: string) => void): void {
    let failure: unknown = null;
    for (const waiting of this.#waiting.filter(isChosen)) {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.log.discard();
      try {
        remove(waiting.log.directory);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }
}
