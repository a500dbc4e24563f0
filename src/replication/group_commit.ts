/**
 * Group commit: many who wait for the disk share one sync. While a log is being synced, everybody
 * who appends to it gathers for its next sync, which serves them all; logs are synced side by side,
 * a bounded number at a time. So the more producers wait, the more of them each sync acknowledges.
 *
 * A sync that fails is not tried again: whoever waits for that log is told, and the log, which knows
 * that it failed, takes nothing more.
 *
 * @module
 */
import { MAX_CONCURRENT_SYNCS } from "../limits.ts";

/** What a {@linkcode GroupCommit} brings to the disk. */
export interface Flushable {
  /**
   * Resolves when everything that was appended before the call is on the disk. After a rejection it
   * is not called again by those who waited already.
   */
  flush(): Promise<void>;
}

/** Those who wait for the next sync of one log. */
class Gathering {
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody waits for a batch that was sent with acks=0; the log itself remembers the failure.
    this.done.catch(() => {});
  }

  /** Nobody can join any more once this has been called. */
  async run<Log extends Flushable>(log: Log, onFlushed: (log: Log) => void): Promise<void> {
    try {
      await log.flush();
      onFlushed(log);
      this.#resolve();
    } catch (error) {
      this.#reject(error);
    }
  }
}

/** Syncs logs for all who wait for them together. */
export class GroupCommit<Log extends Flushable> {
  /** Who waits for a sync that has not begun. In the order in which the first of each came. */
  readonly #gathering = new Map<Log, Gathering>();
  readonly #running = new Map<Log, Gathering>();
  readonly #onFlushed: (log: Log) => void;
  readonly #gather: () => Promise<void>;
  readonly #maxConcurrent: number;
  #isScheduled = false;

  /**
   * `onFlushed` is called when a log's sync has ended well, once for all who waited and before any of
   * them hears of it. `gather` is awaited before syncs begin, for others to join: a turn of the event
   * loop lets everybody in whose batch has arrived, nothing but the current task unless told.
   * `maxConcurrent` bounds the syncs at one time.
   */
  constructor(
    onFlushed: (log: Log) => void = () => {},
    gather: () => Promise<void> = () => Promise.resolve(),
    maxConcurrent: number = MAX_CONCURRENT_SYNCS,
  ) {
    this.#onFlushed = onFlushed;
    this.#gather = gather;
    this.#maxConcurrent = maxConcurrent;
  }

  /** How many logs are being synced or wait for it. */
  get size(): number {
    return this.#running.size + this.#gathering.size;
  }

  /** Resolves when no log is being synced or waits for it. */
  async settled(): Promise<void> {
    while (this.size > 0) {
      const waiting = [...this.#running.values(), ...this.#gathering.values()];
      await Promise.allSettled(waiting.map(({ done }) => done));
    }
  }

  /**
   * Resolves when everything that was appended to `log` before the call is on the disk, and rejects
   * when that failed. All who call before the sync begins get the same promise.
   */
  commit(log: Log): Promise<void> {
    let gathering = this.#gathering.get(log);
    if (gathering === undefined) {
      gathering = new Gathering();
      this.#gathering.set(log, gathering);
      this.#schedule();
    }
    return gathering.done;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#gather().then(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  /** Begins what may begin. */
  #start(): void {
    for (const [log, gathering] of this.#gathering) {
      if (this.#running.size >= this.#maxConcurrent) return;
      if (this.#running.has(log)) continue;
      this.#gathering.delete(log);
      this.#running.set(log, gathering);
      gathering.run(log, this.#onFlushed).then(() => {
        this.#running.delete(log);
        if (this.#gathering.size > 0) this.#schedule();
      });
    }
  }
}
