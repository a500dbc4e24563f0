/**
 * Tests the refusal of configurations that are valid and cannot be served yet.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { requireServed } from "../../src/node/not_yet_served.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const CONTROLLER = {
  "process.roles": "controller",
  "node.id": "2",
  "listeners": "CONTROLLER://127.0.0.1:9093",
  "controller.listener.names": "CONTROLLER",
  "controller.quorum.bootstrap.servers": "127.0.0.1:9094",
};

test("requireServed() rejects a controller that would join by itself, and accepts every role", () => {
  const error = assertThrows(
    () =>
      requireServed(
        new BrokerConfig({ ...CONTROLLER, "controller.quorum.auto.join.enable": "true" }),
      ),
    KafkaError,
    "Cannot start node 2: controller.quorum.auto.join.enable is true",
  );
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  requireServed(new BrokerConfig(CONTROLLER));
  requireServed(new BrokerConfig());
});
