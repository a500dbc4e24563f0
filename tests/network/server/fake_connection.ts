/**
 * A connection whose peer is the test: the test sends bytes, and decides when writes complete.
 *
 * @module
 */
import type { ConnectionEnvironment } from "../../../src/network/server/connection.ts";
import type { Dispatcher } from "../../../src/network/server/dispatch.ts";
import { FrameMemory } from "../../../src/network/server/frame_memory.ts";
import { LargeAnswers } from "../../../src/network/server/large_answers.ts";
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

  /** Completes all writes in flight. */
  take(): void {
    for (const taken of this.#writes.splice(0)) taken();
  }

  writeAll(): Promise<void> {
    return new Promise((resolve) => void this.#writes.push(resolve));
  }
}

/** The dependencies of connections, with a dispatcher that calls `start`. */
export function environmentOf(
  clock: ManualClock,
  start: Dispatcher<never>["start"] = () => null,
): ConnectionEnvironment {
  return {
    dispatcher: { start },
    pool: new SendPool(),
    keptBytes: new KeptBytes(1_000_000),
    frameMemory: new FrameMemory(clock),
    largeAnswers: new LargeAnswers(clock),
    clock,
    logger: { log: () => {} },
    maxFrameBytes: () => 1_000,
  };
}
