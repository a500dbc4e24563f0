/**
 * Requests that wait until the metadata have been applied up to an offset.
 *
 * @module
 */

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** Waiters in order of their offsets, those for the same offset in order of arrival. */
export class OffsetWaiters {
  readonly #waiters: Waiter[] = [];

  /** The number of waiters. */
  get size(): number {
    return this.#waiters.length;
  }

  /** Resolves once {@linkcode OffsetWaiters.release} has been called with `offset` or more. */
  add(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      // Mostly the last position, since a request waits for its own change.
      let at = this.#waiters.length;
      while (at > 0 && this.#waiters[at - 1]!.offset > offset) at--;
      this.#waiters.splice(at, 0, { offset, resolve, reject });
    });
  }

  /** Resolves the promises of all that wait for at most `offset`. */
  release(offset: number): void {
    let count = 0;
    while (count < this.#waiters.length && this.#waiters[count]!.offset <= offset) count++;
    for (const { resolve } of this.#waiters.splice(0, count)) resolve();
  }

  /** Rejects the promises of all that wait. */
  rejectAll(reason: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
  }
}
