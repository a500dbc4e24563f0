/**
 * What a decompressor writes to when the data do not say how much there will be: memory that grows
 * with what has come out, never by what a header announces, and never beyond a bound.
 *
 * @module
 */

import { COPY_SLACK } from "./byte_copy.ts";
import { tooLarge } from "./host_decompression.ts";
import { copyInSteps, type Steps } from "./steps.ts";

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
    if (this.length + more > this.maxBytes) throw tooLarge(this.codec, this.maxBytes);
    if (this.#hasRoom(more)) return;
    const grown = this.#grown(more);
    grown.set(this.written());
    this.#take(grown);
  }

  /** As {@linkcode OutputBuffer.reserve}, with what there is copied in steps. */
  *reserveInSteps(more: number): Steps<void> {
    if (this.length + more > this.maxBytes) throw tooLarge(this.codec, this.maxBytes);
    if (this.#hasRoom(more)) return;
    const grown = this.#grown(more);
    yield* copyInSteps(this.written(), grown, 0);
    this.#take(grown);
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

  #hasRoom(more: number): boolean {
    return this.length + more + COPY_SLACK <= this.bytes.length;
  }

  #grown(more: number): Uint8Array<ArrayBuffer> {
    const size = Math.min(this.maxBytes, Math.max(this.length + more, this.bytes.length * 2));
    return new Uint8Array(size + COPY_SLACK);
  }

  #take(memory: Uint8Array<ArrayBuffer>): void {
    this.bytes = memory;
    this.view = new DataView(memory.buffer);
  }
}
