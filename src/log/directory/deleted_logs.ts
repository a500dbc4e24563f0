/**
 * Logs whose topics were deleted: their directories have another name and stay for
 * `file.delete.delay.ms`, and for as long as answers on their way carry records of them.
 *
 * @module
 */
import type { DirectoryFiles } from "./directory_files.ts";
import type { PartitionLog } from "../partition_log.ts";

interface DeletedLog {
  readonly log: PartitionLog;
  readonly dueMs: number;
}

/** The deleted logs of one data directory. */
export class DeletedLogs {
  readonly #files: DirectoryFiles;
  #waiting: DeletedLog[] = [];

  /** None yet. */
  constructor(files: DirectoryFiles) {
    this.#files = files;
  }

  /** Takes a log that has been retired; its directory goes at `dueMs`, ms since 1970. */
  add(log: PartitionLog, dueMs: number): void {
    this.#waiting.push({ log, dueMs });
  }

  /** Removes the directories whose time has come at `nowMs`. Throws the first `FileError` in the end. */
  remove(nowMs: number): void {
    let failure: unknown = null;
    for (const waiting of this.#waiting.filter(({ dueMs }) => dueMs <= nowMs)) {
      if (waiting.log.isHeld && nowMs !== Infinity) continue;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.log.discard();
      try {
        const { directory } = waiting.log;
        // What is left of it is removed by the next start.
        if (nowMs === Infinity) this.#files.remove(directory);
        else this.#files.removeLater(directory).catch(() => {});
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }
}
