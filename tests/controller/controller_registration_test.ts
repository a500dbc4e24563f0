import { assertEquals } from "@std/assert";
import {
  type ControllerRegistrationRequest,
  decideControllerRegistration,
  decideUnregisterController,
  type RegisteredController,
} from "../../src/controller/controller_registration.ts";
import { test } from "../harness.ts";
import { imageOf, refusal, uuidOf } from "./fixture.ts";

const LISTENER = { name: "CONTROLLER", host: "c", port: 9093, securityProtocol: 0 };
const VERSION = { name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 };
const REQUEST: ControllerRegistrationRequest = {
  controllerId: 3,
  incarnationId: uuidOf(300),
  listeners: [LISTENER],
  features: [VERSION],
};
const REGISTERED: RegisteredController = {
  id: 3,
  incarnationId: REQUEST.incarnationId,
  endpoints: [LISTENER],
  features: new Map([["metadata.version", { min: 30, max: 33 }]]),
};

const level = (featureLevel: number) =>
  imageOf({ name: "FeatureLevelRecord", value: { name: "metadata.version", featureLevel } });

const register = (
  request: Partial<ControllerRegistrationRequest> = {},
  registered?: RegisteredController,
) => decideControllerRegistration({ ...REQUEST, ...request }, { image: level(33), registered });

test("decideControllerRegistration() returns a record only if the registration changed", () => {
  assertEquals(register(), [{
    name: "RegisterControllerRecord",
    value: {
      controllerId: 3,
      incarnationId: REQUEST.incarnationId,
      zkMigrationReady: false,
      endPoints: [LISTENER],
      features: [VERSION],
    },
  }]);
  assertEquals(register({}, REGISTERED), []);
  assertEquals(register({ incarnationId: uuidOf(301) }, REGISTERED).length, 1);
  assertEquals(register({ listeners: [{ ...LISTENER, port: 1 }] }, REGISTERED).length, 1);
  assertEquals(
    register({ features: [{ ...VERSION, maxSupportedVersion: 34 }] }, REGISTERED).length,
    1,
  );
});

test("decideControllerRegistration() refuses controllers that cannot take part", () => {
  const error = (request: Partial<ControllerRegistrationRequest>) =>
    refusal(() => register(request)).split(": Cannot register controller 3: ");
  const invalid = (reason: string) => ["INVALID_REGISTRATION", reason];
  assertEquals(error({ listeners: [] }), invalid("it has no listener"));
  assertEquals(
    error({ listeners: [LISTENER, LISTENER] }),
    invalid("it has listener CONTROLLER twice"),
  );
  for (const wrong of [{ host: "" }, { port: 0 }]) {
    assertEquals(
      error({ listeners: [{ ...LISTENER, ...wrong }] }),
      invalid("listener CONTROLLER has no host or no port"),
    );
  }
  assertEquals(error({ features: [] }), invalid("it supports no metadata.version"));
  assertEquals(error({ features: [{ ...VERSION, maxSupportedVersion: 32 }] }), [
    "UNSUPPORTED_VERSION",
    "the cluster's metadata.version is 33, the controller supports 30 to 32",
  ]);
});

test("decideUnregisterController() removes a registration, since metadata.version 33", () => {
  const context = (featureLevel: number, registered?: RegisteredController) => ({
    image: level(featureLevel),
    registered,
  });
  assertEquals(decideUnregisterController(3, context(33, REGISTERED)), [
    { name: "UnregisterControllerRecord", value: { controllerId: 3 } },
  ]);
  const error = (featureLevel: number, registered?: RegisteredController) =>
    refusal(() => decideUnregisterController(3, context(featureLevel, registered))).split(":")[0];
  assertEquals(error(33), "CONTROLLER_ID_NOT_REGISTERED");
  assertEquals(error(32, REGISTERED), "UNSUPPORTED_VERSION");
});
