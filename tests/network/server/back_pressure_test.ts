import { assertEquals } from "@std/assert";
import { ClientConnection } from "../../../src/network/server/connection.ts";
import { MAX_IN_FLIGHT_REQUESTS, MAX_UNSENT_BYTES, REQUESTS_TURN_MS } from "../../../src/limits.ts";
import { test } from "../../harness.ts";
import { settle } from "../../broker/direct_broker.ts";
import { environmentOf, FakeConnection } from "./fake_connection.ts";
import { manualClock } from "../../broker/manual_clock.ts";

const FRAME = [0, 0, 0, 4, 1, 2, 3, 4];

/** A peer that has sent `count` requests, each answered immediately with `answerBytes`, or never. */
function pipelining(count: number, answerBytes: number | null) {
  let started = 0;
  const connection = new FakeConnection();
  connection.push(Uint8Array.from(Array.from({ length: count }, () => FRAME).flat()));
  const client = new ClientConnection(
    { id: 1, listener: "PLAINTEXT" },
    connection,
    environmentOf(manualClock(), (_frame, _info, openSlot) => {
      started++;
      const slot = openSlot();
      if (answerBytes !== null) slot.complete((writer) => writer.raw(new Uint8Array(answerBytes)));
      return null;
    }),
  );
  const running = client.run();
  const take = async () => {
    connection.take();
    await settle();
  };
  return {
    started: () => started,
    /** Reads the answers that are being written. */
    take,
    async close() {
      client.close();
      await take();
      await running;
    },
  };
}

test("no request is started while MAX_UNSENT_BYTES of answers are unsent", async () => {
  const peer = pipelining(20, MAX_UNSENT_BYTES / 4);
  await settle();
  assertEquals(peer.started(), 4);
  await peer.take();
  assertEquals(peer.started(), 8);
  while (peer.started() < 20) await peer.take();
  await peer.close();
});

test("no request is started while MAX_IN_FLIGHT_REQUESTS are not answered", async () => {
  const peer = pipelining(MAX_IN_FLIGHT_REQUESTS + 20, null);
  await settle();
  assertEquals(peer.started(), MAX_IN_FLIGHT_REQUESTS);
  await peer.close();
});

test("a connection starts no request and keeps the frame of a retained one", async () => {
  const frames: Uint8Array[] = [];
  const releases: (() => void)[] = [];
  const connection = new FakeConnection();
  connection.push(Uint8Array.of(0, 0, 0, 2, 7, 8, 0, 0, 0, 2, 9, 9));
  const client = new ClientConnection(
    { id: 1, listener: "PLAINTEXT" },
    connection,
    environmentOf(manualClock(), (frame) => {
      frames.push(frame);
      return new Promise((resolve) => releases.push(resolve));
    }),
  );
  const running = client.run();
  await settle();
  connection.push(Uint8Array.of(0, 0, 0, 2, 5, 5));
  await settle();
  assertEquals(frames.map((frame) => [...frame]), [[7, 8]]);
  releases[0]!();
  await settle();
  assertEquals(frames.length, 2);
  assertEquals([...frames[1]!], [9, 9]);
  releases[1]!();
  await settle();
  assertEquals(frames.length, 3);
  // A connection that closes in the meantime starts no more requests.
  connection.push(Uint8Array.of(0, 0, 0, 2, 6, 6));
  client.close();
  releases[2]!();
  await running;
  assertEquals(frames.length, 3);
});

test("requests of one read that take long let other connections be served", async () => {
  const clock = manualClock();
  let started = 0;
  let turns = 0;
  const connection = new FakeConnection();
  connection.push(Uint8Array.from(Array.from({ length: 6 }, () => FRAME).flat()));
  const environment = environmentOf(clock, () => {
    started++;
    clock.advance(REQUESTS_TURN_MS / 2);
    return null;
  });
  const client = new ClientConnection({ id: 1, listener: "PLAINTEXT" }, connection, {
    ...environment,
    clock: {
      ...clock,
      yieldToLoop() {
        turns++;
        return Promise.resolve();
      },
    },
  });
  const running = client.run();
  await settle();
  assertEquals([started, turns], [3, 1]);
  clock.advance(1);
  await settle();
  // No request waits after the last one.
  assertEquals([started, turns], [6, 1]);
  client.close();
  clock.advance(1);
  await running;
});
