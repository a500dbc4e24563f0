/**
 * Produce requests that wait until the high watermark of a partition has reached the end of their
 * batch.
 *
 * @module
 */
import type { KafkaError } from "../protocol/errors.ts";

/** One request's wait. */
export interface OffsetWait {
  /** Resolves when the offset has been reached. Rejects with the error that ended the wait. */
  readonly done: Promise<void>;
  /** Rejects the promise with `error`, if it has not settled. */
  fail(error: KafkaError): void;
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: KafkaError) => void;
}

/** The waits of one partition, in the order of their offsets. */
export class OffsetWaiters {
  /** Ascending by offset; of equal ones the earliest comes first. */
  readonly #waiters: Waiter[] = [];

  /** How many requests wait. */
  get size(): number {
    return this.#waiters.length;
  }

  /** Waits for `offset`. */
  add(offset: number): OffsetWait {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { offset, resolve, reject };
    let at = this.#waiters.length;
    // Batches are appended in the order of their offsets: nearly always this is the last place.
    while (at > 0 && this.#waiters[at - 1]!.offset > offset) at--;
    this.#waiters.splice(at, 0, waiter);
    return {
      done,
      fail: (error) => {
        const index = this.#waiters.indexOf(waiter);
        if (index === -1) return;
        this.#waiters.splice(index, 1);
        reject(error);
      },
    };
  }

  /** Ends every wait for an offset up to `offset`, the smallest first. */
  resolveUpTo(offset: number): void {
    let count = 0;
    while (count < this.#waiters.length && this.#waiters[count]!.offset <= offset) count++;
    if (count === 0) return;
    for (const { resolve } of this.#waiters.splice(0, count)) resolve();
  }

  /** Rejects every wait with `error`. */
  failAll(error: KafkaError): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
