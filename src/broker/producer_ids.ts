/**
 * Hands out producer ids from blocks that the controller allots, so that no id is given twice, over
 * restarts and, later, over brokers.
 *
 * @module
 */

/** Ids from `first` on, `count` of them. */
export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

/** The next producer ids of this broker. */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /** An id that was never given before. */
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
