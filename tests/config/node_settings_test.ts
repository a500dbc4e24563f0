/** Roles, listeners and controllers of nodes in a cluster. */
import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { formatListener } from "../../src/config/listeners.ts";
import { requireServed } from "../../src/node/not_yet_served.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const MAP = "listener.security.protocol.map";
const VOTERS = "controller.quorum.voters";
const SERVERS = "controller.quorum.bootstrap.servers";
const NAMES = "controller.listener.names";
const ADVERTISED = "advertised.listeners";
const AUTO_JOIN = "controller.quorum.auto.join.enable";

type Settings = Readonly<Record<string, string>>;

const THREE = "1@a.example:9093,2@b.example:9093,3@c.example:9093";
const CONTROLLER: Settings = {
  "process.roles": "controller",
  "node.id": "1",
  "listeners": "CONTROLLER://a.example:9093",
  [NAMES]: "CONTROLLER",
  [VOTERS]: THREE,
};
const BROKER: Settings = {
  "process.roles": "broker",
  "node.id": "4",
  "listeners": "PLAINTEXT://d.example:9092",
  [NAMES]: "CONTROLLER",
  [VOTERS]: THREE,
};
const BOTH: Settings = {
  "process.roles": "broker,controller",
  "node.id": "1",
  "listeners": "PLAINTEXT://a.example:9092,CONTROLLER://a.example:9093",
  [NAMES]: "CONTROLLER",
  [VOTERS]: THREE,
};
/** The controllers are found at an address instead of being listed. */
function dynamic({ [VOTERS]: _voters, ...settings }: Settings): Settings {
  return { ...settings, [SERVERS]: "a.example:9093,b.example:9093" };
}

test("a node without settings is broker and controller, and alone", () => {
  const config = new BrokerConfig();
  assertEquals([config.roles, config.isBroker, config.isController, config.isAlone], [
    ["broker", "controller"],
    true,
    true,
    true,
  ]);
  assertEquals(config.brokerListeners.map(formatListener), ["PLAINTEXT://127.0.0.1:9092"]);
  assertEquals([config.controllerListeners, config.controllerListenerNames], [[], []]);
  assertEquals([config.quorumVoters, config.quorumBootstrapServers], [[], []]);
  assertEquals(config.interBrokerListenerName, "PLAINTEXT");
  requireServed(config);
});

test("a controller of three has a listener for controllers and none for clients", () => {
  const config = new BrokerConfig(CONTROLLER);
  assertEquals([config.isBroker, config.isController, config.isAlone], [false, true, false]);
  assertEquals(config.brokerListeners, []);
  assertEquals(config.controllerListeners.map(formatListener), ["CONTROLLER://a.example:9093"]);
  assertEquals(config.interBrokerListenerName, null);
  assertEquals(config.quorumVoters, [
    { id: 1, host: "a.example", port: 9093 },
    { id: 2, host: "b.example", port: 9093 },
    { id: 3, host: "c.example", port: 9093 },
  ]);
});

test("a broker names the listener of the controllers and does not open it", () => {
  const config = new BrokerConfig(dynamic(BROKER));
  assertEquals([config.isBroker, config.isController, config.isAlone], [true, false, false]);
  assertEquals(config.brokerListeners.map(formatListener), ["PLAINTEXT://d.example:9092"]);
  assertEquals([config.controllerListeners, config.controllerListenerNames], [[], ["CONTROLLER"]]);
  assertEquals(config.interBrokerListenerName, "PLAINTEXT");
  assertEquals(config.quorumBootstrapServers, [
    { host: "a.example", port: 9093 },
    { host: "b.example", port: 9093 },
  ]);
});

test("nodes with both roles, and controllers found at an address, are accepted", () => {
  for (const settings of [BOTH, dynamic(BOTH), dynamic(CONTROLLER), BROKER]) {
    assertEquals(new BrokerConfig(settings).isAlone, false);
  }
  assertEquals(
    new BrokerConfig({ ...dynamic(CONTROLLER), [AUTO_JOIN]: "true" }).quorumAutoJoinEnable,
    true,
  );
});

test("addresses of controllers may be IPv6, in brackets", () => {
  const config = new BrokerConfig({
    ...dynamic(BROKER),
    [VOTERS]: "1@[::1]:9093",
    [SERVERS]: "[fe80::1%eth0]:9093",
  });
  assertEquals(config.quorumVoters, [{ id: 1, host: "::1", port: 9093 }]);
  assertEquals(config.quorumBootstrapServers, [{ host: "fe80::1%eth0", port: 9093 }]);
});

test("a node is alone if every address of a controller is its own", () => {
  const isAlone = (listener: string, settings: Settings) =>
    new BrokerConfig({
      ...BOTH,
      [VOTERS]: "",
      "listeners": `PLAINTEXT://a.example:9092,${listener}`,
      ...settings,
    }).isAlone;
  assertEquals(isAlone("CONTROLLER://:9093", { [VOTERS]: "1@elsewhere.example:9093" }), true);
  assertEquals(isAlone("CONTROLLER://a.example:9093", { [SERVERS]: "A.example:9093" }), true);
  assertEquals(isAlone("CONTROLLER://:9093", { [SERVERS]: "localhost:9093" }), true);
  assertEquals(isAlone("CONTROLLER://127.0.0.1:9093", { [SERVERS]: "localhost:9093" }), true);
  const advertised = { [ADVERTISED]: "CONTROLLER://b.example:19093" };
  assertEquals(
    isAlone("CONTROLLER://:9093", { ...advertised, [SERVERS]: "b.example:19093" }),
    true,
  );
  assertEquals(
    isAlone("CONTROLLER://:9093", { ...advertised, [SERVERS]: "c.example:19093" }),
    false,
  );
  assertEquals(isAlone("CONTROLLER://a.example:9093", { [SERVERS]: "a.example:9094" }), false);
  assertEquals(isAlone("CONTROLLER://a.example:9093", { [SERVERS]: "localhost:9093" }), false);
  assertEquals(
    isAlone("CONTROLLER://a.example:9093", { [SERVERS]: "a.example:9093,b.example:9093" }),
    false,
  );
  // Another host with the same port is the usual address of another controller.
  assertThrows(
    () => isAlone("CONTROLLER://:9093", { [SERVERS]: "b.example:9093" }),
    KafkaError,
    "CONTROLLER listens on every address, so other nodes need one to connect to",
  );
});

/** Contradictions. Apache Kafka rejects most of them too, and ignores the others. */
const REJECTED: readonly (readonly [Settings, string])[] = [
  [{ "process.roles": "" }, 'it takes "broker", "controller", or both'],
  [{ "process.roles": "broker,broker" }, "each element may occur only once"],
  [{ "process.roles": "observer" }, 'it takes "broker", "controller"'],
  [
    { ...BROKER, [VOTERS]: "" },
    "a node that is a broker only needs the addresses of the controllers, set controller.quorum.voters or",
  ],
  [{ ...CONTROLLER, [VOTERS]: "" }, "a node that is a controller only needs the addresses"],
  [
    { ...CONTROLLER, "node.id": "7" },
    "this node is a controller, so its node.id, 7, must be among them; add 7@host:port",
  ],
  [{ ...BOTH, [VOTERS]: "2@b.example:9093" }, "so its node.id, 1, must be among them"],
  [{ ...BOTH, "node.id": "7" }, "so its node.id, 7, must be among them"],
  [
    { ...BROKER, "node.id": "2" },
    "process.roles makes node 2 a broker only, remove it from the voters, or give this node another",
  ],
  // The other controllers would never reach this one.
  [
    { ...CONTROLLER, "listeners": "CONTROLLER://a.example:9094" },
    "this node, 1, is listed with port 9093, and its listeners for controllers have port 9094",
  ],
  [
    { ...CONTROLLER, [ADVERTISED]: "CONTROLLER://a.example:1", "listeners": "CONTROLLER://:2" },
    "is listed with port 9093, and its listeners for controllers have port 2, 1",
  ],
  [{ ...BROKER, [VOTERS]: "1@a:1,1@b:1" }, "node 1 occurs twice, list each controller once"],
  [{ ...BROKER, [VOTERS]: "1@a:1,2@A:1" }, "two nodes have the address a:1"],
  [{ ...BROKER, [VOTERS]: "1@0.0.0.0:1" }, 'no node can connect to "1@0.0.0.0:1"'],
  [{ ...BROKER, [VOTERS]: "a:1" }, '"a:1" is not a voter, write it as id@host:port'],
  [{ ...BROKER, [VOTERS]: "1@a:0" }, '"1@a:0" is not a voter'],
  [{ ...BROKER, [VOTERS]: "1@a:65536" }, '"1@a:65536" is not a voter'],
  [{ ...BROKER, [VOTERS]: "2147483648@a:1" }, '"2147483648@a:1" is not a voter'],
  [{ ...BROKER, [VOTERS]: "-1@a:1" }, '"-1@a:1" is not a voter'],
  [{ ...BROKER, [SERVERS]: "a" }, '"a" is not an address, write it as host:port'],
  [{ ...BROKER, [SERVERS]: "a:0" }, '"a:0" is not an address'],
  [{ ...BROKER, [SERVERS]: "[::]:9093" }, 'no node can connect to "[::]:9093"'],
  [
    { [VOTERS]: "1@localhost:9093" },
    "a controller of a quorum needs a listener for controllers; add CONTROLLER://host:9093",
  ],
  [
    { ...CONTROLLER, "listeners": "CONTROLLER://a.example:9093,PLAINTEXT://a.example:9092" },
    "process.roles makes this node a controller only, and PLAINTEXT is not among controller.listener.names",
  ],
  [
    { ...BOTH, "listeners": "CONTROLLER://a.example:9093" },
    "controller.listener.names lists all of them, add one for clients, or leave the role broker out",
  ],
  [
    { ...BOTH, [NAMES]: "CONTROLLER,OTHER" },
    "a controller needs OTHER among its listeners, PLAINTEXT://a.example:9092,CONTROLLER://a.example:9093",
  ],
  [
    {
      "process.roles": "broker",
      "node.id": "4",
      "listeners": "PLAINTEXT://d.example:9092",
      [VOTERS]: THREE,
    },
    "a broker also needs controller.listener.names, the name that the controllers give their listener",
  ],
  [
    { ...BROKER, "listeners": "PLAINTEXT://d.example:9092,CONTROLLER://d.example:9093" },
    "CONTROLLER is among controller.listener.names, and process.roles makes this node a broker only",
  ],
  [
    { ...BROKER, [ADVERTISED]: "PLAINTEXT://d:9092,CONTROLLER://d:9093" },
    "CONTROLLER is among controller.listener.names, and this node has no listener for controllers",
  ],
  [
    { ...BROKER, [MAP]: "PLAINTEXT:PLAINTEXT" },
    "CONTROLLER has no security protocol, add CONTROLLER:PLAINTEXT to listener.security.protocol.map",
  ],
  [
    { ...BROKER, [MAP]: "PLAINTEXT:PLAINTEXT,CONTROLLER:SASL_SSL" },
    "CONTROLLER has the security protocol SASL_SSL, and this version supports PLAINTEXT only",
  ],
  [
    { ...BOTH, "listeners": "PLAINTEXT://:9093,CONTROLLER://:9093" },
    "each listener needs its own port, 9093 occurs 2 times",
  ],
  [
    { ...BROKER, "listeners": "PLAINTEXT://0.0.0.0:9092" },
    "PLAINTEXT listens on every address, so other nodes need one to connect to; add " +
    "PLAINTEXT://host:9092 to advertised.listeners",
  ],
  [
    { ...BROKER, "listeners": "A://d:1", [MAP]: "A:PLAINTEXT,CONTROLLER:PLAINTEXT" },
    "none is named PLAINTEXT, so brokers do not know which to use among themselves; set " +
    "inter.broker.listener.name to A",
  ],
  [
    { ...CONTROLLER, "inter.broker.listener.name": "controller" },
    "controller.listener.names lists it too, and brokers do not reach each other",
  ],
  [
    { ...CONTROLLER, "inter.broker.listener.name": "INSIDE" },
    "INSIDE has no security protocol, add INSIDE:PLAINTEXT to listener.security.protocol.map",
  ],
  [
    { ...dynamic(BROKER), [AUTO_JOIN]: "true" },
    "process.roles is broker, and only a controller joins the quorum",
  ],
  [
    { ...CONTROLLER, [AUTO_JOIN]: "true" },
    "controller.quorum.voters makes the quorum a fixed one that no controller can join",
  ],
];

test("contradictory roles, listeners and controllers are rejected with a reason", () => {
  for (const [settings, reason] of REJECTED) {
    const error = assertThrows(() => new BrokerConfig(settings), KafkaError, reason);
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});

test("a voter behind another port is accepted if it is the advertised one", () => {
  const config = new BrokerConfig({
    ...CONTROLLER,
    "listeners": "CONTROLLER://:19093",
    [ADVERTISED]: "CONTROLLER://a.example:9093",
  });
  assertEquals(config.advertisedListener("CONTROLLER")?.port, 9093);
});

test("inter.broker.listener.name on a controller has no effect, with a notice", () => {
  assertEquals(
    new BrokerConfig({ ...CONTROLLER, "inter.broker.listener.name": "PLAINTEXT" }).notices[0],
    "inter.broker.listener.name has no effect: this node is no broker",
  );
});

test("the times and sizes of a cluster have Apache Kafka's defaults, but for the session", () => {
  const config = new BrokerConfig();
  assertEquals(config.quorumTiming, {
    electionTimeoutMs: 1_000,
    electionBackoffMaxMs: 1_000,
    fetchTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    retryBackoffMs: 20,
    fetchMaxBytes: 1_048_576,
    fetchSnapshotMaxBytes: 1_048_576,
  });
  assertEquals(config.brokerLifecycle, {
    heartbeatIntervalMs: 500,
    sessionTimeoutMs: 3_000,
    registrationTimeoutMs: 60_000,
    controlledShutdownEnable: true,
    maxStartupTimeMs: 2 ** 63,
  });
  assertEquals(config.metadataLogSettings, {
    maxBytesBetweenSnapshots: 20_971_520,
    maxSnapshotIntervalMs: 3_600_000,
    segmentBytes: 1_073_741_824,
    segmentMs: 604_800_000,
    retentionBytes: 104_857_600,
    retentionMs: 604_800_000,
    maxIdleIntervalMs: 2_000,
  });
  const slow = { "broker.session.timeout.ms": "9000", "broker.heartbeat.interval.ms": "2000" };
  const { sessionTimeoutMs, heartbeatIntervalMs } = new BrokerConfig(slow).brokerLifecycle;
  assertEquals([sessionTimeoutMs, heartbeatIntervalMs], [9_000, 2_000]);
});
