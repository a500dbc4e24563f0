/**
 * Frames out of the bytes of one direction of a connection, however they are cut.
 *
 * @module
 */

const PREFIX_BYTES = 4;
/** No frame of a scenario is longer. */
const MAX_FRAME_BYTES = 128 * 1024 * 1024;

/** Collects bytes into frames, until something comes that is no frame. */
export class Frames {
  #bytes = new Uint8Array(0);
  #isLost = false;

  /** Whether the bytes were not frames: nothing more can be found in them. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Adds bytes and returns the frames that are complete, without their length prefixes. */
  add(bytes: Uint8Array): Uint8Array[] {
    if (this.#isLost) return [];
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    const view = new DataView(all.buffer);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= PREFIX_BYTES) {
      const length = view.getInt32(at);
      if (length < 0 || length > MAX_FRAME_BYTES) {
        this.#isLost = true;
        this.#bytes = new Uint8Array(0);
        return frames;
      }
      const end = at + PREFIX_BYTES + length;
      if (end > all.length) break;
      frames.push(all.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    this.#bytes = all.slice(at);
    return frames;
  }
}
