/**
 * The asynchronous work under way in a data directory, most of which no caller awaits: syncs that a
 * roll began, checkpoints on their way to the disk, flushes by age. The directory is unlocked only
 * when all of it has ended.
 *
 * @module
 */

/** Work of a {@linkcode PendingWork.queue} that is under way at one time: each has files open. */
const MAX_QUEUED = 16;

/** Promises that have not settled. */
export class PendingWork {
  readonly #running = new Set<Promise<unknown>>();
  /** Begins queued work that waits. */
  readonly #waiting: (() => void)[] = [];
  #queuedRunning = 0;

  /** Tracks `work` until it settles. Returns a promise with the same outcome. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<T> = work.finally(() => void this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /**
   * As `track`, for work that no caller awaits and that may come for every log at once: it begins at
   * once while there is little of it, and otherwise when other queued work has ended.
   */
  queue<T>(work: () => Promise<T>): Promise<T> {
    return this.track(this.#inTurn(work));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#queuedRunning >= MAX_QUEUED) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#queuedRunning++;
    }
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#queuedRunning--;
      else next();
    }
  }

  /** Resolves when no work is under way, including work begun meanwhile. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
