/**
 * The content of a file in memory: grows without copying, is read and written at any position at the speed
 * of a copy, and uses no memory for holes.
 *
 * @module
 */

const CHUNK_BYTES = 64 * 1024;
/** Initial size of a file's first chunk, which doubles up to a full chunk: most files are small. */
const FIRST_CHUNK_BYTES = 1024;

/** The bytes from 0 to `length`. Bytes never written are zero. */
export class ChunkedBytes {
  /** Holes, and bytes beyond a short first chunk, are zeros. */
  readonly #chunks: (Uint8Array | undefined)[] = [];
  #length = 0;

  /** Length in bytes, including holes. */
  get length(): number {
    return this.#length;
  }

  /** Copies bytes from `position` into `target`. Returns their number, at most its length. */
  read(target: Uint8Array, position: number): number {
    const total = Math.max(0, Math.min(target.length, this.#length - position));
    let done = 0;
    while (done < total) {
      const at = position + done;
      const offset = at % CHUNK_BYTES;
      const count = Math.min(total - done, CHUNK_BYTES - offset);
      const chunk = this.#chunks[(at - offset) / CHUNK_BYTES];
      const held = chunk ? Math.max(0, Math.min(count, chunk.length - offset)) : 0;
      if (held > 0) target.set(chunk!.subarray(offset, offset + held), done);
      if (held < count) target.fill(0, done + held, done + count);
      done += count;
    }
    return total;
  }

  /** Copies all of `bytes` to `position`, growing if necessary. */
  write(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) {
      const at = position + done;
      const offset = at % CHUNK_BYTES;
      const count = Math.min(bytes.length - done, CHUNK_BYTES - offset);
      const chunk = this.#chunkFor((at - offset) / CHUNK_BYTES, offset + count);
      chunk.set(count === bytes.length ? bytes : bytes.subarray(done, done + count), offset);
      done += count;
    }
    if (bytes.length > 0) this.#length = Math.max(this.#length, position + bytes.length);
  }

  #chunkFor(index: number, capacity: number): Uint8Array {
    const chunk = this.#chunks[index];
    if (chunk && chunk.length >= capacity) return chunk;
    let size = CHUNK_BYTES;
    if (index === 0) {
      size = chunk?.length ?? FIRST_CHUNK_BYTES;
      while (size < capacity) size *= 2;
    }
    const grown = new Uint8Array(size);
    if (chunk) grown.set(chunk);
    this.#chunks[index] = grown;
    return grown;
  }

  /** Truncates to `length`, or extends with zeros. */
  truncate(length: number): void {
    if (length < this.#length) {
      const offset = length % CHUNK_BYTES;
      const index = (length - offset) / CHUNK_BYTES;
      this.#chunks.length = Math.min(this.#chunks.length, offset === 0 ? index : index + 1);
      // Truncated bytes must not reappear when the file grows again.
      this.#chunks[index]?.fill(0, offset);
    }
    this.#length = length;
  }
}
