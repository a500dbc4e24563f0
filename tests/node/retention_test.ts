import { assert, assertEquals } from "@std/assert";
import { errorName } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { batchOf, produceTo, withBroker } from "../broker/fixture.ts";

test("a producer that is silent for producer.id.expiration.ms is forgotten", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const send = async (baseSequence: number) => {
      const batch = batchOf(["a"], { producerId: 7, producerEpoch: 0, baseSequence });
      return errorName((await produceTo(client, "events", 0, batch)).errorCode);
    };
    assertEquals(await send(0), "NONE");
    // An unknown producer may begin with any sequence number, a known one must not leave a gap.
    let answer = "";
    for (let tries = 0; answer !== "NONE" && tries < 5_000; tries++) {
      answer = await send(50);
      assert(answer === "NONE" || answer === "OUT_OF_ORDER_SEQUENCE_NUMBER", answer);
    }
    assertEquals(answer, "NONE");
  }, { "producer.id.expiration.ms": "1", "log.retention.check.interval.ms": "1" }));
