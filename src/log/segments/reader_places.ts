/**
 * The positions in a segment where reads ended, so that a read that continues there needs no
 * lookup.
 *
 * @module
 */

/** The number of positions per segment. */
const PLACES = 4;

/** The offsets where recent reads ended, and their positions. */
export class ReaderPlaces {
  readonly #offsets = new Float64Array(PLACES).fill(-1);
  readonly #positions = new Uint32Array(PLACES);
  #next = 0;

  /** Returns the position of `offset`, or -1 if it is unknown. */
  positionOf(offset: number): number {
    for (let place = 0; place < PLACES; place++) {
      if (this.#offsets[place] === offset) return this.#positions[place]!;
    }
    return -1;
  }

  /** Stores the position of `offset` in place of the oldest one. */
  remember(offset: number, position: number): void {
    if (this.positionOf(offset) !== -1) return;
    this.#offsets[this.#next] = offset;
    this.#positions[this.#next] = position;
    this.#next = (this.#next + 1) % PLACES;
  }

  /** Removes all, when positions have changed. */
  clear(): void {
    this.#offsets.fill(-1);
  }
}
