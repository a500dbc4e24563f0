/**
 * The output of decompression when its size is unknown: memory that grows with the output, not with
 * an announced size, up to a limit.
 *
 * @module
 */

import { COPY_SLACK } from "./byte_copy.ts";
import { tooLarge } from "./host_decompression.ts";
import { copyInSteps, type Steps } from "./steps.ts";

/** A growing array of bytes of at most `maxBytes`. */
export class OutputBuffer {
  /**
   * The memory, slightly longer than reserved. Bytes after {@linkcode OutputBuffer.length} are
   * unused.
   */
  bytes: Uint8Array<ArrayBuffer>;
  /** A view of the same memory. */
  view: DataView;
  /** Number of bytes written. Updated by the writer. */
  length = 0;

  constructor(
    /** The codec, for error messages. */
    readonly codec: string,
    /** The maximum size. */
    readonly maxBytes: number,
    expectedBytes: number,
  ) {
    this.bytes = new Uint8Array(Math.max(0, Math.min(expectedBytes, maxBytes)) + COPY_SLACK);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Reserves `more` bytes. Throws `too-large` beyond the limit. */
  reserve(more: number): void {
    if (this.length + more > this.maxBytes) throw tooLarge(this.codec, this.maxBytes);
    if (this.#hasRoom(more)) return;
    const grown = this.#grown(more);
    grown.set(this.written());
    this.#take(grown);
  }

  /** Like {@linkcode OutputBuffer.reserve}, copying existing bytes in steps. */
  *reserveInSteps(more: number): Steps<void> {
    if (this.length + more > this.maxBytes) throw tooLarge(this.codec, this.maxBytes);
    if (this.#hasRoom(more)) return;
    const grown = this.#grown(more);
    yield* copyInSteps(this.written(), grown, 0);
    this.#take(grown);
  }

  /** Reserves up to `more` bytes within the limit and returns the end of the reserved range. */
  reserveUpTo(more: number): number {
    const available = Math.min(more, this.maxBytes - this.length);
    this.reserve(available);
    return this.length + available;
  }

  /** The bytes written so far. */
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
