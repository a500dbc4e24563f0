import { assertEquals } from "@std/assert";
import { allocateProducerIdsHandler } from "../../../src/controller/handlers/allocate_producer_ids.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { allocateProducerIds } from "../../../src/protocol/messages/allocate_producer_ids.ts";
import { test } from "../../harness.ts";
import { registered } from "../fixture.ts";
import { asking, assertNotController, HOSTILE_IDS, withActive } from "./fixture.ts";

const REQUEST = { brokerId: 2, brokerEpoch: 20 };

test("AllocateProducerIds allocates blocks that follow each other", () =>
  withActive([registered(2)], async (quorum) => {
    const ask = asking(quorum, allocateProducerIdsHandler, allocateProducerIds);
    for (const producerIdStart of [0, 1_000, 2_000]) {
      assertEquals(await ask(0, REQUEST), {
        throttleTimeMs: 0,
        errorCode: 0,
        producerIdStart,
        producerIdLen: 1_000,
      });
    }
    assertEquals(quorum.loader.image.nextProducerId, 3_000);
  }));

test("AllocateProducerIds rejects brokers that are not registered, and other epochs", () =>
  withActive([registered(2)], async (quorum) => {
    const ask = asking(quorum, allocateProducerIdsHandler, allocateProducerIds);
    for (const brokerId of HOSTILE_IDS) {
      const { errorCode, producerIdLen } = await ask(0, { ...REQUEST, brokerId });
      assertEquals([errorName(errorCode), producerIdLen], ["BROKER_ID_NOT_REGISTERED", 0]);
    }
    for (const brokerEpoch of [-1, 0, 19, 21, Number.MAX_SAFE_INTEGER]) {
      const { errorCode } = await ask(0, { ...REQUEST, brokerEpoch });
      assertEquals([brokerEpoch, errorName(errorCode)], [brokerEpoch, "STALE_BROKER_EPOCH"]);
    }
    assertEquals(quorum.loader.image.nextProducerId, 0);
  }));

test("AllocateProducerIds answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(allocateProducerIdsHandler, allocateProducerIds, REQUEST));
