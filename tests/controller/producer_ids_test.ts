import { assertEquals } from "@std/assert";
import { decideAllocateProducerIds } from "../../src/controller/producer_ids.ts";
import { test } from "../harness.ts";
import { imageOf, refusal, registered } from "./fixture.ts";

const next = (nextProducerId: number) => ({
  name: "ProducerIdsRecord" as const,
  value: { brokerId: 1, brokerEpoch: 10, nextProducerId },
});

const allocate = (request: { brokerId: number; brokerEpoch: number }, nextProducerId = 5_000) =>
  decideAllocateProducerIds(request, imageOf(registered(1), next(nextProducerId)));

test("decideAllocateProducerIds() reserves the next 1,000 ids", () => {
  assertEquals(allocate({ brokerId: 1, brokerEpoch: 10 }), {
    records: [next(6_000)],
    producerIdStart: 5_000,
    producerIdLen: 1_000,
  });
});

test("decideAllocateProducerIds() refuses unknown brokers, old epochs and ids beyond 2^53", () => {
  const error = (brokerId: number, brokerEpoch: number, nextProducerId?: number) =>
    refusal(() => allocate({ brokerId, brokerEpoch }, nextProducerId)).split(":")[0];
  assertEquals(error(2, 10), "BROKER_ID_NOT_REGISTERED");
  assertEquals(error(1, 9), "STALE_BROKER_EPOCH");
  assertEquals(error(1, 10, Number.MAX_SAFE_INTEGER - 1_000), "NONE");
  assertEquals(error(1, 10, Number.MAX_SAFE_INTEGER - 999), "UNKNOWN_SERVER_ERROR");
});
