import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { formatListener } from "../../src/config/listeners.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const MAP = "listener.security.protocol.map";
const TWO = {
  "listeners": "A://:1,B://:2",
  [MAP]: "A:PLAINTEXT,B:PLAINTEXT",
};

function opened(settings: Record<string, string>): string[] {
  return new BrokerConfig(settings).brokerListeners.map(formatListener);
}

test("BrokerConfig accepts several listeners whose security protocol is PLAINTEXT", () => {
  assertEquals(opened(TWO), ["A://:1", "B://:2"]);
  assertEquals(opened({ listeners: "plaintext://h:1" }), ["PLAINTEXT://h:1"]);
  assertEquals(opened({ listeners: "PLAINTEXT://[::1]:0" }), ["PLAINTEXT://[::1]:0"]);
  assertEquals(opened({ listeners: "A://:1", [MAP]: "a:plaintext,UNUSED:SASL_SSL" }), ["A://:1"]);
});

test("two listeners may share a port if it is 0, or if one is IPv4 and the other IPv6", () => {
  assertEquals(opened({ ...TWO, listeners: "A://127.0.0.1:9,B://[::1]:9" }).length, 2);
  assertEquals(opened({ ...TWO, listeners: "A://127.0.0.1:0,B://127.0.0.1:0" }).length, 2);
});

test("controller.listener.names divides the listeners", () => {
  const config = new BrokerConfig({
    "listeners": "PLAINTEXT://:1,CONTROLLER://:2",
    "controller.listener.names": "controller",
  });
  assertEquals(config.brokerListeners.map(formatListener), ["PLAINTEXT://:1"]);
  assertEquals(config.controllerListeners.map(formatListener), ["CONTROLLER://:2"]);
  assertEquals(config.controllerListenerNames, ["CONTROLLER"]);
  assertEquals(config.notices, []);
});

test("interBrokerListenerName is the given listener, else PLAINTEXT, else the first", () => {
  const name = (settings: Record<string, string>) =>
    new BrokerConfig(settings).interBrokerListenerName;
  assertEquals(name({ ...TWO, "inter.broker.listener.name": "b" }), "B");
  assertEquals(name(TWO), "A");
  assertEquals(
    name({ listeners: "A://:1,PLAINTEXT://:2", [MAP]: "A:PLAINTEXT,PLAINTEXT:PLAINTEXT" }),
    "PLAINTEXT",
  );
  assertEquals(name({ "security.inter.broker.protocol": "PLAINTEXT" }), "PLAINTEXT");
});

test("each listener advertises its own address, or the address it listens on", () => {
  const config = new BrokerConfig({ ...TWO, "advertised.listeners": "B://broker.example:0" });
  assertEquals(config.advertisedListener("A"), null);
  assertEquals(config.advertisedListener("B"), { name: "B", host: "broker.example", port: 0 });
});

test("a controller listener advertises its own address too", () => {
  const config = new BrokerConfig({
    "listeners": "PLAINTEXT://:1,CONTROLLER://:2",
    "controller.listener.names": "CONTROLLER",
    "advertised.listeners": "PLAINTEXT://broker.example:1,CONTROLLER://controller.example:2",
  });
  assertEquals(config.advertisedListener("PLAINTEXT")?.host, "broker.example");
  assertEquals(config.advertisedListener("CONTROLLER")?.host, "controller.example");
});

/** Invalid settings. Apache Kafka rejects them too, except those for TLS and SASL. */
const REJECTED: readonly (readonly [Record<string, string>, string])[] = [
  [{ listeners: "" }, "write it as PLAINTEXT://host:port"],
  [{ listeners: "PLAINTEXT:9092" }, '"PLAINTEXT:9092" is not a listener'],
  [{ listeners: "PLAINTEXT://a b:1" }, '"PLAINTEXT://a b:1" is not a listener'],
  [{ listeners: "PLAINTEXT://h:65536" }, "is not a listener"],
  [{ listeners: "PLAINTEXT://:1,PLAINTEXT://:2" }, "PLAINTEXT occurs twice"],
  [
    { ...TWO, listeners: "A://:1,B://:1" },
    "each listener needs its own port, 1 occurs 2 times",
  ],
  [
    {
      listeners: "A://127.0.0.1:1,B://[::1]:1,C://127.0.0.2:1",
      [MAP]: "A:PLAINTEXT,B:PLAINTEXT,C:PLAINTEXT",
    },
    "each listener needs its own port, 1 occurs 3 times",
  ],
  [{ ...TWO, listeners: "A://127.0.0.1:1,B://127.0.0.2:1" }, "needs its own port"],
  [{ ...TWO, listeners: "A://[::1]:1,B://[::2]:1" }, "needs its own port"],
  [{ ...TWO, listeners: "A://[::1]:1,B://broker.example:1" }, "needs its own port"],
  [{ listeners: "EXTERNAL://:1" }, "EXTERNAL has no security protocol, add EXTERNAL:PLAINTEXT to"],
  [{ [MAP]: "CONTROLLER:PLAINTEXT" }, "PLAINTEXT has no security protocol"],
  [
    { listeners: "SSL://:1" },
    "SSL has the security protocol SSL, and this version supports PLAINTEXT only",
  ],
  [{ listeners: "A://:1", [MAP]: "A:SASL_SSL" }, "A has the security protocol SASL_SSL"],
  [{ [MAP]: "PLAINTEXT:PLAINTEXT,PLAINTEXT:SSL" }, "the listener PLAINTEXT occurs twice"],
  [{ [MAP]: "PLAINTEXT:FOO" }, '"PLAINTEXT:FOO" is not a valid entry'],
  [{ [MAP]: "PLAINTEXT" }, '"PLAINTEXT" is not a valid entry'],
  [
    {
      "listeners": "PLAINTEXT://:1,CONTROLLER://:2",
      "controller.listener.names": "CONTROLLER",
      [MAP]: "PLAINTEXT:PLAINTEXT,CONTROLLER:SSL",
    },
    "CONTROLLER has the security protocol SSL",
  ],
  [
    { "listeners": "PLAINTEXT://:1,CONTROLLER://:2", "controller.listener.names": "OTHER" },
    "CONTROLLER has no security protocol",
  ],
  [
    { "controller.listener.names": "OTHER" },
    "a controller needs OTHER among its listeners, PLAINTEXT://127.0.0.1:9092; add OTHER://host:port",
  ],
  [{ "controller.listener.names": "" }, "name at least one listener"],
  [{ "controller.listener.names": "A B" }, '"A B" is not the name of a listener'],
  [{ "controller.listener.names": "A,a" }, "A occurs twice"],
  [
    { ...TWO, "security.inter.broker.protocol": "PLAINTEXT" },
    "no listener for clients has that name, only A, B; set inter.broker.listener.name instead",
  ],
  [{ "controller.listener.names": "PLAINTEXT" }, "add one for clients"],
  [{ "advertised.listeners": "" }, "write it as PLAINTEXT://host:port"],
  [{ "advertised.listeners": "PLAINTEXT://0.0.0.0:1" }, "clients cannot connect to that address"],
  [{ "advertised.listeners": "PLAINTEXT://:1" }, "clients cannot connect to that address"],
  [{ "advertised.listeners": "PLAINTEXT://[::]:1" }, "clients cannot connect to that address"],
  [
    { "advertised.listeners": "EXTERNAL://a:1" },
    "EXTERNAL is not among the listeners, PLAINTEXT",
  ],
  [
    { "advertised.listeners": "PLAINTEXT://a:1,PLAINTEXT://b:1" },
    "each listener needs its own name, PLAINTEXT occurs twice",
  ],
  [
    { "inter.broker.listener.name": "EXTERNAL" },
    "it must be one of the listeners for clients, PLAINTEXT",
  ],
  [
    {
      "listeners": "PLAINTEXT://:1,CONTROLLER://:2",
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "CONTROLLER",
    },
    "it must be one of the listeners for clients, PLAINTEXT",
  ],
  [
    {
      "inter.broker.listener.name": "PLAINTEXT",
      "security.inter.broker.protocol": "PLAINTEXT",
    },
    "security.inter.broker.protocol has the same meaning, give only one of them",
  ],
];

test("inconsistent listeners are rejected with a reason", () => {
  for (const [settings, reason] of REJECTED) {
    const error = assertThrows(() => new BrokerConfig(settings), KafkaError, reason);
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});
