import { assertEquals } from "@std/assert";
import { initProducerId } from "../../../src/protocol/messages/init_producer_id.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("InitProducerId gives a new id each time in every version", () =>
  withBroker(async ({ client }) => {
    const ids = new Set<number>();
    for (let version = 0; version <= 5; version++) {
      const answer = await client.request(initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      });
      assertEquals([answer.errorCode, answer.producerEpoch], [0, 0]);
      ids.add(answer.producerId);
    }
    assertEquals(ids.size, 6);
  }));

test("InitProducerId gives ids beyond one block, none twice", () =>
  withBroker(async ({ client }) => {
    const ids = new Set<number>();
    for (let i = 0; i < 1_100; i++) {
      await client.send(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 });
    }
    for (let i = 0; i < 1_100; i++) ids.add((await client.answer(initProducerId, 4)).producerId);
    assertEquals(ids.size, 1_100);
  }));

test("InitProducerId refuses transactional ids, and an id without an epoch", () =>
  withBroker(async ({ client }) => {
    const ask = (transactionalId: string | null, producerId: number, producerEpoch: number) =>
      client.request(initProducerId, 3, {
        transactionalId,
        transactionTimeoutMs: 60_000,
        producerId,
        producerEpoch,
      });
    assertEquals((await ask("", -1, -1)).errorCode, 42);
    assertEquals((await ask("payments", -1, -1)).errorCode, 42);
    assertEquals((await ask(null, 5, -1)).errorCode, 42);
    assertEquals((await ask(null, 5, 0)).errorCode, 0);
  }));
