/**
 * Byte ranges of a file whose read failed while a response was being sent. Such a response can no
 * longer report an error, so its connection is closed. If a reader requests the same bytes again,
 * they are read before the response starts, so that it can report the error, until a read succeeds.
 *
 * @module
 */
import { scratch } from "./scratch.ts";

/** The number of bytes to read at a time. */
const PIECE_BYTES = 524_288;

/**
 * One range that covers all such bytes of a file, and possibly others, which are read needlessly.
 */
export class UnreadBytes {
  #start = Infinity;
  #end = 0;

  /** Adds the bytes from `start` to `end`, whose read failed. */
  add(start: number, end: number): void {
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
  }

  /** Reads the failed bytes between `start` and `end` with `read`, whose errors are passed on. */
  readAgain(start: number, end: number, read: (target: Uint8Array, at: number) => void): void {
    const last = Math.min(end, this.#end);
    for (let at = Math.max(start, this.#start); at < last;) {
      const length = Math.min(last - at, PIECE_BYTES);
      read(scratch(length).memory.subarray(0, length), at);
      at += length;
    }
    // Readers continue after these bytes. An empty range stays empty.
    if (start <= this.#start && last > this.#start) this.#start = last;
  }
}
