import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { initProducerId } from "../../../src/protocol/messages/init_producer_id.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("InitProducerId returns a new id each time in every version", () =>
  withBroker(async ({ client }) => {
    const ids = new Set<number | bigint>();
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

test("InitProducerId returns no id twice, also across blocks of ids", () =>
  withBroker(async ({ client }) => {
    const ids = new Set<number | bigint>();
    for (let i = 0; i < 1_100; i++) {
      await client.send(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 });
    }
    for (let i = 0; i < 1_100; i++) ids.add((await client.answer(initProducerId, 4)).producerId);
    assertEquals(ids.size, 1_100);
  }));

test("InitProducerId rejects transactional ids with a code that no client retries", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(initProducerId)) {
      const ask = async (transactionalId: string) => {
        const answer = await client.request(initProducerId, version, {
          transactionalId,
          transactionTimeoutMs: 60_000,
        });
        return [errorName(answer.errorCode), answer.producerId];
      };
      assertEquals(await ask("payments"), ["CLUSTER_AUTHORIZATION_FAILED", -1]);
      assertEquals(await ask(""), ["INVALID_REQUEST", -1]);
    }
  }));

test("InitProducerId rejects a producer id without an epoch", () =>
  withBroker(async ({ client }) => {
    const ask = async (producerId: number, producerEpoch: number) => {
      const { errorCode } = await client.request(initProducerId, 3, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerId,
        producerEpoch,
      });
      return errorName(errorCode);
    };
    assertEquals(await ask(5, -1), "INVALID_REQUEST");
    assertEquals(await ask(-1, 0), "INVALID_REQUEST");
    assertEquals(await ask(5, 0), "NONE");
  }));
