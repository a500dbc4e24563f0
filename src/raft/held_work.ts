/**
 * Work that must not happen before a state of the replica is durable: everything that another replica can
 * see.
 *
 * @module
 */

/** Holds work back until the state that it requires is durable. */
export class HeldWork {
  /** In the order of the sequence numbers. */
  #held: { readonly requires: number; readonly run: () => void }[] = [];
  #saved = 0;

  /** Runs `run` when the state with the sequence number `requires` is durable, which may be now. */
  hold(requires: number, run: () => void): void {
    if (requires <= this.#saved) run();
    else this.#held.push({ requires, run });
  }

  /** Runs what the state with the sequence number `saved`, or an earlier one, is required for. */
  release(saved: number): void {
    this.#saved = Math.max(this.#saved, saved);
    while (this.#held.length > 0 && this.#held[0]!.requires <= this.#saved) {
      this.#held.shift()!.run();
    }
  }

  /** Drops what is held. */
  clear(): void {
    this.#held = [];
  }
}
