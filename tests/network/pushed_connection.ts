/**
 * A connection whose unread bytes a test pushes.
 *
 * @module
 */
import { type Address, type Connection, ConnectionError } from "../../src/runtime/runtime.ts";

/** One end of a connection, with the fast methods only. Subclasses decide what becomes of writes. */
export abstract class PushedConnection implements Connection {
  abstract readonly localAddress: Address;
  abstract readonly remoteAddress: Address;
  isClosed = false;
  #unread: Uint8Array = new Uint8Array(0);
  #wake: () => void = () => {};

  abstract writeAll(bytes: Uint8Array): Promise<void>;

  get readable(): never {
    throw new Error("the fast methods are there");
  }

  get writable(): never {
    throw new Error("the fast methods are there");
  }

  /** Adds `bytes` to those that can be read. */
  push(bytes: Uint8Array): void {
    this.#unread = Uint8Array.from([...this.#unread, ...bytes]);
    this.#wake();
  }

  async readInto(space: Uint8Array): Promise<number> {
    while (this.#unread.length === 0) {
      if (this.isClosed) throw new ConnectionError("the connection was closed here");
      await new Promise<void>((resolve) => void (this.#wake = resolve));
    }
    const part = this.#unread.subarray(0, space.length);
    space.set(part);
    this.#unread = this.#unread.subarray(part.length);
    return part.length;
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }
}
