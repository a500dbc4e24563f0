import { assertEquals } from "@std/assert";
import { controllerRegistrationHandler } from "../../../src/controller/handlers/controller_registration.ts";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { controllerRegistration } from "../../../src/protocol/messages/controller_registration.ts";
import { test } from "../../harness.ts";
import { uuidOf } from "../fixture.ts";
import { asking, assertNotController, HOSTILE_IDS, withActive } from "./fixture.ts";

type Request = RequestInputOf<typeof controllerRegistration>;

const LISTENER = { name: "CONTROLLER", host: "c2", port: 9093, securityProtocol: 0 };
const FEATURE = { name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 };
const REQUEST: Request = {
  controllerId: 2,
  incarnationId: uuidOf(7),
  zkMigrationReady: false,
  listeners: [LISTENER],
  features: [FEATURE],
};

test("ControllerRegistration registers a controller, and the same one again without a record", () =>
  withActive([], async (quorum) => {
    const ask = asking(quorum, controllerRegistrationHandler, controllerRegistration);
    const before = quorum.records().length;
    for (let time = 0; time < 2; time++) {
      assertEquals(await ask(0, REQUEST), { throttleTimeMs: 0, errorCode: 0, errorMessage: null });
    }
    assertEquals(quorum.names(before), ["RegisterControllerRecord"]);
    assertEquals(quorum.loader.image.controller(2)!.endpoints, [LISTENER]);
    const moved = { ...LISTENER, port: 9094 };
    await ask(0, { ...REQUEST, listeners: [moved] });
    assertEquals(quorum.loader.image.controller(2)!.endpoints, [moved]);
  }));

test("ControllerRegistration rejects controllers that cannot be reached or are too old, with a message", () =>
  withActive([], async (quorum) => {
    const ask = asking(quorum, controllerRegistrationHandler, controllerRegistration);
    const before = quorum.records().length;
    const cases: [Partial<Request>, string, string][] = [
      [{ listeners: [] }, "INVALID_REGISTRATION", "it has no listener"],
      [
        { listeners: [LISTENER, LISTENER] },
        "INVALID_REGISTRATION",
        "it has listener CONTROLLER twice",
      ],
      [
        { listeners: [{ ...LISTENER, host: "" }] },
        "INVALID_REGISTRATION",
        "listener CONTROLLER has no host or no port",
      ],
      [{ features: [] }, "INVALID_REGISTRATION", "it supports no metadata.version"],
      [
        { features: [{ ...FEATURE, maxSupportedVersion: 31 }] },
        "UNSUPPORTED_VERSION",
        "the cluster's metadata.version is 33, the controller supports 30 to 31",
      ],
    ];
    for (const [change, code, reason] of cases) {
      const { errorCode, errorMessage } = await ask(0, { ...REQUEST, ...change });
      assertEquals([errorName(errorCode), errorMessage], [
        code,
        `Cannot register controller 2: ${reason}`,
      ]);
    }
    assertEquals(quorum.records().length, before);
  }));

test("ControllerRegistration answers any id", () =>
  withActive([], async (quorum) => {
    const ask = asking(quorum, controllerRegistrationHandler, controllerRegistration);
    for (const controllerId of HOSTILE_IDS) {
      const { errorCode } = await ask(0, { ...REQUEST, controllerId });
      assertEquals([controllerId, errorName(errorCode)], [controllerId, "NONE"]);
    }
  }));

test("ControllerRegistration answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(controllerRegistrationHandler, controllerRegistration, REQUEST));
