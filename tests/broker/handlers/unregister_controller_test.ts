import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { unregisterController } from "../../../src/protocol/messages/unregister_controller.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("UnregisterController is answered by the active controller through a broker", () =>
  withBroker(async ({ client }) => {
    for (const controllerId of [-1, 7]) {
      const answer = await client.request(unregisterController, 0, { controllerId });
      assertEquals([errorName(answer.errorCode), answer.errorMessage], [
        "CONTROLLER_ID_NOT_REGISTERED",
        `Cannot unregister controller ${controllerId}: no such controller is registered`,
      ]);
    }
  }));
