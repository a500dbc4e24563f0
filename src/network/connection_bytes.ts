/**
 * The bytes of a connection, by its fast path where it has one and by its Web Streams otherwise.
 *
 * @module
 */
import type { Connection } from "../runtime/runtime.ts";

/**
 * Reads into `space` and returns the number of bytes, or a view of them where the memory of `space` was
 * transferred; null at the end of the peer's stream. `FrameParser.filled` takes either.
 */
export type ReadBytes = (
  space: Uint8Array<ArrayBuffer>,
) => Promise<number | Uint8Array<ArrayBuffer> | null>;

/** Writes all of `bytes`, which must not change until the promise settles. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/** Returns a function that reads from `connection`. */
export function readerOf(connection: Connection): ReadBytes {
  if (connection.readInto !== undefined) return (space) => connection.readInto!(space);
  const reader = connection.readable.getReader({ mode: "byob" });
  return async (space) => {
    const { value, done } = await reader.read(space);
    return done || value === undefined ? null : value;
  };
}

/** Returns a function that writes to `connection`. */
export function writerOf(connection: Connection): WriteBytes {
  if (connection.writeAll !== undefined) return (bytes) => connection.writeAll!(bytes);
  const writer = connection.writable.getWriter();
  return (bytes) => writer.write(bytes);
}
