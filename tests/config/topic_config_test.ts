import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigSource } from "../../src/config/definition.ts";
import {
  checkTopicConfig,
  checkTopicConfigsTogether,
  describeTopicConfig,
  describeTopicConfigs,
  logConfigFor,
  minInsyncReplicas,
} from "../../src/config/topic_config.ts";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Apache Kafka 4.4's topic keys with their defaults, as its DescribeConfigs returns them. */
const KAFKA = `cleanup.policy=delete compression.gzip.level=-1 compression.lz4.level=9
compression.type=producer compression.zstd.level=3 delete.retention.ms=86400000
file.delete.delay.ms=60000 flush.messages=9223372036854775807 flush.ms=9223372036854775807
follower.replication.throttled.replicas= index.interval.bytes=4096
leader.replication.throttled.replicas= local.retention.bytes=-2 local.retention.ms=-2
max.compaction.lag.ms=9223372036854775807 max.message.bytes=1048588
message.timestamp.after.max.ms=3600000 message.timestamp.before.max.ms=9223372036854775807
message.timestamp.type=CreateTime min.cleanable.dirty.ratio=0.5 min.compaction.lag.ms=0
min.insync.replicas=1 preallocate=false remote.log.copy.disable=false
remote.log.delete.on.disable=false remote.storage.enable=false retention.bytes=-1
retention.ms=604800000 segment.bytes=1073741824 segment.index.bytes=10485760 segment.jitter.ms=0
segment.ms=604800000 unclean.leader.election.enable=false`.split(/\s+/);

function rejection(name: string, text: string): string {
  const error = assertThrows(() => checkTopicConfig(name, text), KafkaError);
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  return error.message;
}

test("a topic has Apache Kafka's 33 keys with its defaults", () => {
  const described = describeTopicConfigs(NOTHING, new BrokerConfig());
  assertEquals(described.map(({ name, value }) => `${name}=${value}`), KAFKA);
  assertEquals(described.every(({ source }) => source === ConfigSource.DEFAULT_CONFIG), true);
});

test("logConfigFor() returns Kafka's defaults", () => {
  assertEquals(logConfigFor(NOTHING, new BrokerConfig()), DEFAULT_LOG_CONFIG);
});

test("a topic's own value takes precedence over the broker's", () => {
  const broker = new BrokerConfig({ "log.retention.hours": "1", "message.max.bytes": "2000" });
  const overrides = new Map([["retention.ms", " 5 "]]);
  const config = logConfigFor(overrides, broker);
  assertEquals(config.retentionMs, 5);
  assertEquals(config.maxMessageBytes, 2_000);
  assertEquals(logConfigFor(NOTHING, broker).retentionMs, 3_600_000);
  assertEquals(describeTopicConfig("retention.ms", overrides, broker), {
    name: "retention.ms",
    value: "5",
    source: ConfigSource.DYNAMIC_TOPIC_CONFIG,
    type: "long",
    readOnly: false,
    synonyms: [
      { name: "retention.ms", value: "5", source: ConfigSource.DYNAMIC_TOPIC_CONFIG },
      { name: "log.retention.hours", value: "1", source: ConfigSource.STATIC_BROKER_CONFIG },
      { name: "log.retention.hours", value: "168", source: ConfigSource.DEFAULT_CONFIG },
    ],
    documentation: "Age at which records may be deleted. -1: never.",
  });
});

test("changes of the broker's keys reach its topics immediately", () => {
  const broker = new BrokerConfig();
  broker.applyDynamic(new Map([["log.segment.bytes", "2000000"]]), NOTHING);
  assertEquals(logConfigFor(NOTHING, broker).segmentBytes, 2_000_000);
  assertEquals(
    describeTopicConfig("segment.bytes", NOTHING, broker).source,
    ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
  );
});

test("flush keys are inherited from the broker, and the topic's own take precedence", () => {
  const broker = new BrokerConfig({
    "log.flush.interval.messages": "1",
    "log.flush.scheduler.interval.ms": "3000",
  });
  const inherited = logConfigFor(NOTHING, broker);
  assertEquals([inherited.flushMessages, inherited.flushMs], [1, 3_000]);
  const own = logConfigFor(new Map([["flush.messages", "10"], ["flush.ms", "20"]]), broker);
  assertEquals([own.flushMessages, own.flushMs], [10, 20]);
  assertEquals(
    describeTopicConfig("flush.ms", NOTHING, broker).synonyms.map(({ name, value }) =>
      `${name}=${value}`
    ),
    ["log.flush.scheduler.interval.ms=3000", "log.flush.scheduler.interval.ms=9223372036854775807"],
  );
});

test("compression.type selects a codec with its level, or leaves batches unchanged", () => {
  const recompression = (overrides: Record<string, string>, broker: Record<string, string> = {}) =>
    logConfigFor(new Map(Object.entries(overrides)), new BrokerConfig(broker)).recompression;
  assertEquals(recompression({}), null);
  assertEquals(recompression({ "compression.type": "producer" }), null);
  assertEquals(recompression({ "compression.type": "uncompressed" }), { type: "none" });
  assertEquals(recompression({ "compression.type": "snappy" }), { type: "snappy" });
  assertEquals(recompression({ "compression.type": "gzip" }), { type: "gzip" });
  assertEquals(recompression({ "compression.type": "lz4" }), { type: "lz4", level: 9 });
  assertEquals(
    recompression({ "compression.type": "gzip", "compression.gzip.level": "1" }),
    { type: "gzip", level: 1 },
  );
  assertEquals(
    recompression({ "compression.zstd.level": "-5" }, { "compression.type": "zstd" }),
    { type: "zstd", level: -5 },
  );
  assertEquals(
    recompression({}, { "compression.type": "zstd", "compression.zstd.level": "7" }),
    { type: "zstd", level: 7 },
  );
});

test("minInsyncReplicas() returns the topic's value, else the broker's", () => {
  const broker = new BrokerConfig({ "min.insync.replicas": "2" });
  assertEquals(minInsyncReplicas(NOTHING, broker), 2);
  assertEquals(minInsyncReplicas(new Map([["retention.ms", "1"]]), broker), 2);
  assertEquals(minInsyncReplicas(new Map([["min.insync.replicas", "3"]]), broker), 3);
});

test("checkTopicConfig() rejects unknown keys, invalid values and unsupported features", () => {
  assertEquals(
    rejection("retentoin.ms", "1"),
    'Cannot set "retentoin.ms": there is no such topic key, did you mean "retention.ms"?',
  );
  rejection("segment.bytes", "14");
  rejection("retention.ms", "-2");
  rejection("message.timestamp.type", "Foo");
  rejection("compression.gzip.level", "0");
  rejection("cleanup.policy", "compact,compact");
  rejection("min.cleanable.dirty.ratio", "1.1");
  rejection("compression.type", "brotli");
  rejection("flush.messages", "0");
  assertEquals(rejection("remote.storage.enable", "true").includes("remote storage"), true);
});

test("checkTopicConfig() accepts values already in force, as tools send them", () => {
  checkTopicConfig("cleanup.policy", "delete");
  checkTopicConfig("compression.type", "producer");
  checkTopicConfig("min.cleanable.dirty.ratio", "0.50");
  checkTopicConfig("unclean.leader.election.enable", "False");
});

test("an empty cleanup policy keeps everything", () => {
  const overrides = new Map([["cleanup.policy", ""]]);
  checkTopicConfig("cleanup.policy", "");
  assertEquals(logConfigFor(overrides, new BrokerConfig()).delete, false);
});

test("a compacted topic is subject to retention only with cleanup.policy=compact,delete", () => {
  const config = logConfigFor(new Map([["cleanup.policy", "compact"]]), new BrokerConfig());
  assertEquals([config.compact, config.delete], [true, false]);
  const both = logConfigFor(new Map([["cleanup.policy", "compact,delete"]]), new BrokerConfig());
  assertEquals([both.compact, both.delete], [true, true]);
});

test("a compacted topic closes segments no later than max.compaction.lag.ms", () => {
  const lag = ["max.compaction.lag.ms", "5000"] as const;
  const segmentMs = (...overrides: (readonly [string, string])[]) =>
    logConfigFor(new Map(overrides), new BrokerConfig()).segmentMs;
  assertEquals(segmentMs(lag), 604_800_000);
  assertEquals(segmentMs(lag, ["cleanup.policy", "compact"]), 5_000);
  assertEquals(segmentMs(lag, ["cleanup.policy", "compact"], ["segment.ms", "100"]), 100);
});

test("the broker's keys are the defaults for compaction", () => {
  const config = logConfigFor(
    NOTHING,
    new BrokerConfig({
      "log.cleaner.delete.retention.ms": "1",
      "log.cleaner.min.compaction.lag.ms": "2",
      "log.cleaner.max.compaction.lag.ms": "3",
      "log.cleaner.min.cleanable.ratio": "0.25",
    }),
  );
  assertEquals(config.deleteRetentionMs, 1);
  assertEquals(config.minCompactionLagMs, 2);
  assertEquals(config.maxCompactionLagMs, 3);
  assertEquals(config.minCleanableDirtyRatio, 0.25);
});

test("checkTopicConfigsTogether() rejects a minimum compaction lag above the maximum", () => {
  const check = (topic: Record<string, string>, broker: Record<string, string> = {}) =>
    checkTopicConfigsTogether(new Map(Object.entries(topic)), new BrokerConfig(broker));
  check({ "min.compaction.lag.ms": "5", "max.compaction.lag.ms": "5" });
  check({ "min.compaction.lag.ms": "6" });
  assertThrows(
    () => check({ "min.compaction.lag.ms": "6", "max.compaction.lag.ms": "5" }),
    KafkaError,
    "must not be above max.compaction.lag.ms, which is 5",
  );
  assertThrows(
    () => check({ "min.compaction.lag.ms": "6" }, { "log.cleaner.max.compaction.lag.ms": "5" }),
    KafkaError,
    "must not be above max.compaction.lag.ms, which is 5",
  );
});

test("an override that cannot be parsed is ignored", () => {
  const overrides = new Map([["segment.bytes", "14"], ["a.later.key", "1"]]);
  assertEquals(logConfigFor(overrides, new BrokerConfig()), DEFAULT_LOG_CONFIG);
});

test("longs beyond 2^53 take effect and are described as set", () => {
  const name = "message.timestamp.after.max.ms";
  const after = (overrides: Map<string, string>, broker = new BrokerConfig()) => [
    logConfigFor(overrides, broker).messageTimestampAfterMaxMs,
    describeTopicConfig(name, overrides, broker).value,
  ];
  for (const text of ["9007199254740993", "100000000000000001", "9223372036854775807"]) {
    assertEquals(after(new Map([[name, text]])), [Number(text), text]);
    assertEquals(after(new Map(), new BrokerConfig({ [`log.${name}`]: text })), [
      Number(text),
      text,
    ]);
  }
  assertEquals(
    describeTopicConfig("flush.ms", NOTHING, new BrokerConfig()).value,
    "9223372036854775807",
  );
});
