import { assertEquals } from "@std/assert";
import { ClientConnection } from "../../src/broker/connection.ts";
import type { Dispatcher } from "../../src/broker/dispatch.ts";
import { FrameMemory } from "../../src/broker/frame_memory.ts";
import { SendPool } from "../../src/broker/send_pool.ts";
import { MAX_IN_FLIGHT_REQUESTS, MAX_UNSENT_BYTES } from "../../src/limits.ts";
import { KeptBytes } from "../../src/protocol/frame.ts";
import type { Connection } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { settle } from "./direct_broker.ts";
import { manualClock } from "./manual_clock.ts";

const FRAME = Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4);

/** A peer that has sent `count` requests at once and takes answers when the test says so. */
class Peer {
  /** How many requests the broker has started. */
  started = 0;
  readonly #writes: (() => void)[] = [];
  readonly #connection: ClientConnection;
  readonly running: Promise<void>;

  /** Each request is answered at once with `answerBytes`, or never if that is null. */
  constructor(count: number, answerBytes: number | null) {
    const clock = manualClock();
    const left = new Uint8Array(FRAME.length * count);
    for (let i = 0; i < count; i++) left.set(FRAME, i * FRAME.length);
    let sent = 0;
    const address = { host: "127.0.0.1", port: 1 };
    let close = () => {};
    const closed = new Promise<null>((resolve) => void (close = () => resolve(null)));
    const connection: Partial<Connection> = {
      localAddress: address,
      remoteAddress: address,
      readInto: async (space) => {
        if (sent === left.length) return await closed;
        const part = left.subarray(sent, sent + space.length);
        space.set(part);
        sent += part.length;
        return part.length;
      },
      writeAll: () => new Promise((resolve) => void this.#writes.push(resolve)),
      close: () => close(),
    };
    const dispatcher: Pick<Dispatcher, "start"> = {
      start: (_frame, _info, openSlot) => {
        this.started++;
        const slot = openSlot();
        if (answerBytes !== null) {
          slot.complete((writer) => writer.raw(new Uint8Array(answerBytes)));
        }
      },
    };
    this.#connection = new ClientConnection(1, connection as Connection, {
      dispatcher: dispatcher as Dispatcher,
      pool: new SendPool(),
      keptBytes: new KeptBytes(1_000_000),
      frameMemory: new FrameMemory(clock),
      clock,
      logger: { log: () => {} },
      maxFrameBytes: () => 1_000,
    });
    this.running = this.#connection.run();
  }

  /** Takes everything that is being written. */
  async take(): Promise<void> {
    for (const taken of this.#writes.splice(0)) taken();
    await settle();
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.take();
    await this.running;
  }
}

test("no request is started while MAX_UNSENT_BYTES of answers are unsent", async () => {
  const answerBytes = MAX_UNSENT_BYTES / 4;
  const peer = new Peer(20, answerBytes);
  await settle();
  assertEquals(peer.started, 4);
  await peer.take();
  assertEquals(peer.started, 8);
  while (peer.started < 20) await peer.take();
  await peer.close();
});

test("no request is started while MAX_IN_FLIGHT_REQUESTS are not answered", async () => {
  const peer = new Peer(MAX_IN_FLIGHT_REQUESTS + 20, null);
  await settle();
  assertEquals(peer.started, MAX_IN_FLIGHT_REQUESTS);
  await peer.close();
});
