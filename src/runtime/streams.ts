/**
 * The Web Streams of a {@linkcode Connection}, implemented for every runtime over its `readInto` and
 * `writeAll`. Deno's own streams close the whole socket when the peer ends its side, and Node's buffer
 * before a read. These do neither, so half-closed connections, back-pressure and `close()` behave the
 * same everywhere.
 *
 * @module
 */

/** The operations that the streams use. */
export interface ByteChannel {
  /** See {@linkcode Connection.readInto}. */
  readInto(buffer: Uint8Array): Promise<number | null>;
  /** See {@linkcode Connection.writeAll}. */
  writeAll(bytes: Uint8Array): Promise<void>;
  /** See {@linkcode Connection.close}. */
  close(): void;
}

/** Size of the buffer for a reader that does not supply its own, in bytes. */
const DEFAULT_CHUNK_BYTES = 64 * 1024;

/** Returns a byte stream that reads from the channel, only on demand. Cancelling it closes the channel. */
export function readableOver(channel: ByteChannel): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: DEFAULT_CHUNK_BYTES,
    async pull(controller): Promise<void> {
      const request = controller.byobRequest!;
      const view = request.view!;
      const count = await channel.readInto(
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
      );
      if (count === null) {
        controller.close();
        request.respond(0);
      } else {
        request.respond(count);
      }
    },
    cancel(): void {
      channel.close();
    },
  }, { highWaterMark: 0 });
}

/**
 * Returns a stream whose chunks are written to the channel one at a time. Closing or aborting it closes
 * the channel: half-closing is not supported, since no Kafka peer uses it.
 */
export function writableOver(channel: ByteChannel): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (chunk): Promise<void> => channel.writeAll(chunk),
    close: (): void => channel.close(),
    abort: (): void => channel.close(),
  });
}
