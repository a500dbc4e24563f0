/**
 * Where readers of a segment stopped: one that reads on from there need not be looked up again.
 *
 * @module
 */

/** How many places a segment remembers. */
const PLACES = 4;

/** Offsets that readers came to lately, with the positions they were found at. */
export class ReaderPlaces {
  readonly #offsets = new Float64Array(PLACES).fill(-1);
  readonly #positions = new Uint32Array(PLACES);
  #next = 0;

  /** The position of `offset`, or -1 when it is not remembered. */
  positionOf(offset: number): number {
    for (let place = 0; place < PLACES; place++) {
      if (this.#offsets[place] === offset) return this.#positions[place]!;
    }
    return -1;
  }

  /** Remembers that `offset` is at `position`, in the place of the oldest that is known. */
  remember(offset: number, position: number): void {
    if (this.positionOf(offset) !== -1) return;
    this.#offsets[this.#next] = offset;
    this.#positions[this.#next] = position;
    this.#next = (this.#next + 1) % PLACES;
  }

  /** Forgets all: the positions are others now. */
  clear(): void {
    this.#offsets.fill(-1);
  }
}
