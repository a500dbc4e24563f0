/**
 * The asynchronous work under way in a data directory, most of which no caller awaits: syncs that a
 * roll began, checkpoints on their way to the disk, flushes by age. The directory is unlocked only
 * when all of it has ended.
 *
 * @module
 */

/** Promises that have not settled. */
export class PendingWork {
  readonly #running = new Set<Promise<unknown>>();

  /** Tracks `work` until it settles. Returns a promise with the same outcome. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<T> = work.finally(() => void this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /** Resolves when no work is under way, including work begun meanwhile. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
