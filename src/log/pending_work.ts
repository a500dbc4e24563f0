/**
 * The asynchronous work in progress in a data directory, most of which no caller awaits: syncs
 * after a roll, writes of checkpoints, periodic flushes. The directory is unlocked only when all of
 * it has completed.
 *
 * @module
 */

/** The maximum number of queued tasks that run concurrently, since each has files open. */
const MAX_QUEUED = 16;

/** Promises that have not settled. */
export class PendingWork {
  readonly #running = new Set<Promise<unknown>>();
  /** The start functions of waiting queued tasks. */
  readonly #waiting: (() => void)[] = [];
  #queuedRunning = 0;

  /** Tracks `work` until it settles. Returns a promise with the same outcome. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<T> = work.finally(() => void this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /**
   * Like `track`, for tasks that no caller awaits and that may be started for every log at once: if
   * too many are running, the task waits for another queued one to complete.
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
      // Start the next task, or free the slot.
      const next = this.#waiting.shift();
      if (next === undefined) this.#queuedRunning--;
      else next();
    }
  }

  /**
   * Resolves when no work is in progress, including work started in the meantime. Never rejects.
   */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
