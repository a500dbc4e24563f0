/**
 * A connection whose peer is the test: it sends what the test gives it, and takes what is written
 * when the test says so.
 *
 * @module
 */
import type { ConnectionEnvironment } from "../../../src/network/server/connection.ts";
import type { Dispatcher } from "../../../src/network/server/dispatch.ts";
import { FrameMemory } from "../../../src/network/server/frame_memory.ts";
import { SendPool } from "../../../src/network/server/send_pool.ts";
import { KeptBytes } from "../../../src/protocol/frame.ts";
import { type Address, type Connection, ConnectionError } from "../../../src/runtime/runtime.ts";
import type { ManualClock } from "../../broker/manual_clock.ts";

/** One end of a connection. */
export class FakeConnection implements Connection {
  readonly localAddress: Address = { host: "127.0.0.1", port: 9092 };
  readonly remoteAddress: Address = { host: "127.0.0.1", port: 50_000 };
  isClosed = false;
  #unread: Uint8Array = new Uint8Array(0);
  #wake: () => void = () => {};
  #writes: (() => void)[] = [];

  get readable(): never {
    throw new Error("the fast methods are there");
  }

  get writable(): never {
    throw new Error("the fast methods are there");
  }

  /** The peer sends `bytes`. */
  send(bytes: Uint8Array): void {
    this.#unread = Uint8Array.from([...this.#unread, ...bytes]);
    this.#wake();
  }

  /** The peer takes everything that is being written. */
  take(): void {
    for (const taken of this.#writes.splice(0)) taken();
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

  writeAll(): Promise<void> {
    return new Promise((resolve) => void this.#writes.push(resolve));
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }
}

/** What connections need of their server, with requests that go to `start`. */
export function environmentOf(
  clock: ManualClock,
  start: Dispatcher<never>["start"] = () => null,
): ConnectionEnvironment {
  return {
    dispatcher: { start },
    pool: new SendPool(),
    keptBytes: new KeptBytes(1_000_000),
    frameMemory: new FrameMemory(clock),
    clock,
    logger: { log: () => {} },
    maxFrameBytes: () => 1_000,
  };
}
