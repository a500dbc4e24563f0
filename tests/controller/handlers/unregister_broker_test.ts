import { assertEquals } from "@std/assert";
import { unregisterBrokerHandler } from "../../../src/controller/handlers/unregister_broker.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { unregisterBroker } from "../../../src/protocol/messages/unregister_broker.ts";
import { test } from "../../harness.ts";
import { EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { directory, registered } from "../fixture.ts";
import { asking, assertNotController, HOSTILE_IDS, withActive } from "./fixture.ts";

const PARTITION = partitionWith(EVENTS, 0, {
  replicas: [2, 1],
  isr: [2, 1],
  leader: 2,
  directories: [directory(2), directory(1)],
});

test("UnregisterBroker removes a broker, whose partitions others lead then", () =>
  withActive([registered(1), registered(2), topic("events", EVENTS), PARTITION], async (quorum) => {
    const ask = asking(quorum, unregisterBrokerHandler, unregisterBroker);
    assertEquals(await ask(0, { brokerId: 2 }), {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
    });
    const { image } = quorum.loader;
    assertEquals(Array.from(image.brokers(), ({ id }) => id), [1]);
    const { leader, isr, replicas } = image.topicById(EVENTS)!.partitions[0]!;
    assertEquals([leader, isr, replicas], [1, [1], [2, 1]]);
    const again = await ask(0, { brokerId: 2 });
    assertEquals(errorName(again.errorCode), "BROKER_ID_NOT_REGISTERED");
  }));

test("UnregisterBroker rejects ids that are not registered, with a message", () =>
  withActive([registered(1)], async (quorum) => {
    const ask = asking(quorum, unregisterBrokerHandler, unregisterBroker);
    for (const brokerId of HOSTILE_IDS) {
      const { errorCode, errorMessage } = await ask(0, { brokerId });
      assertEquals([errorName(errorCode), errorMessage], [
        "BROKER_ID_NOT_REGISTERED",
        `Cannot unregister broker ${brokerId}: no such broker is registered`,
      ]);
    }
  }));

test("UnregisterBroker answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(unregisterBrokerHandler, unregisterBroker, { brokerId: 1 }));
