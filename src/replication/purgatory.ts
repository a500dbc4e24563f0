/**
 * Where operations wait for something to happen to a partition: a fetch for data, a produce for the
 * high watermark. Each is tried again when one of its keys is touched, and ends at its deadline at
 * the latest, so nothing waits without bound and nothing polls.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";

/** An operation that may complete later. */
export interface DelayedOperation {
  /** Completes the operation if it can be, and says whether it did. Called any number of times until then. */
  tryComplete(): boolean;
  /** Completes it with what there is: its time is up, or the node shuts down. Called at most once. */
  expire(): void;
}

interface Waiting {
  readonly operation: DelayedOperation;
  readonly keys: readonly object[];
  timer: Timer | null;
  done: boolean;
}

/** Waiting operations by the objects they watch. */
export class Purgatory {
  readonly #clock: Clock;
  readonly #watchers = new Map<object, Set<Waiting>>();
  readonly #all = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many operations wait. */
  get size(): number {
    return this.#all.size;
  }

  /** Number of keys that waiting operations watch. */
  get watchedKeys(): number {
    return this.#watchers.size;
  }

  /**
   * Completes `operation` now if it can be, or keeps it until one of `keys` is touched so that it
   * can, or `timeoutMs` have passed.
   */
  completeOrWatch(operation: DelayedOperation, keys: readonly object[], timeoutMs: number): void {
    if (operation.tryComplete()) return;
    if (timeoutMs <= 0) return operation.expire();
    const waiting: Waiting = { operation, keys, timer: null, done: false };
    this.#all.add(waiting);
    for (const key of keys) {
      const set = this.#watchers.get(key);
      if (set === undefined) this.#watchers.set(key, new Set([waiting]));
      else set.add(waiting);
    }
    waiting.timer = this.#clock.setTimer(timeoutMs, () => this.#expire(waiting));
  }

  /** Tries everything that waits for `key`. */
  touch(key: object): void {
    const set = this.#watchers.get(key);
    if (set === undefined) return;
    for (const waiting of [...set]) {
      if (waiting.done || !waiting.operation.tryComplete()) continue;
      waiting.timer?.cancel();
      this.#forget(waiting);
    }
  }

  /** Ends everything that waits. */
  expireAll(): void {
    for (const waiting of [...this.#all]) {
      waiting.timer?.cancel();
      this.#expire(waiting);
    }
  }

  #expire(waiting: Waiting): void {
    if (waiting.done) return;
    this.#forget(waiting);
    waiting.operation.expire();
  }

  #forget(waiting: Waiting): void {
    waiting.done = true;
    this.#all.delete(waiting);
    for (const key of waiting.keys) {
      const set = this.#watchers.get(key);
      if (set === undefined) continue;
      set.delete(waiting);
      if (set.size === 0) this.#watchers.delete(key);
    }
  }
}
