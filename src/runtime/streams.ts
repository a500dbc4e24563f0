/**
 * The Web Streams of a {@linkcode Connection}, made once for every runtime over its `readInto` and
 * `writeAll`. Deno's own streams close the whole socket when the peer ends its side, Node's buffer
 * without being asked: these do neither, so a half-closed connection, back-pressure and `close()`
 * mean the same everywhere.
 *
 * @module
 */

/** What the streams are made of. */
export interface ByteChannel {
  /** As {@linkcode Connection.readInto}. */
  readInto(buffer: Uint8Array): Promise<number | null>;
  /** As {@linkcode Connection.writeAll}. */
  writeAll(bytes: Uint8Array): Promise<void>;
  /** As {@linkcode Connection.close}. */
  close(): void;
}

/** The buffer a reader without one of its own is given, in bytes. */
const DEFAULT_CHUNK_BYTES = 64 * 1024;

/** A byte stream of what the channel reads. Nothing is read before somebody asks. Cancelling closes the channel. */
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
 * A stream whose chunks the channel writes, one at a time. Closing or aborting it closes the
 * channel: TCP's half-close is not offered, since no Kafka peer uses it.
 */
export function writableOver(channel: ByteChannel): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (chunk): Promise<void> => channel.writeAll(chunk),
    close: (): void => channel.close(),
    abort: (): void => channel.close(),
  });
}
