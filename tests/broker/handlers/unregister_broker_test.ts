import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { unregisterBroker } from "../../../src/protocol/messages/unregister_broker.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("UnregisterBroker is answered by the active controller through a broker", () =>
  withBroker(async ({ client, broker }) => {
    for (const brokerId of [-1, 7]) {
      const { errorCode, errorMessage } = await client.request(unregisterBroker, 0, { brokerId });
      assertEquals([errorName(errorCode), errorMessage], [
        "BROKER_ID_NOT_REGISTERED",
        `Cannot unregister broker ${brokerId}: no such broker is registered`,
      ]);
    }
    assertEquals(broker.image.broker(1)?.fenced, false);
  }));
