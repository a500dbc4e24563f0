/**
 * Buffers for answers, and larger ones for the records that some carry. Reading a megabyte into
 * fresh memory costs four times the read itself, so buffers are reused; and a reader that does not
 * take its bytes holds one, so they become small once many are out. A connection without an answer
 * under way holds none.
 *
 * @module
 */
import { ByteWriter } from "../../protocol/wire.ts";
import {
  KEPT_ANSWER_BUFFER_BYTES,
  KEPT_ANSWER_BUFFERS,
  SEND_CHUNK_BYTES,
  SEND_POOL_BYTES,
  SEND_POOL_IDLE_BYTES,
  SMALL_SEND_CHUNK_BYTES,
} from "../../limits.ts";

/** Lends buffers. */
export class SendPool {
  readonly #idle = new Map<number, Uint8Array[]>();
  readonly #idleWriters: ByteWriter[] = [];
  #idleBytes = 0;
  #lentBytes = 0;

  /** Bytes lent at the moment. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  /** A buffer for `wanted` bytes, or for a part of them when that many are too many at once. */
  lend(wanted: number): Uint8Array {
    const most = this.#lentBytes < SEND_POOL_BYTES ? SEND_CHUNK_BYTES : SMALL_SEND_CHUNK_BYTES;
    const size = sizeClass(Math.min(wanted, most));
    const buffer = this.#idle.get(size)?.pop();
    this.#lentBytes += size;
    if (buffer === undefined) return new Uint8Array(size);
    this.#idleBytes -= size;
    return buffer;
  }

  /** An empty writer, for the answers' own bytes. */
  lendWriter(): ByteWriter {
    return this.#idleWriters.pop() ?? new ByteWriter(512);
  }

  /** Takes a lent writer back, unless it has become large. */
  giveBackWriter(writer: ByteWriter): void {
    if (writer.length > KEPT_ANSWER_BUFFER_BYTES) return;
    if (this.#idleWriters.length === KEPT_ANSWER_BUFFERS) return;
    writer.reset();
    this.#idleWriters.push(writer);
  }

  /** Takes a lent buffer back. */
  giveBack(buffer: Uint8Array): void {
    const size = buffer.length;
    this.#lentBytes -= size;
    if (this.#idleBytes + size > SEND_POOL_IDLE_BYTES) return;
    this.#idleBytes += size;
    const list = this.#idle.get(size);
    if (list === undefined) this.#idle.set(size, [buffer]);
    else list.push(buffer);
  }
}

/** 4 KiB, 16 KiB, 64 KiB, 256 KiB or a whole chunk. */
function sizeClass(bytes: number): number {
  let size = 4096;
  while (size < bytes) size *= 4;
  return Math.min(size, SEND_CHUNK_BYTES);
}
