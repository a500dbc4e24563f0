/** Contradicting settings are rejected; where Apache Kafka defines a precedence, a notice reports it. */
import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { parseConnectionLimits } from "../../src/config/connection_limits.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const REJECTED: readonly (readonly [Record<string, string>, string])[] = [
  [
    { "node.id": "1", "broker.id": "2" },
    'Cannot set "broker.id" to "2": it is the older name of node.id, which is 1; give one of them',
  ],
  [{ "default.replication.factor": "3" }, "this needs more than one node"],
  [
    { "group.min.session.timeout.ms": "10", "group.max.session.timeout.ms": "5" },
    "it must not be above group.max.session.timeout.ms, which is 5",
  ],
  [
    { "broker.heartbeat.interval.ms": "2000" },
    "it must be at most half of broker.session.timeout.ms, which is 3000",
  ],
  [
    { "log.cleaner.min.compaction.lag.ms": "10", "log.cleaner.max.compaction.lag.ms": "5" },
    "it must not be above log.cleaner.max.compaction.lag.ms, which is 5",
  ],
  [
    { "max.connections.per.ip": "0" },
    "no client could connect, name those that may in max.connections.per.ip.overrides",
  ],
  [{ "max.connections.per.ip.overrides": "10.0.0.1" }, '"10.0.0.1" is not a valid limit'],
  [
    { "max.connections.per.ip.overrides": "broker.example:5" },
    '"broker.example:5" is not a valid limit',
  ],
  [{ "max.connections.per.ip.overrides": "10.0.0.1:1,10.0.0.1:2" }, "10.0.0.1 occurs twice"],
];

test("BrokerConfig rejects contradicting settings", () => {
  for (const [settings, reason] of REJECTED) {
    const error = assertThrows(() => new BrokerConfig(settings), KafkaError, reason);
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});

test("BrokerConfig uses Apache Kafka's precedence of keys and reports overridden keys", () => {
  const retention = new BrokerConfig({ "log.retention.hours": "1", "log.retention.ms": "5" });
  assertEquals(retention.logRetentionMs, 5);
  assertEquals(retention.notices, [
    "log.retention.hours has no effect: log.retention.ms takes precedence",
  ]);
  const units = new BrokerConfig({ "log.retention.minutes": "5", "log.retention.ms": "5" });
  assertEquals(units.notices, [
    "log.retention.minutes has no effect: log.retention.ms takes precedence",
  ]);
  assertEquals(new BrokerConfig({ "log.dir": "a", "log.dirs": "a" }).notices, []);
  const directories = new BrokerConfig({ "log.dir": "a", "log.dirs": "b,c" });
  assertEquals(directories.logDirs, ["b", "c"]);
  assertEquals(directories.notices, ["log.dir has no effect: log.dirs takes precedence"]);
  const flush = { "log.flush.interval.ms": "5", "log.flush.scheduler.interval.ms": "6" };
  assertEquals(new BrokerConfig(flush).notices, []);
});

test("BrokerConfig accepts older names of keys", () => {
  const config = new BrokerConfig({ "broker.id": "4", "log.dir": "a,b" });
  assertEquals([config.nodeId, config.logDirs], [4, ["a", "b"]]);
  assertEquals(config.notices, []);
  assertEquals(new BrokerConfig({ "broker.id": "4", "node.id": "4" }).nodeId, 4);
});

test("max.connections.per.ip.overrides limits single addresses", () => {
  const config = new BrokerConfig({
    "max.connections.per.ip": "0",
    "max.connections.per.ip.overrides": "10.0.0.1:5, [2001:DB8::1]:6",
  });
  assertEquals(config.maxConnectionsOf("10.0.0.1"), 5);
  assertEquals(config.maxConnectionsOf("2001:db8::1"), 6);
  assertEquals(config.maxConnectionsOf("10.0.0.2"), 0);
  assertEquals(parseConnectionLimits(""), new Map());
});

test("max.connections.per.ip.overrides changes while the broker runs", () => {
  const config = new BrokerConfig({ "max.connections.per.ip": "2" });
  config.applyDynamic(new Map([["max.connections.per.ip.overrides", "10.0.0.1:5"]]), new Map());
  assertEquals(config.maxConnectionsOf("10.0.0.1"), 5);
  config.applyDynamic(new Map(), new Map());
  assertEquals(config.maxConnectionsOf("10.0.0.1"), 2);
});

test("checkDynamic() rejects values that contradict those of other layers", () => {
  const config = new BrokerConfig({ "log.cleaner.max.compaction.lag.ms": "5" });
  const lag = (value: string) => new Map([["log.cleaner.min.compaction.lag.ms", value]]);
  config.checkDynamic(lag("5"), new Map());
  assertThrows(() => config.checkDynamic(lag("6"), new Map()), KafkaError, "which is 5");
  config.checkDynamic(lag("6"), lag("4"));
  config.checkDynamic(lag("6"), new Map([["log.cleaner.max.compaction.lag.ms", "7"]]));
});
