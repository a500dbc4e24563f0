/**
 * One end of a simulated TCP connection.
 *
 * @module
 */

import { type Address, type Connection, ConnectionError } from "../runtime/runtime.ts";
import { readableOver, writableOver } from "../runtime/streams.ts";
import type { Pipe } from "./simulated_network.ts";
import { markOf } from "./trace.ts";

/** What may be on the way to a peer or unread there, in bytes. A writer waits beyond this. */
const WINDOW_BYTES = 1024 * 1024;
/** A reader tells its peer once it has taken this much. */
const WINDOW_UPDATE_BYTES = WINDOW_BYTES / 4;
/** One write in this many arrives in several pieces. */
const SPLIT_ONE_IN = 4;

interface PendingRead {
  readonly buffer: Uint8Array;
  readonly resolve: (count: number | null) => void;
  readonly reject: (error: ConnectionError) => void;
}

interface PendingWrite {
  readonly bytes: Uint8Array;
  done: number;
  readonly resolve: () => void;
  readonly reject: (error: ConnectionError) => void;
}

/** One end. `join` connects it with the other. */
export class SimulatedConnection implements Connection {
  #peer: SimulatedConnection | undefined;
  /** Received and not read yet; the first chunk from `#offset` on. */
  readonly #unread: Uint8Array[] = [];
  #offset = 0;
  #ended = false;
  #closed = false;
  /** The process that had this end is gone: nobody hears of anything any more. */
  #orphaned = false;
  #failure: ConnectionError | undefined;
  #pendingRead: PendingRead | undefined;
  readonly #pendingWrites: PendingWrite[] = [];
  /** Sent, and not known to be read. */
  #outstanding = 0;
  /** Read, and not told to the peer yet. */
  #consumed = 0;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** `out` leads to the other end; `forget` is called once when this end needs no care any more. */
  constructor(
    readonly localAddress: Address,
    readonly remoteAddress: Address,
    readonly out: Pipe,
    readonly forget: (connection: SimulatedConnection) => void,
  ) {}

  /** Makes this and `peer` the two ends of one connection. */
  join(peer: SimulatedConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  /** As {@linkcode Connection.readable}. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOver(this);
  }

  /** As {@linkcode Connection.writable}. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOver(this);
  }

  /** As {@linkcode Connection.readInto}. */
  readInto(buffer: Uint8Array): Promise<number | null> {
    if (this.#orphaned) return new Promise(() => {});
    if (this.#unread.length > 0) return Promise.resolve(this.#take(buffer));
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(null);
    if (this.#pendingRead) {
      return Promise.reject(new ConnectionError("Cannot read: another read is under way"));
    }
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, resolve, reject };
    });
  }

  #take(buffer: Uint8Array): number {
    let count = 0;
    while (count < buffer.length && this.#unread.length > 0) {
      const chunk = this.#unread[0]!;
      const length = Math.min(buffer.length - count, chunk.length - this.#offset);
      buffer.set(chunk.subarray(this.#offset, this.#offset + length), count);
      count += length;
      this.#offset += length;
      if (this.#offset === chunk.length) {
        this.#unread.shift();
        this.#offset = 0;
      }
    }
    this.#consumed += count;
    if (this.#consumed >= WINDOW_UPDATE_BYTES) {
      const consumed = this.#consumed;
      const peer = this.#peer!;
      this.#consumed = 0;
      this.out.send(() => {
        peer.#outstanding -= consumed;
        peer.#pump();
      });
    }
    return count;
  }

  /** As {@linkcode Connection.writeAll}. */
  writeAll(bytes: Uint8Array): Promise<void> {
    if (this.#orphaned) return new Promise(() => {});
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#pendingWrites.push({ bytes, done: 0, resolve, reject });
      this.#pump();
    });
  }

  /** Sends what the window has room for. */
  #pump(): void {
    while (this.#pendingWrites.length > 0) {
      const write = this.#pendingWrites[0]!;
      const count = Math.min(write.bytes.length - write.done, WINDOW_BYTES - this.#outstanding);
      if (count > 0) this.#send(write.bytes.slice(write.done, write.done + count));
      write.done += count;
      if (write.done < write.bytes.length) return;
      this.#pendingWrites.shift();
      write.resolve();
    }
  }

  #send(bytes: Uint8Array): void {
    this.#outstanding += bytes.length;
    const { random } = this.out.network;
    let start = 0;
    if (bytes.length > 1 && random.oneIn(SPLIT_ONE_IN)) {
      for (let cuts = random.between(1, 3); cuts > 0 && start < bytes.length - 1; cuts--) {
        const end = random.between(start + 1, bytes.length - 1);
        this.#sendPiece(bytes.subarray(start, end));
        start = end;
      }
    }
    this.#sendPiece(bytes.subarray(start));
  }

  #sendPiece(piece: Uint8Array): void {
    const peer = this.#peer!;
    this.out.send(() => peer.#receive(piece));
  }

  #receive(piece: Uint8Array): void {
    this.#traceArrival(markOf(piece));
    if (this.#closed || this.#orphaned) {
      this.#sendReset();
      return;
    }
    if (this.#failure) return;
    this.#unread.push(piece);
    if (this.#pendingRead) {
      const { buffer, resolve } = this.#pendingRead;
      this.#pendingRead = undefined;
      resolve(this.#take(buffer));
    }
  }

  #receiveEnd(): void {
    this.#traceArrival("end");
    this.#ended = true;
    this.#pendingRead?.resolve(null);
    this.#pendingRead = undefined;
  }

  #receiveReset(): void {
    this.#traceArrival("reset");
    this.#fail("the peer has reset the connection");
    this.forget(this);
  }

  /** A machine without power answers nothing. */
  #sendReset(): void {
    const peer = this.#peer!;
    if (this.out.from.hasPower) this.out.send(() => peer.#receiveReset());
  }

  #fail(why: string): void {
    const { host, port } = this.remoteAddress;
    this.#failure ??= new ConnectionError(`Cannot go on with ${host}:${port}: ${why}`);
    this.#pendingRead?.reject(this.#failure);
    this.#pendingRead = undefined;
    for (const { reject } of this.#pendingWrites.splice(0)) reject(this.#failure);
  }

  #traceArrival(what: string): void {
    const { localAddress: to, remoteAddress: from } = this;
    this.out.network.trace(`net ${from.host}:${from.port}>${to.host}:${to.port} ${what}`);
  }

  /** As {@linkcode Connection.close}. */
  close(): void {
    if (this.#closed || this.#orphaned) return;
    this.#closed = true;
    this.#fail("the connection was closed here");
    this.#leave();
  }

  /** The process has ended; with `silent`, its machine has lost power and says nothing. */
  orphan(silent: boolean): void {
    if (this.#closed || this.#orphaned) return;
    this.#orphaned = true;
    // Whoever awaits these has ended too: they never settle.
    this.#pendingRead = undefined;
    this.#pendingWrites.length = 0;
    if (silent) this.forget(this);
    else this.#leave();
  }

  #leave(): void {
    // As TCP does: data that nobody will read are answered by a reset.
    const unread = this.#unread.length > 0;
    this.#unread.length = 0;
    const peer = this.#peer;
    if (unread || this.#orphaned) this.#sendReset();
    else this.out.send(() => peer!.#receiveEnd());
    this.forget(this);
  }
}
