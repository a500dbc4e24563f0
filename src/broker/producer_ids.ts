/**
 * Assigns producer ids from blocks that the controller allocates, so that no id is used twice, across
 * restarts and brokers.
 *
 * @module
 */

/** A block of `count` ids, beginning with `first`. */
export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

/** The producer ids of this broker. */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /** Returns an id that has never been used. */
  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#take().finally(() => void (this.#refill = null));
      await this.#refill;
    }
    return this.#next++;
  }

  async #take(): Promise<void> {
    const block = await this.#allocate();
    this.#next = block.first;
    this.#end = block.first + block.count;
  }
}
