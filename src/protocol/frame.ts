/**
 * Length-prefixed frames. {@linkcode FrameParser} extracts frames in place from the buffer that it
 * provides for reading; {@linkcode FrameDecoderStream} is the same parser as a TransformStream.
 *
 * The buffer grows with the bytes received, not with the announced length: a peer that announces 90
 * MiB and sends nothing holds 2 KB. After 8 MiB have arrived, the buffer grows to the size of the
 * whole frame.
 *
 * @module
 */
import { type ForeignOpening, recognizeForeignOpening } from "./foreign_protocol.ts";
import { type ByteWriter, ProtocolError } from "./wire.ts";

/** Size of the length prefix in bytes. */
const PREFIX = 4;
/** Buffer size of a new connection. */
const INITIAL_BYTES = 2 * 1024;
/** Maximum buffer size while a connection is idle. */
const MAX_IDLE_BYTES = 64 * 1024;
/** Maximum bytes of one read on a busy connection. Larger reads are not cheaper per byte. */
const READ_AHEAD = 1024 * 1024;
/**
 * Maximum buffer size kept between bursts: enough for a frame of the default `message.max.bytes`,
 * just over 1 MiB.
 */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
/**
 * From this size on, a buffer grows to the size of its whole frame instead of doubling. Copying a
 * buffer of this size takes 5 ms, and copying larger ones would delay other connections. Hosts back
 * only the pages that are written with memory.
 */
const MIN_FULL_FRAME_BYTES = 8 * 1024 * 1024;
/** The buffer is halved after this many small exchanges in a row. */
const SMALL_EXCHANGES = 16;
const MAX_SPARES = 4;

/**
 * Buffers between {@linkcode MAX_IDLE_BYTES} and {@linkcode READ_AHEAD} bytes, reused by later connections.
 */
const spares: Uint8Array<ArrayBuffer>[] = [];

/**
 * A budget, shared by several parsers, for large buffers kept while their peers are idle. A busy
 * peer is idle between bursts, and allocating a buffer for each burst costs more than reading into
 * it.
 */
export class KeptBytes {
  #left: number;

  /** Creates a budget of `limit` bytes. */
  constructor(limit: number) {
    this.#left = limit;
  }

  /**
   * Takes `bytes` from the budget, or returns them if negative. Returns false if the budget is
   * exhausted.
   */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

/** Thrown when the first frame length of a connection is the opening of another protocol. */
export class ForeignProtocolError extends ProtocolError {
  /** `opening` describes what the peer sent. */
  constructor(readonly opening: ForeignOpening) {
    super(`The bytes begin ${opening.sent}, not a frame`);
  }
}

/**
 * Extracts frames from received bytes. The owner reads into {@linkcode space}, reports the number of
 * bytes with {@linkcode filled}, takes frames with {@linkcode next} until it returns null, and
 * repeats.
 *
 * ```ts
 * import { FrameParser } from "./frame.ts";
 *
 * const parser = new FrameParser(1024);
 * parser.space().set([0, 0, 0, 2, 7, 8]);
 * parser.filled(6);
 * parser.next(); // Uint8Array [7, 8]
 * parser.next(); // null
 * ```
 */
export class FrameParser {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_BYTES);
  #start = 0;
  #end = 0;
  /** Whether no frame has been taken yet. */
  #isFirst = true;
  /** Size of the incomplete frame with its length prefix, 0 while its length is unknown. */
  #needed = 0;
  /** Length of the last space, and whether a read filled it. */
  #spaceLength = 0;
  #wasFilled = false;
  /** Bytes received since the buffer was last empty, and the number of small exchanges in a row. */
  #received = 0;
  #smallExchanges = 0;
  readonly #keptBytes: KeptBytes | null;
  /** Bytes this parser has taken from the shared budget. */
  #kept = 0;

  /**
   * Rejects frames larger than `maxFrameBytes`, the length prefix not counted. Between bursts a
   * buffer of more than 64 KiB is kept only within the budget of `keptBytes`.
   */
  constructor(readonly maxFrameBytes: number, keptBytes: KeptBytes | null = null) {
    this.#keptBytes = keptBytes;
  }

  /** Number of received bytes not yet taken as frames. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Bytes missing from the incomplete frame, 0 if there is none or its length is unknown. */
  get missing(): number {
    return Math.max(0, this.#needed - this.buffered);
  }

  /** Size of the buffer in bytes. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /**
   * Returns where to read the next bytes into, never empty. All received frames must have been
   * taken; their views become invalid.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#start === this.#end) this.#resizeIdleBuffer();
    else this.#ensureSpace();
    const space = this.#bytes.subarray(this.#end);
    this.#spaceLength = space.length;
    return space;
  }

  /**
   * Reports bytes read into the last space: either their number, or the view returned by a BYOB
   * reader, whose memory has moved to another ArrayBuffer.
   */
  filled(bytes: number | Uint8Array<ArrayBuffer>): void {
    let count: number;
    if (typeof bytes === "number") count = bytes;
    else {
      count = bytes.length;
      this.#bytes = new Uint8Array(bytes.buffer);
    }
    if (count > this.#spaceLength) {
      throw new RangeError(`Cannot take ${count} bytes: the space had ${this.#spaceLength}`);
    }
    this.#wasFilled = count === this.#spaceLength;
    this.#spaceLength -= count;
    this.#end += count;
    this.#received += count;
  }

  /**
   * Returns the next whole frame without its length prefix, or null if more bytes are needed. The
   * frame is a view into the buffer, valid until the next call of {@linkcode space}. Throws
   * {@linkcode ProtocolError} if the length is negative or over the limit, since the bytes after it
   * cannot be interpreted; {@linkcode ForeignProtocolError} if these are the first bytes of the
   * connection and belong to a known protocol.
   */
  next(): Uint8Array<ArrayBuffer> | null {
    const available = this.#end - this.#start;
    if (available < PREFIX) {
      this.#needed = 0;
      return null;
    }
    const bytes = this.#bytes;
    const at = this.#start;
    const length = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
    if (length < 0 || length > this.maxFrameBytes) throw this.#badLength(length);
    this.#needed = PREFIX + length;
    if (available < this.#needed) return null;
    this.#start += this.#needed;
    this.#isFirst = false;
    return bytes.subarray(at + PREFIX, this.#start);
  }

  /**
   * What the peer sent if its first bytes belong to a known protocol other than Kafka's, or null.
   * Needed only with a frame limit so large that {@linkcode next} waits for a frame of that length.
   */
  get foreignOpening(): ForeignOpening | null {
    if (!this.#isFirst || this.buffered < PREFIX) return null;
    const { buffer, byteOffset } = this.#bytes;
    return recognizeForeignOpening(new DataView(buffer, byteOffset).getInt32(this.#start));
  }

  /** Returns the bytes taken from the shared budget. Call it when the connection has ended. */
  close(): void {
    this.#releaseKeptBytes();
  }

  /** Chooses the buffer for waiting. The current buffer is empty. */
  #resizeIdleBuffer(): void {
    const capacity = this.#bytes.length;
    const received = this.#received;
    this.#start =
      this.#end =
      this.#needed =
      this.#received =
        0;
    if (this.#wasFilled) {
      // More bytes are pending, so the next read returns at once.
      this.#smallExchanges = 0;
      if (capacity < READ_AHEAD) this.#replace(capacity * 2);
      return;
    }
    if (capacity > MAX_IDLE_BYTES && !this.#tryKeep(capacity)) return this.#replace(MAX_IDLE_BYTES);
    if (received * 4 > capacity || capacity === INITIAL_BYTES) this.#smallExchanges = 0;
    else if (++this.#smallExchanges === SMALL_EXCHANGES) {
      this.#smallExchanges = 0;
      this.#replace(capacity / 2);
    }
  }

  #tryKeep(capacity: number): boolean {
    if (capacity > MAX_KEPT_BYTES || !this.#keptBytes?.take(capacity - this.#kept)) return false;
    this.#kept = capacity;
    return true;
  }

  #releaseKeptBytes(): void {
    this.#keptBytes?.take(-this.#kept);
    this.#kept = 0;
  }

  /** Moves the incomplete frame to the front, or to a larger buffer if it does not fit. */
  #ensureSpace(): void {
    const capacity = this.#bytes.length;
    const needsSpace = capacity - this.#start < this.#needed ||
      (capacity - this.#end) * 2 < capacity;
    if (this.#start > 0 && needsSpace) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const isFull = this.#end === capacity;
    if (!isFull && !(this.#wasFilled && capacity < READ_AHEAD)) return;
    if (isFull && this.#needed <= capacity) {
      throw new Error("Cannot provide space: received frames were not taken");
    }
    const target = capacity < MIN_FULL_FRAME_BYTES ? capacity * 2 : Infinity;
    // One byte more than needed: a read that ends with the frame must not fill the space, which
    // would mean that more is pending.
    this.#replace(Math.min(target, Math.max(this.#needed + 1, READ_AHEAD)));
  }

  /** Continues with a buffer of `capacity` bytes, large enough for the buffered bytes. */
  #replace(capacity: number): void {
    if (capacity <= MAX_IDLE_BYTES) this.#releaseKeptBytes();
    const old = this.#bytes;
    const buffered = old.subarray(this.#start, this.#end);
    const index = spares.findIndex((spare) => spare.length === capacity);
    this.#bytes = index < 0 ? new Uint8Array(capacity) : spares.splice(index, 1)[0]!;
    this.#bytes.set(buffered);
    this.#end = buffered.length;
    this.#start = 0;
    const isWorthKeeping = old.length >= MAX_IDLE_BYTES && old.length <= READ_AHEAD;
    if (isWorthKeeping && spares.length < MAX_SPARES) spares.push(old);
  }

  #badLength(length: number): ProtocolError {
    const opening = this.foreignOpening;
    if (opening !== null) return new ForeignProtocolError(opening);
    return new ProtocolError(
      length < 0
        ? `A frame cannot have ${length} bytes`
        : `A frame announces ${length.toLocaleString("en")} bytes, the limit is ${
          this.maxFrameBytes.toLocaleString("en")
        }`,
    );
  }
}

/**
 * Splits a byte stream into frames without their length prefixes, each in memory of its own. Errors
 * with {@linkcode ProtocolError} if a length is negative or over the limit, or if the stream ends
 * within a frame.
 */
export class FrameDecoderStream extends TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  /** Rejects frames larger than `maxFrameBytes`. */
  constructor(maxFrameBytes: number) {
    const parser = new FrameParser(maxFrameBytes);
    super({
      transform(chunk, controller) {
        for (let at = 0; at < chunk.length;) {
          const space = parser.space();
          const part = chunk.subarray(at, at + space.length);
          space.set(part);
          parser.filled(part.length);
          at += part.length;
          for (let frame = parser.next(); frame !== null; frame = parser.next()) {
            controller.enqueue(frame.slice());
          }
        }
      },
      flush() {
        if (parser.buffered > 0) {
          throw new ProtocolError(`The bytes end ${parser.buffered} bytes into a frame`);
        }
      },
    });
  }
}

/** Begins a frame and returns its position for {@linkcode finishFrame}. */
export function startFrame(writer: ByteWriter): number {
  return writer.reserve(PREFIX);
}

/**
 * Ends the frame begun at `start` by writing its length, that of record sources included. No other
 * frame in the writer may have record sources.
 */
export function finishFrame(writer: ByteWriter, start: number): void {
  writer.patchInt32(start, writer.totalLength - start - PREFIX);
}
