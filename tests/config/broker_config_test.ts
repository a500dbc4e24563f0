import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { BROKER_KEYS } from "../../src/config/broker_keys.ts";
import { checkDynamicBrokerConfig } from "../../src/config/dynamic_values.ts";
import { ConfigSource } from "../../src/config/definition.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { NO_LIMIT } from "../../src/log/log_config.ts";
import { test } from "../harness.ts";

const NONE: ReadonlyMap<string, string> = new Map();

function rejection(settings: Record<string, string>): string {
  const error = assertThrows(() => new BrokerConfig(settings), KafkaError);
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  return error.message;
}

function rejectionAtRunTime(name: string, text: string): KafkaError {
  return assertThrows(() => checkDynamicBrokerConfig(name, text), KafkaError);
}

test("BrokerConfig has Apache Kafka's defaults", () => {
  const config = new BrokerConfig();
  assertEquals(config.numPartitions, 1);
  assertEquals(config.messageMaxBytes, 1_048_588);
  assertEquals(config.socketRequestMaxBytes, 104_857_600);
  assertEquals(config.fetchMaxBytes, 57_671_680);
  assertEquals(config.logRetentionMs, 604_800_000);
  assertEquals(config.logRollMs, 604_800_000);
  assertEquals(config.autoCreateTopicsEnable, true);
  assertEquals(config.maxConnections, 2_147_483_647);
  assertEquals(config.groupInitialRebalanceDelayMs, 3_000);
});

test("value() returns a value for every broker key that has a default", () => {
  const config = new BrokerConfig();
  for (const [name, definition] of BROKER_KEYS) {
    assertEquals(config.value(name) === null, definition.default === null, name);
  }
});

test("BrokerConfig uses the value in the finest unit that is set", () => {
  assertEquals(new BrokerConfig({ "log.retention.hours": "1" }).logRetentionMs, 3_600_000);
  assertEquals(
    new BrokerConfig({ "log.retention.hours": "1", "log.retention.minutes": "2" }).logRetentionMs,
    120_000,
  );
  const all = new BrokerConfig({ "log.retention.minutes": "2", "log.retention.ms": "3" });
  assertEquals(all.logRetentionMs, 3);
  assertEquals(new BrokerConfig({ "log.retention.hours": "-1" }).logRetentionMs, -1);
  assertEquals(new BrokerConfig({ "log.roll.hours": "2" }).logRollMs, 7_200_000);
  assertEquals(new BrokerConfig({ "log.roll.ms": "5" }).logRollMs, 5);
});

test("log.flush.interval.ms defaults to log.flush.scheduler.interval.ms, as in Kafka", () => {
  assertEquals(new BrokerConfig().logFlushIntervalMs, NO_LIMIT);
  const coarse = { "log.flush.scheduler.interval.ms": "2000" };
  assertEquals(new BrokerConfig(coarse).logFlushIntervalMs, 2_000);
  const both = new BrokerConfig({ ...coarse, "log.flush.interval.ms": "500" });
  assertEquals([both.logFlushIntervalMs, both.logFlushSchedulerIntervalMs], [500, 2_000]);
});

test("BrokerConfig rejects an unknown key and suggests the nearest", () => {
  assertEquals(
    rejection({ "log.retentoin.ms": "1" }),
    'Cannot set "log.retentoin.ms": there is no such broker key, did you mean "log.retention.ms"?',
  );
  assertEquals(rejection({ "foo.bar": "1" }), 'Cannot set "foo.bar": there is no such broker key');
  assertEquals(rejection({ "retention.ms": "1" }).includes('"log.retention.ms"'), true);
});

test("BrokerConfig rejects keys that need an unsupported feature, with the reason", () => {
  assertEquals(rejection({ "ssl.keystore.location": "x" }).includes("TLS"), true);
  assertEquals(
    rejection({ "offsets.topic.replication.factor": "3" }),
    'Cannot set "offsets.topic.replication.factor" to "3": this needs more than one node, which ' +
      'this version does not support; leave it at "1"',
  );
  assertEquals(
    rejection({ "transaction.state.log.min.irs": "1" }),
    'Cannot set "transaction.state.log.min.irs": there is no such broker key, did you mean ' +
      '"transaction.state.log.min.isr"?',
  );
});

test("BrokerConfig rejects invalid values", () => {
  rejection({ "num.partitions": "0" });
  rejection({ "log.segment.bytes": "1000" });
  rejection({ "log.retention.ms": "0" });
  rejection({ "listeners": "SSL://:9093" });
  rejection({ "log.dirs": "a,,b" });
  rejection({ "log.dirs": " " });
  rejection({ "log.cleanup.policy": "compress" });
  rejection({ "log.cleaner.threads": "0" });
  rejection({ "log.cleaner.min.cleanable.ratio": "1.5" });
  rejection({ "compression.type": "brotli" });
  rejection({ "compression.gzip.level": "0" });
  rejection({ "compression.lz4.level": "18" });
  rejection({ "log.flush.interval.messages": "0" });
  rejection({ "group.min.session.timeout.ms": "10", "group.max.session.timeout.ms": "5" });
});

test("values set at run time take precedence over those given at start", () => {
  const config = new BrokerConfig({ "message.max.bytes": "1000" });
  config.applyDynamic(new Map([["message.max.bytes", "2000"]]), NONE);
  assertEquals(config.messageMaxBytes, 2_000);
  config.applyDynamic(
    new Map([["message.max.bytes", "2000"]]),
    new Map([["message.max.bytes", "3000"]]),
  );
  assertEquals(config.messageMaxBytes, 3_000);
  assertEquals(config.layers("message.max.bytes"), [
    { name: "message.max.bytes", value: "3000", source: ConfigSource.DYNAMIC_BROKER_CONFIG },
    {
      name: "message.max.bytes",
      value: "2000",
      source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    },
    { name: "message.max.bytes", value: "1000", source: ConfigSource.STATIC_BROKER_CONFIG },
    { name: "message.max.bytes", value: "1048588", source: ConfigSource.DEFAULT_CONFIG },
  ]);
  config.applyDynamic(NONE, NONE);
  assertEquals(config.messageMaxBytes, 1_000);
});

test("onChange() reports only keys whose value has changed", () => {
  const config = new BrokerConfig();
  const heard: string[][] = [];
  const stop = config.onChange((changed) => heard.push([...changed]));
  config.applyDynamic(new Map([["max.connections", "5"]]), NONE);
  config.applyDynamic(new Map([["max.connections", "5"]]), NONE);
  config.applyDynamic(new Map([["max.connections", "5"]]), new Map([["max.connections", " 5 "]]));
  stop();
  config.applyDynamic(NONE, NONE);
  assertEquals(heard, [["max.connections"]]);
});

test("applyDynamic() reports unsupported values and applies those it can parse", () => {
  const config = new BrokerConfig();
  const rejected = config.applyDynamic(
    new Map([["log.cleanup.policy", "compact"], ["num.io.threads", "4"], ["max.connections", "x"]]),
    NONE,
  );
  assertEquals(rejected.length, 2);
  assertEquals(config.value("log.cleanup.policy"), ["compact"]);
  assertEquals(config.maxConnections, 2_147_483_647);
});

test("checkDynamicBrokerConfig() distinguishes unknown keys, read-only keys and invalid values", () => {
  checkDynamicBrokerConfig("message.max.bytes", "5");
  assertEquals(rejectionAtRunTime("num.partitions", "4").code, ErrorCode.INVALID_REQUEST);
  assertEquals(rejectionAtRunTime("message.max.bytes", "x").code, ErrorCode.INVALID_REQUEST);
  assertEquals(rejectionAtRunTime("message.max.byte", "4").code, ErrorCode.INVALID_CONFIG);
  assertEquals(rejectionAtRunTime("log.cleaner.enable", "false").code, ErrorCode.INVALID_REQUEST);
  checkDynamicBrokerConfig("log.cleanup.policy", "compact");
});

test("describe() returns every key with its layers", () => {
  const config = new BrokerConfig({ "num.partitions": "3", "log.retention.hours": "1" });
  const described = new Map(config.describe().map((entry) => [entry.name, entry]));
  assertEquals(described.size, BROKER_KEYS.size);
  const partitions = described.get("num.partitions")!;
  assertEquals([partitions.value, partitions.source, partitions.readOnly], ["3", 4, true]);
  assertEquals(described.get("message.max.bytes")!.readOnly, false);
  const retention = described.get("log.retention.ms")!;
  assertEquals(retention.value, null);
  assertEquals(retention.synonyms.map(({ name, value }) => `${name}=${value}`), [
    "log.retention.hours=1",
    "log.retention.hours=168",
  ]);
});

test("describeDynamicDefaults() returns only values set for all brokers", () => {
  const config = new BrokerConfig({ "max.connections": "9" });
  assertEquals(config.describeDynamicDefaults(), []);
  config.applyDynamic(new Map([["max.connections", "8"]]), new Map([["max.connections", "7"]]));
  assertEquals(
    config.describeDynamicDefaults().map(({ name, value, source }) => [name, value, source]),
    [["max.connections", "8", ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG]],
  );
});

test("setListening() applies the ports that the host has chosen", () => {
  const config = new BrokerConfig({
    listeners: "PLAINTEXT://127.0.0.1:0,CONTROLLER://:9093,OTHER://127.0.0.1:0",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER:PLAINTEXT",
  });
  config.setListening(new Map([["PLAINTEXT", 4711], ["OTHER", 4712]]));
  assertEquals(config.brokerListeners.map(({ port }) => port), [4711, 4712]);
  assertEquals(config.controllerListeners.map(({ port }) => port), [9093]);
  assertEquals(
    config.text("listeners"),
    "PLAINTEXT://127.0.0.1:4711,CONTROLLER://:9093,OTHER://127.0.0.1:4712",
  );
});
