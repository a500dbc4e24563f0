/**
 * Buffers for answers, and larger ones for their records. Reading a megabyte into fresh memory costs four
 * times as much as the read itself, so buffers are reused. A slow reader holds a buffer, so buffers become
 * small when many are lent. A connection without an answer in flight holds none.
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

  /** Bytes that are lent. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  /** Lends a buffer for `wanted` bytes, or for a part of them if that is too much at once. */
  lend(wanted: number): Uint8Array {
    const most = this.#lentBytes < SEND_POOL_BYTES ? SEND_CHUNK_BYTES : SMALL_SEND_CHUNK_BYTES;
    const size = sizeClass(Math.min(wanted, most));
    const buffer = this.#idle.get(size)?.pop();
    this.#lentBytes += size;
    if (buffer === undefined) return new Uint8Array(size);
    this.#idleBytes -= size;
    return buffer;
  }

  /** Lends an empty writer, for the bytes of answers without their records. */
  lendWriter(): ByteWriter {
    return this.#idleWriters.pop() ?? new ByteWriter(512);
  }

  /** Returns a lent writer to the pool, unless it has grown large. */
  giveBackWriter(writer: ByteWriter): void {
    if (writer.length > KEPT_ANSWER_BUFFER_BYTES) return;
    if (this.#idleWriters.length === KEPT_ANSWER_BUFFERS) return;
    writer.reset();
    this.#idleWriters.push(writer);
  }

  /** Returns a lent buffer to the pool. */
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

/** Returns the size of the smallest buffer for `bytes`: 4, 16, 64 or 256 KiB, or a whole chunk. */
function sizeClass(bytes: number): number {
  let size = 4096;
  while (size < bytes) size *= 4;
  return Math.min(size, SEND_CHUNK_BYTES);
}
