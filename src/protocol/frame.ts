/**
 * Length-prefixed frames. {@linkcode FrameParser} cuts them in place, in a buffer that it hands out
 * to be read into; {@linkcode FrameDecoderStream} is the same parser as a TransformStream.
 *
 * A buffer grows because bytes have arrived, not because a header announces them: a peer that
 * announces 90 MiB and sends nothing holds 2 KB. One that has sent 8 MiB gets room for its whole frame.
 *
 * @module
 */
import { type ForeignOpening, recognizeForeignOpening } from "./foreign_protocol.ts";
import { type ByteWriter, ProtocolError } from "./wire.ts";

/** Bytes of the length before a frame. */
const PREFIX = 4;
/** What a fresh connection reads into. */
const INITIAL = 2 * 1024;
/** The most a connection keeps while it waits for a peer that has nothing under way. */
const KEPT = 64 * 1024;
/** What a busy connection reads at once: beyond it a read no longer gets cheaper. */
const READ_AHEAD = 1024 * 1024;
/** The most that is kept between bursts: a frame of `message.max.bytes` by default, a little over 1 MiB, fits. */
const MOST_KEPT = 2 * 1024 * 1024;
/**
 * A buffer of so many bytes grows to all that its frame needs: copying it takes 5 ms, and larger ones
 * would delay other connections. Hosts give memory to the pages only that are written to.
 */
const LAST_DOUBLED = 8 * 1024 * 1024;
/** After so many small exchanges in a row the buffer is halved. */
const SMALL_EXCHANGES = 16;
const MOST_SPARES = 4;

/** Buffers from {@linkcode KEPT} to {@linkcode READ_AHEAD}, between one connection and the next. */
const spares: Uint8Array<ArrayBuffer>[] = [];

/**
 * What several parsers together may keep in large buffers while their peers are quiet. A busy peer
 * is quiet between any two of its bursts, and a new buffer for each burst costs more than the read.
 */
export class KeptBytes {
  #left: number;

  /** `most` bytes at one time. */
  constructor(most: number) {
    this.#left = most;
  }

  /** Takes `bytes`, or gives them back when they are negative. False when there are not so many. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

/** Thrown in place of a first frame whose length is no length: the peer speaks another protocol. */
export class ForeignProtocolError extends ProtocolError {
  /** `opening` is what the peer sent. */
  constructor(readonly opening: ForeignOpening) {
    super(`The bytes begin ${opening.sent}, not a frame`);
  }
}

/**
 * Cuts frames out of what is read. The owner reads into {@linkcode space}, says with
 * {@linkcode filled} how much came, takes frames with {@linkcode next} until there is none, and
 * begins again.
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
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL);
  #start = 0;
  #end = 0;
  /** Whether no frame has been taken yet. */
  #isFirst = true;
  /** Bytes that the frame under way takes with its length, 0 while that is unknown. */
  #needed = 0;
  /** How long the last space was, and whether a read has filled all of it. */
  #spaceLength = 0;
  #wasFilled = false;
  /** Bytes since the buffer was empty, and for how many times in a row they were few. */
  #received = 0;
  #smallExchanges = 0;
  readonly #keptBytes: KeptBytes | null;
  /** What this parser has taken of them. */
  #kept = 0;

  /**
   * Frames of more than `maxFrameBytes`, their length not counted, are refused. Between bursts a
   * buffer of more than 64 KiB is kept only as part of `keptBytes`.
   */
  constructor(readonly maxFrameBytes: number, keptBytes: KeptBytes | null = null) {
    this.#keptBytes = keptBytes;
  }

  /** Bytes that have arrived and are not yet taken as frames. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Bytes that the frame under way still lacks, 0 when there is none or its length is not known. */
  get missing(): number {
    return Math.max(0, this.#needed - this.buffered);
  }

  /** Bytes the parser holds on to. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /**
   * Where to read the next bytes into, never empty. All frames that have arrived must have been
   * taken, and their views are invalid from here on.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#start === this.#end) this.#settle();
    else this.#makeRoom();
    const space = this.#bytes.subarray(this.#end);
    this.#spaceLength = space.length;
    return space;
  }

  /**
   * Tells that bytes have been read into the last space: either how many, or the view a BYOB reader
   * gave back, whose memory has moved to another ArrayBuffer.
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
   * The next whole frame without its length, or null when more bytes are needed. It is a view into
   * the buffer, valid until {@linkcode space} is asked for. Throws {@linkcode ProtocolError} when
   * the length is negative or over the limit: nothing after it can be trusted. It is a
   * {@linkcode ForeignProtocolError} when these are the first bytes and of a known protocol.
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
   * What the peer sent when its first bytes are of a known protocol that is not Kafka's, or null.
   * Only a limit above such a length leaves {@linkcode next} waiting for a frame of that length.
   */
  get foreignOpening(): ForeignOpening | null {
    if (!this.#isFirst || this.buffered < PREFIX) return null;
    const { buffer, byteOffset } = this.#bytes;
    return recognizeForeignOpening(new DataView(buffer, byteOffset).getInt32(this.#start));
  }

  /** Gives back what was taken of the kept bytes: the peer has gone. */
  close(): void {
    this.#keepNothing();
  }

  /** The buffer is empty: chooses the one to wait with. */
  #settle(): void {
    const capacity = this.#bytes.length;
    const received = this.#received;
    this.#start =
      this.#end =
      this.#needed =
      this.#received =
        0;
    if (this.#wasFilled) {
      // More is waiting, so the next read returns at once.
      this.#smallExchanges = 0;
      if (capacity < READ_AHEAD) this.#replace(capacity * 2);
      return;
    }
    if (capacity > KEPT && !this.#mayKeep(capacity)) return this.#replace(KEPT);
    if (received * 4 > capacity || capacity === INITIAL) this.#smallExchanges = 0;
    else if (++this.#smallExchanges === SMALL_EXCHANGES) {
      this.#smallExchanges = 0;
      this.#replace(capacity / 2);
    }
  }

  #mayKeep(capacity: number): boolean {
    if (capacity > MOST_KEPT || !this.#keptBytes?.take(capacity - this.#kept)) return false;
    this.#kept = capacity;
    return true;
  }

  #keepNothing(): void {
    this.#keptBytes?.take(-this.#kept);
    this.#kept = 0;
  }

  /** A frame is under way: moves it to the front, or to a larger buffer, when it needs the room. */
  #makeRoom(): void {
    const capacity = this.#bytes.length;
    const isCramped = capacity - this.#start < this.#needed ||
      (capacity - this.#end) * 2 < capacity;
    if (this.#start > 0 && isCramped) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const isFull = this.#end === capacity;
    if (!isFull && !(this.#wasFilled && capacity < READ_AHEAD)) return;
    if (isFull && this.#needed <= capacity) {
      throw new Error("Cannot give space: frames that have arrived were not taken");
    }
    const wanted = capacity < LAST_DOUBLED ? capacity * 2 : Infinity;
    // One more than needed, so that a frame's end does not look like a read that left some behind.
    this.#replace(Math.min(wanted, Math.max(this.#needed + 1, READ_AHEAD)));
  }

  /** Goes on with a buffer of `capacity` bytes, which what is held fits into. */
  #replace(capacity: number): void {
    if (capacity <= KEPT) this.#keepNothing();
    const old = this.#bytes;
    const held = old.subarray(this.#start, this.#end);
    const index = spares.findIndex((spare) => spare.length === capacity);
    this.#bytes = index < 0 ? new Uint8Array(capacity) : spares.splice(index, 1)[0]!;
    this.#bytes.set(held);
    this.#end = held.length;
    this.#start = 0;
    const isWorthKeeping = old.length >= KEPT && old.length <= READ_AHEAD;
    if (isWorthKeeping && spares.length < MOST_SPARES) spares.push(old);
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
 * Cuts a stream of bytes into frames without their lengths, each in memory of its own. Errors with
 * {@linkcode ProtocolError} when a length is negative or over the limit, and when the bytes end
 * within a frame.
 */
export class FrameDecoderStream extends TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  /** Frames of more than `maxFrameBytes` are refused. */
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

/** Begins a frame and returns where: what {@linkcode finishFrame} takes. */
export function startFrame(writer: ByteWriter): number {
  return writer.reserve(PREFIX);
}

/**
 * Ends the frame begun at `start`: writes its length, that of record sources included. The frame
 * must be the only one in the writer that has any.
 */
export function finishFrame(writer: ByteWriter, start: number): void {
  writer.patchInt32(start, writer.totalLength - start - PREFIX);
}
