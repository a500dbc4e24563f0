/**
 * Bytes of a file that could not be read when an answer with them was under way. Such an answer
 * cannot tell of an error any more: it breaks off, and its connection with it. A reader that asks for
 * the same again must be told, or it would never get the rest of what it asks for; so these bytes are
 * read before they are promised once more, until that succeeds.
 *
 * @module
 */
import { scratch } from "./scratch.ts";

/** How much is read at a time, bytes. */
const PIECE_BYTES = 524_288;

/** One range that covers all such bytes of a file. It may cover others too: they are read for nothing. */
export class UnreadBytes {
  #start = Infinity;
  #end = 0;

  /** The bytes from `start` to `end` could not be read. */
  add(start: number, end: number): void {
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
  }

  /** Reads those of them that lie from `start` to `end` with `read`, and throws what it throws. */
  readAgain(start: number, end: number, read: (target: Uint8Array, at: number) => void): void {
    const last = Math.min(end, this.#end);
    for (let at = Math.max(start, this.#start); at < last;) {
      const length = Math.min(last - at, PIECE_BYTES);
      read(scratch(length).memory.subarray(0, length), at);
      at += length;
    }
    // Readers go on to what follows; a range that is empty stays so.
    if (start <= this.#start && last > this.#start) this.#start = last;
  }
}
