/**
 * Group commit: requests that wait for a flush of the same log share one. While a log is being flushed,
 * later requests join its next flush. Logs are flushed side by side, a bounded number at a time. So each
 * flush acknowledges more batches, the more producers wait.
 *
 * A flush that fails is not retried: its waiting requests fail, and the log, which remembers the failure,
 * rejects further appends.
 *
 * @module
 */
import { MAX_CONCURRENT_SYNCS } from "../limits.ts";

/** What a {@linkcode GroupCommit} flushes. */
export interface Flushable {
  /** Resolves when everything that was appended before the call is on the disk. */
  flush(): Promise<void>;
}

/** A flush that has not begun, and the promise of those that wait for it. */
class PendingFlush {
  readonly done: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    // No request waits for a batch that was sent with acks=0; the log itself remembers the failure.
    this.done.catch(() => {});
  }

  /** Flushes `log`. No further request may join once this has been called. */
  async run(log: Flushable): Promise<void> {
    try {
      await log.flush();
      this.#resolve();
    } catch (error) {
      this.#reject(error);
    }
  }
}

/** Flushes logs for all requests that wait for them. */
export class GroupCommit<Log extends Flushable> {
  /** The flushes that have not begun, in the order of their first requests. */
  readonly #pending = new Map<Log, PendingFlush>();
  readonly #running = new Map<Log, PendingFlush>();
  readonly #gather: () => Promise<void>;
  readonly #maxConcurrent: number;
  #isScheduled = false;

  /**
   * `gather` is awaited before flushes begin, so that more requests can join: a turn of the event loop
   * admits all those whose batch has arrived. Defaults to the current task. `maxConcurrent` bounds the
   * flushes at one time.
   */
  constructor(
    gather: () => Promise<void> = () => Promise.resolve(),
    maxConcurrent: number = MAX_CONCURRENT_SYNCS,
  ) {
    this.#gather = gather;
    this.#maxConcurrent = maxConcurrent;
  }

  /** How many flushes are running or pending. */
  get size(): number {
    return this.#running.size + this.#pending.size;
  }

  /** Resolves when no flush is running or pending. */
  async settled(): Promise<void> {
    while (this.size > 0) {
      const waiting = [...this.#running.values(), ...this.#pending.values()];
      await Promise.allSettled(waiting.map(({ done }) => done));
    }
  }

  /**
   * Resolves when everything that was appended to `log` before the call is on the disk, and rejects when
   * that failed. All calls before the flush begins get the same promise.
   */
  commit(log: Log): Promise<void> {
    let pending = this.#pending.get(log);
    if (pending === undefined) {
      pending = new PendingFlush();
      this.#pending.set(log, pending);
      this.#schedule();
    }
    return pending.done;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#gather().then(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  /** Starts as many flushes as may run. */
  #start(): void {
    for (const [log, pending] of this.#pending) {
      if (this.#running.size >= this.#maxConcurrent) return;
      if (this.#running.has(log)) continue;
      this.#pending.delete(log);
      this.#running.set(log, pending);
      pending.run(log).then(() => {
        this.#running.delete(log);
        if (this.#pending.size > 0) this.#schedule();
      });
    }
  }
}
