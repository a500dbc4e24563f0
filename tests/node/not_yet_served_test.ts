import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { silentLogger } from "../../src/logger.ts";
import { Node } from "../../src/node/node.ts";
import { noticesOfUnopened, requireServed } from "../../src/node/not_yet_served.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";

const LISTENERS = {
  "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:9093",
  "controller.listener.names": "CONTROLLER",
};
const SERVERS = "controller.quorum.bootstrap.servers";

const REFUSED: readonly (readonly [Record<string, string>, string])[] = [
  [
    {
      "process.roles": "broker",
      "controller.listener.names": "CONTROLLER",
      [SERVERS]: "a.example:9093",
    },
    "process.roles is broker, and this version runs controller and broker in one process only",
  ],
  [
    {
      "process.roles": "controller",
      "listeners": "CONTROLLER://127.0.0.1:9093",
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": "1@127.0.0.1:9093",
    },
    "process.roles is controller, and this version runs controller and broker in one process only",
  ],
  [
    { ...LISTENERS, "controller.quorum.voters": "1@127.0.0.1:9093,2@b.example:9093" },
    "controller.quorum.voters is 1@127.0.0.1:9093,2@b.example:9093, and this version does not",
  ],
  [
    { ...LISTENERS, [SERVERS]: "b.example:9093" },
    "controller.quorum.bootstrap.servers is b.example:9093, which names other controllers",
  ],
  [
    { "controller.quorum.auto.join.enable": "true" },
    "controller.quorum.auto.join.enable is true, and this version has no quorum that a controller",
  ],
  [
    { "metadata.max.retention.ms": "5" },
    "metadata.max.retention.ms is set, and this version keeps the whole metadata log",
  ],
];

test("requireServed() rejects what this version cannot serve, with a reason", () => {
  for (const [settings, reason] of REFUSED) {
    const config = new BrokerConfig(settings);
    const error = assertThrows(() => requireServed(config), KafkaError, reason);
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});

test("Node.start() rejects what it cannot serve before it creates a file", async () => {
  const files = new MemoryFileSystem();
  const runtime = { ...hostRuntime(), files };
  const error = await assertRejects(
    () =>
      Node.start({
        handlers: SUPPORTED,
        runtime,
        directory: "/data",
        logger: silentLogger,
        config: REFUSED[0]![0],
      }),
    KafkaError,
    "Cannot start node 1: process.roles is broker",
  );
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  assertEquals(files.exists("/data"), false);
});

test("noticesOfUnopened() names the controller listeners", () => {
  assertEquals(noticesOfUnopened(new BrokerConfig()), []);
  assertEquals(noticesOfUnopened(new BrokerConfig(LISTENERS)), [
    "Listener CONTROLLER://127.0.0.1:9093 is not opened: this node is the only controller and needs no " +
    "controller listener",
  ]);
});
