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
import type { Address } from "../../../src/runtime/runtime.ts";
import { PushedConnection } from "../pushed_connection.ts";
import type { ManualClock } from "../../broker/manual_clock.ts";

/** One end of a connection. */
export class FakeConnection extends PushedConnection {
  readonly localAddress: Address = { host: "127.0.0.1", port: 9092 };
  readonly remoteAddress: Address = { host: "127.0.0.1", port: 50_000 };
  #writes: (() => void)[] = [];

  /** The peer takes everything that is being written. */
  take(): void {
    for (const taken of this.#writes.splice(0)) taken();
  }

  writeAll(): Promise<void> {
    return new Promise((resolve) => void this.#writes.push(resolve));
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
