import { assertEquals, assertRejects } from "@std/assert";
import { blocksFrom, type ProducerIdBlock, ProducerIds } from "../../src/broker/producer_ids.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import {
  allocateProducerIds,
  type AllocateProducerIdsRequest,
} from "../../src/protocol/messages/allocate_producer_ids.ts";
import { test } from "../harness.ts";
import {
  answering,
  MovedController,
  OWN,
  ownController,
  withChannel,
} from "./controller_fixture.ts";

test("next() returns ids of allocated blocks only, and none twice to concurrent callers", async () => {
  let blocks = 0;
  const ids = new ProducerIds(() => Promise.resolve({ first: 100 * blocks++, count: 2 }));
  const given = await Promise.all(Array.from({ length: 7 }, () => ids.next()));
  assertEquals(given.sort((a, b) => a - b), [0, 1, 100, 101, 200, 201, 300]);
  assertEquals([blocks, await ids.next()], [4, 301]);
});

test("next() requests a block again after a failure", async () => {
  let isRefused = true;
  const ids = new ProducerIds(() =>
    isRefused ? Promise.reject(new Error("no controller")) : Promise.resolve({ first: 5, count: 9 })
  );
  const refused = await Promise.allSettled([ids.next(), ids.next()]);
  assertEquals(refused.map(({ status }) => status), ["rejected", "rejected"]);
  isRefused = false;
  assertEquals(await ids.next(), 5);
});

/** Requests a block from a controller that answers with `errorCode`. */
async function blockOf(errorCode: number) {
  const requests: AllocateProducerIdsRequest[] = [];
  const own = ownController([
    answering(allocateProducerIds, (request) => {
      requests.push(request);
      return { errorCode, producerIdStart: 7_000, producerIdLen: 500 };
    }),
  ]);
  let block: ProducerIdBlock | null = null;
  await withChannel({ location: new MovedController(OWN), own }, async (channel) => {
    block = await blocksFrom(channel, { nodeId: 3, brokerEpoch: () => 41 })();
  });
  return { block: block as ProducerIdBlock | null, requests };
}

test("blocksFrom() requests a block with the broker's epoch", async () => {
  assertEquals(await blockOf(ErrorCode.NONE), {
    block: { first: 7_000, count: 500 },
    requests: [{ brokerId: 3, brokerEpoch: 41 }],
  });
});

test("blocksFrom() lets producers try again while the broker is registering", async () => {
  const { STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED, UNKNOWN_SERVER_ERROR } = ErrorCode;
  const codeFor = async (code: number) =>
    (await assertRejects(() => blockOf(code), KafkaError)).code;
  const { COORDINATOR_LOAD_IN_PROGRESS } = ErrorCode;
  assertEquals(await codeFor(STALE_BROKER_EPOCH), COORDINATOR_LOAD_IN_PROGRESS);
  assertEquals(await codeFor(BROKER_ID_NOT_REGISTERED), COORDINATOR_LOAD_IN_PROGRESS);
  assertEquals(await codeFor(UNKNOWN_SERVER_ERROR), UNKNOWN_SERVER_ERROR);
});

test("blocksFrom() lets producers try again while no controller is active", () =>
  withChannel({ location: new MovedController(null) }, async (channel) => {
    const block = blocksFrom(channel, { nodeId: 3, brokerEpoch: () => 41 })();
    channel.close();
    const error = await assertRejects(() => block, KafkaError, "Cannot allocate producer ids now");
    assertEquals(error.code, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  }));
