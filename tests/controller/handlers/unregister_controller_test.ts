import { assertEquals } from "@std/assert";
import { unregisterControllerHandler } from "../../../src/controller/handlers/unregister_controller.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { unregisterController } from "../../../src/protocol/messages/unregister_controller.ts";
import { test } from "../../harness.ts";
import {
  asking,
  assertNotController,
  HOSTILE_IDS,
  registeredController,
  withActive,
} from "./fixture.ts";

test("UnregisterController removes the registration of a controller", () =>
  withActive([registeredController(2), registeredController(3)], async (quorum) => {
    const ask = asking(quorum, unregisterControllerHandler, unregisterController);
    assertEquals(await ask(0, { controllerId: 2 }), {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
    });
    assertEquals(Array.from(quorum.loader.image.controllers(), ({ id }) => id), [3]);
    const again = await ask(0, { controllerId: 2 });
    assertEquals(errorName(again.errorCode), "CONTROLLER_ID_NOT_REGISTERED");
  }));

test("UnregisterController rejects ids that are not registered, with a message", () =>
  withActive([registeredController(2)], async (quorum) => {
    const ask = asking(quorum, unregisterControllerHandler, unregisterController);
    for (const controllerId of HOSTILE_IDS) {
      const { errorCode, errorMessage } = await ask(0, { controllerId });
      assertEquals([errorName(errorCode), errorMessage], [
        "CONTROLLER_ID_NOT_REGISTERED",
        `Cannot unregister controller ${controllerId}: no such controller is registered`,
      ]);
    }
  }));

test("UnregisterController answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(unregisterControllerHandler, unregisterController, { controllerId: 1 }));
