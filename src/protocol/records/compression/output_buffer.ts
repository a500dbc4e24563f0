/**
 * What a decompressor writes to when the data do not say how much there will be: memory that grows
 * with what has come out, never by what a header announces, and never beyond a bound.
 *
 * @module
 */

import { COPY_SLACK } from "./byte_copy.ts";
import { tooLarge } from "./gzip.ts";

/** A growing array of bytes of at most `maxBytes`. */
export class OutputBuffer {
  /** The memory, a little longer than was reserved; what is beyond {@linkcode OutputBuffer.length} is to be written. */
  bytes: Uint8Array<ArrayBuffer>;
  /** A view of the same memory. */
  view: DataView;
  /** How many bytes have been written. The writer moves it. */
  length = 0;

  constructor(
    /** The codec, for the error's message. */
    readonly codec: string,
    /** The bound. */
    readonly maxBytes: number,
    expectedBytes: number,
  ) {
    this.bytes = new Uint8Array(Math.max(0, Math.min(expectedBytes, maxBytes)) + COPY_SLACK);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `more` bytes. Throws `too-large` when that is beyond the bound. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.maxBytes) throw tooLarge(this.codec, this.maxBytes);
    if (needed + COPY_SLACK <= this.bytes.length) return;
    const size = Math.min(this.maxBytes, Math.max(needed, this.bytes.length * 2));
    const grown = new Uint8Array(size + COPY_SLACK);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Makes room for up to `more` bytes, as far as the bound allows, and returns where the room ends. */
  reserveUpTo(more: number): number {
    const room = Math.min(more, this.maxBytes - this.length);
    this.reserve(room);
    return this.length + room;
  }

  /** What has been written. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
