import { assertEquals } from "@std/assert";
import { EndpointType, requireEndpointType } from "../../src/protocol/endpoint_type.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

/** Returns the error for a question for `endpointType`, or "NONE". */
function refusal(serves: EndpointType, endpointType: number, apiVersion = 2): string {
  try {
    requireEndpointType(serves, { endpointType }, apiVersion);
    return "NONE";
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return `${errorName(error.code)}: ${error.message}`;
  }
}

const { BROKERS, CONTROLLERS } = EndpointType;

test("requireEndpointType() accepts the type that the listener serves", () => {
  assertEquals(refusal(BROKERS, 1), "NONE");
  assertEquals(refusal(CONTROLLERS, 2), "NONE");
});

test("requireEndpointType() rejects the other type, and says where to ask", () => {
  assertEquals(
    refusal(CONTROLLERS, 1),
    "MISMATCHED_ENDPOINT_TYPE: Cannot return the addresses of brokers: this is a controller's " +
      "listener, ask a broker",
  );
  assertEquals(
    refusal(BROKERS, 2),
    "MISMATCHED_ENDPOINT_TYPE: Cannot return the addresses of controllers: this is a broker's " +
      "listener, ask a controller",
  );
});

test("requireEndpointType() rejects unknown types", () => {
  for (const type of [-128, 0, 3, 127]) {
    assertEquals(
      refusal(BROKERS, type),
      `UNSUPPORTED_ENDPOINT_TYPE: Cannot return endpoints of type ${type}: 1 is for brokers, 2 for ` +
        "controllers",
    );
  }
});

test("requireEndpointType() rejects with INVALID_REQUEST in version 0, which has no types", () => {
  assertEquals(refusal(CONTROLLERS, 1, 0).split(":")[0], "INVALID_REQUEST");
  assertEquals(refusal(BROKERS, 1, 0), "NONE");
});
