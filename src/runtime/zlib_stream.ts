/**
 * Processes bytes with a stream of `node:zlib`, one piece at a time. Deno executes a stream on the main
 * thread, in `write` and `read`; Node in its thread pool. In both cases the next piece is requested after
 * a pause, and a stream with pending output does nothing, except for work already started in Node's pool.
 *
 * @module
 */

/** The part of a `Duplex` of `node:stream` that is used. */
export interface ZlibStream {
  /** Calls `done` once the piece is consumed, which requires that its output is read. */
  write(piece: Uint8Array, done: () => void): unknown;
  end(piece: Uint8Array): unknown;
  /** Returns all pending output, and requests more. */
  read(): Uint8Array | null;
  readonly readableLength: number;
  on(event: "readable" | "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** The input of a stream and its limits. */
export interface StreamedBytes {
  readonly bytes: Uint8Array;
  /** Bytes per write. */
  readonly inputBytes: number;
  /** Maximum bytes of output. */
  readonly maxBytes: number;
  /** Awaited before each write but the first, and before each read. */
  readonly pause: () => Promise<void>;
}

/** Bytes copied per step, in about 0.1 ms. */
const COPY_BYTES = 262_144;

/**
 * Resolves with the output of `stream` for all of the bytes. Rejects with the stream's error, with a
 * RangeError if the output exceeds `maxBytes`, or as a pause does. The stream is closed in every case.
 */
export async function throughStream(
  stream: ZlibStream,
  { bytes, inputBytes, maxBytes, pause }: StreamedBytes,
): Promise<Uint8Array> {
  const state = new StreamState(stream);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let at = 0; !state.isEnded; at += inputBytes) {
      if (at > 0) await pause();
      state.write(bytes.subarray(at, at + inputBytes), at + inputBytes >= bytes.length);
      for (await state.settled(); stream.readableLength > 0; await state.settled()) {
        await pause();
        const piece = state.read();
        if (piece === null) continue;
        length += piece.length;
        if (length > maxBytes) throw beyond(maxBytes);
        pieces.push(piece);
      }
    }
  } finally {
    stream.destroy();
  }
  return await joined(pieces, length, pause);
}

/** Returns the error of every decompressor for output that exceeds the limit. */
export function beyond(maxBytes: number): RangeError {
  return new RangeError(
    `Cannot decompress: more than the allowed ${maxBytes.toLocaleString("en-US")} bytes come out`,
  );
}

/** The state of a stream, from its events. */
class StreamState {
  readonly #stream: ZlibStream;
  #isEnded = false;
  #isUsedUp = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor(stream: ZlibStream) {
    this.#stream = stream;
    stream.on("readable", () => {
      // The end event requires a read, even without output.
      if (stream.readableLength === 0) stream.read();
      this.#wake();
    });
    stream.on("end", () => {
      this.#isEnded = true;
      this.#wake();
    });
    stream.on("error", (error) => {
      this.#error = error;
      this.#wake();
    });
    stream.on("close", () => {
      if (!this.#isEnded) this.#error ??= new Error("The stream was closed before its end");
      this.#wake();
    });
  }

  /** Whether all output has been read. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  write(piece: Uint8Array, isLast: boolean): void {
    this.#isUsedUp = false;
    if (isLast) this.#stream.end(piece);
    else {
      this.#stream.write(piece, () => {
        this.#isUsedUp = true;
        this.#wake();
      });
    }
  }

  read(): Uint8Array | null {
    return this.#stream.read();
  }

  /** Resolves when the stream is idle: it has output, needs input or has ended. */
  async settled(): Promise<void> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#stream.readableLength > 0 || this.#isUsedUp || this.#isEnded) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

async function joined(
  pieces: readonly Uint8Array[],
  length: number,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  let copied = 0;
  for (const piece of pieces) {
    if (copied >= COPY_BYTES) {
      await pause();
      copied = 0;
    }
    whole.set(piece, at);
    at += piece.length;
    copied += piece.length;
  }
  return whole;
}
