/**
 * A {@linkcode Connection} over a socket of `node:net`.
 *
 * @module
 */

import type * as net from "node:net";
import { unmappedHost } from "../ip_address.ts";
import { type Address, type Connection, ConnectionError } from "../runtime.ts";
import { readableOver, writableOver } from "../streams.ts";

/** Unread bytes at which the socket is paused, so that TCP slows down the peer. */
const MAX_UNREAD_BYTES = 256 * 1024;

interface PendingRead {
  readonly buffer: Uint8Array;
  readonly resolve: (count: number | null) => void;
  readonly reject: (error: ConnectionError) => void;
}

/** A connected socket, created with `allowHalfOpen` and not yet flowing. */
export class NodeConnection implements Connection {
  /** The local address. */
  readonly localAddress: Address;
  /** The peer's address. */
  readonly remoteAddress: Address;
  /** Unread chunks; the first one from `#offset` on. */
  readonly #unread: Uint8Array[] = [];
  #offset = 0;
  #unreadBytes = 0;
  #paused = true;
  #ended = false;
  #failure: ConnectionError | undefined;
  #pendingRead: PendingRead | undefined;
  readonly #pendingWrites = new Set<(error: ConnectionError) => void>();
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(readonly socket: net.Socket) {
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = socket;
    this.localAddress = { host: unmappedHost(localAddress), port: localPort };
    this.remoteAddress = { host: unmappedHost(remoteAddress), port: remotePort };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", (cause) => this.#fail(cause.message, cause));
    socket.on("close", () => this.#fail("the connection was closed"));
    socket.pause();
  }

  /** See {@linkcode Connection.readable}. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOver(this);
  }

  /** See {@linkcode Connection.writable}. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOver(this);
  }

  #receive(chunk: Uint8Array): void {
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#pendingRead) {
      const { buffer, resolve } = this.#pendingRead;
      this.#pendingRead = undefined;
      resolve(this.#take(buffer));
    }
    if (this.#unreadBytes >= MAX_UNREAD_BYTES && !this.#paused) {
      this.#paused = true;
      this.socket.pause();
    }
  }

  #end(): void {
    this.#ended = true;
    if (this.#unreadBytes === 0) {
      this.#pendingRead?.resolve(null);
      this.#pendingRead = undefined;
    }
  }

  /** Keeps the first reason. Data received before can still be read, unless closed locally. */
  #fail(why: string, cause?: Error): void {
    this.#failure ??= new ConnectionError(
      `Cannot go on with ${this.remoteAddress.host}:${this.remoteAddress.port}: ${why}`,
      cause ? { cause } : undefined,
    );
    const failure = this.#failure;
    this.#pendingRead?.reject(failure);
    this.#pendingRead = undefined;
    for (const reject of this.#pendingWrites) reject(failure);
    this.#pendingWrites.clear();
  }

  /** Moves as many unread bytes as fit into `buffer`. There must be some. */
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
    this.#unreadBytes -= count;
    return count;
  }

  /** See {@linkcode Connection.readInto}. */
  readInto(buffer: Uint8Array): Promise<number | null> {
    if (this.#unreadBytes > 0) return Promise.resolve(this.#take(buffer));
    if (this.#ended && !this.socket.destroyed) return Promise.resolve(null);
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#pendingRead) {
      return Promise.reject(new ConnectionError("Cannot read: another read is under way"));
    }
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, resolve, reject };
      if (this.#paused) {
        this.#paused = false;
        this.socket.resume();
      }
    });
  }

  /** See {@linkcode Connection.writeAll}. */
  writeAll(bytes: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#pendingWrites.add(reject);
      this.socket.write(bytes, (cause) => {
        this.#pendingWrites.delete(reject);
        if (!cause) resolve();
        else {
          this.#fail(cause.message, cause);
          reject(this.#failure);
        }
      });
    });
  }

  /** See {@linkcode Connection.close}. */
  close(): void {
    this.#unread.length = 0;
    this.#unreadBytes = 0;
    this.#ended = false;
    this.#fail("the connection was closed here");
    this.socket.destroy();
  }
}
