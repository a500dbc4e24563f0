/**
 * One end of a simulated TCP connection.
 *
 * The parts of the kernel (buffers, the window, resets) work while the process is paused. The process
 * is notified when it resumes.
 *
 * @module
 */

import { type Address, type Connection, ConnectionError } from "../runtime/runtime.ts";
import { readableOver, writableOver } from "../runtime/streams.ts";
import type { Pipe } from "./pipe.ts";
import type { ProcessEvents } from "./process_events.ts";
import { markOf } from "./trace.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** Maximum of bytes that travel to a peer or wait there to be read. A writer waits beyond this. */
const WINDOW_BYTES = 1024 * 1024;
/** A reader updates its peer's window after reading this much. */
const WINDOW_UPDATE_BYTES = WINDOW_BYTES / 4;
/** One write in this many arrives in several pieces. */
const SPLIT_ONE_IN = 4;

/** Receives all bytes that arrive, in order, for transcripts. Must not change anything. */
export interface FrameObserver {
  /** `isRequest`: the end that connected has sent it. */
  received(from: Address, to: Address, isRequest: boolean, bytes: Uint8Array): void;
}

/** The process that has a connection, as the connection sees it. */
export interface ConnectionOwner {
  readonly events: ProcessEvents;
  /** Registers a connection to be ended with the process. */
  own(connection: SimulatedConnection): void;
  /** Called once, when an end need not be orphaned any more. */
  forget(connection: SimulatedConnection): void;
}

/** What one end is given. */
export interface ConnectionSetting {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** Leads to the other end. */
  readonly out: Pipe;
  readonly owner: ConnectionOwner;
  /** Whether this end has connected, rather than accepted. */
  readonly isClient: boolean;
  /** The network's random numbers. */
  readonly random: Xoshiro128;
  readonly trace: (event: string) => void;
  readonly observer: FrameObserver | undefined;
}

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

/** One end. {@linkcode SimulatedConnection.join} connects it with the other. */
export class SimulatedConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly #setting: ConnectionSetting;
  #peer: SimulatedConnection | undefined;
  /** Received and not read yet; the first chunk from `#offset` on. */
  readonly #unread: Uint8Array[] = [];
  #offset = 0;
  #ended = false;
  #closed = false;
  /** The process that had this end has ended: nothing settles any more. */
  #orphaned = false;
  /** The kernel has given up on the peer: it answers everything that still arrives with a reset. */
  #timedOut = false;
  #failure: ConnectionError | undefined;
  #pendingRead: PendingRead | undefined;
  readonly #pendingWrites: PendingWrite[] = [];
  /** Bytes sent that are not known to be read. */
  #outstanding = 0;
  /** Bytes read of which the peer does not know yet. */
  #consumed = 0;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(setting: ConnectionSetting) {
    this.#setting = setting;
    this.localAddress = setting.localAddress;
    this.remoteAddress = setting.remoteAddress;
    setting.out.onTimeout = () => this.#timeOut();
  }

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
      this.#setting.out.send(() => {
        peer.#outstanding -= consumed;
        peer.#pump();
      });
    }
    return count;
  }

  /** As {@linkcode Connection.writeAll}. */
  writeAll(bytes: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#pendingWrites.push({ bytes, done: 0, resolve, reject });
      this.#pump();
    });
  }

  /** Sends as much as the window allows. */
  #pump(): void {
    while (this.#pendingWrites.length > 0) {
      const write = this.#pendingWrites[0]!;
      const count = Math.min(write.bytes.length - write.done, WINDOW_BYTES - this.#outstanding);
      if (count > 0) this.#send(write.bytes.slice(write.done, write.done + count));
      write.done += count;
      if (write.done < write.bytes.length) return;
      this.#pendingWrites.shift();
      this.#notify(write.resolve);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#outstanding += bytes.length;
    const { random } = this.#setting;
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
    this.#setting.out.send(() => peer.#receive(piece), piece.length);
  }

  #receive(piece: Uint8Array): void {
    this.#traceArrival(markOf(piece));
    const { observer, isClient } = this.#setting;
    observer?.received(this.remoteAddress, this.localAddress, !isClient, piece);
    if (this.#closed || this.#orphaned || this.#timedOut) {
      this.#sendReset();
      return;
    }
    if (this.#failure) return;
    this.#unread.push(piece);
    this.#wakeReader();
  }

  #receiveEnd(): void {
    this.#traceArrival("end");
    this.#ended = true;
    this.#wakeReader();
  }

  #receiveReset(): void {
    this.#traceArrival("reset");
    this.#fail("the peer reset the connection");
    this.#setting.owner.forget(this);
  }

  /** A machine without power answers nothing. */
  #sendReset(): void {
    const peer = this.#peer!;
    const { out } = this.#setting;
    if (out.link.from.hasPower) out.send(() => peer.#receiveReset());
  }

  /** Fails this end only: the connection is half-open until the peer sends something. */
  #timeOut(): void {
    if (this.#closed || this.#orphaned || this.#failure) return;
    this.#traceArrival("timeout");
    this.#timedOut = true;
    this.#fail("the peer has acknowledged nothing for too long");
    this.#setting.owner.forget(this);
  }

  /** Breaks the connection at both ends, as a device between them can. What travels is lost. */
  breakOff(): void {
    this.#receiveReset();
    this.#peer!.#receiveReset();
  }

  #fail(why: string): void {
    const { host, port } = this.remoteAddress;
    this.#failure ??= new ConnectionError(`Cannot use the connection to ${host}:${port}: ${why}`);
    const failure = this.#failure;
    this.#wakeReader();
    for (const { reject } of this.#pendingWrites.splice(0)) this.#notify(() => reject(failure));
  }

  /** Calls `settle` once the process runs. */
  #notify(settle: () => void): void {
    this.#setting.owner.events.deliver(this, settle);
  }

  #wakeReader(): void {
    if (this.#pendingRead) this.#notify(() => this.#settleRead());
  }

  #settleRead(): void {
    const read = this.#pendingRead;
    if (!read) return;
    const isSettled = this.#unread.length > 0 || this.#failure || this.#ended;
    if (!isSettled) return;
    this.#pendingRead = undefined;
    if (this.#unread.length > 0) read.resolve(this.#take(read.buffer));
    else if (this.#failure) read.reject(this.#failure);
    else read.resolve(null);
  }

  #traceArrival(what: string): void {
    const { localAddress: to, remoteAddress: from } = this;
    this.#setting.trace(`net ${from.host}:${from.port}>${to.host}:${to.port} ${what}`);
  }

  /** As {@linkcode Connection.close}. */
  close(): void {
    if (this.#closed || this.#orphaned) return;
    this.#closed = true;
    this.#fail("the connection was closed here");
    this.#leave();
  }

  /** Ends it with its process. With `silent` the machine has lost its power and says nothing. */
  orphan(silent: boolean): void {
    if (this.#closed || this.#orphaned) return;
    this.#orphaned = true;
    // The code that awaits these has ended too: they never settle.
    this.#pendingRead = undefined;
    this.#pendingWrites.length = 0;
    if (silent) this.#setting.owner.forget(this);
    else this.#leave();
  }

  #leave(): void {
    // As TCP does: data that will not be read are answered by a reset.
    const unread = this.#unread.length > 0;
    this.#unread.length = 0;
    const peer = this.#peer;
    if (unread || this.#orphaned) this.#sendReset();
    else this.#setting.out.send(() => peer!.#receiveEnd());
    this.#setting.owner.forget(this);
  }
}
