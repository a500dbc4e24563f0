import { assertEquals } from "@std/assert";
import { ClientConnection } from "../../src/broker/connection.ts";
import { MAX_IN_FLIGHT_REQUESTS, MAX_UNSENT_BYTES } from "../../src/limits.ts";
import { test } from "../harness.ts";
import { settle } from "./direct_broker.ts";
import { environmentOf, FakeConnection } from "./fake_connection.ts";
import { manualClock } from "./manual_clock.ts";

const FRAME = [0, 0, 0, 4, 1, 2, 3, 4];

/** A peer that has sent `count` requests, each answered at once with `answerBytes`, or never. */
function pipelining(count: number, answerBytes: number | null) {
  let started = 0;
  const connection = new FakeConnection();
  connection.send(Uint8Array.from(Array.from({ length: count }, () => FRAME).flat()));
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
    /** Takes the answers that are being written. */
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
