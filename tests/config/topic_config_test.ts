import { assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigSource } from "../../src/config/definition.ts";
import {
  checkTopicConfig,
  describeTopicConfig,
  describeTopicConfigs,
  logConfigFor,
  minInsyncReplicas,
} from "../../src/config/topic_config.ts";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Apache Kafka 4.3's topic keys with their defaults, as its DescribeConfigs tells them. */
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

function refused(name: string, text: string): string {
  const error = assertThrows(() => checkTopicConfig(name, text), KafkaError);
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  return error.message;
}

test("a topic has Apache Kafka's 33 keys with its defaults", () => {
  const described = describeTopicConfigs(NOTHING, new BrokerConfig());
  assertEquals(described.map(({ name, value }) => `${name}=${value}`), KAFKA);
  assertEquals(described.every(({ source }) => source === ConfigSource.DEFAULT_CONFIG), true);
});

test("logConfigFor() makes Kafka's default log", () => {
  assertEquals(logConfigFor(NOTHING, new BrokerConfig()), DEFAULT_LOG_CONFIG);
});

test("a topic's own value lies above the broker's", () => {
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
    documentation: "Records older than this may go. -1: never.",
  });
});

test("changes of the broker's keys reach its topics at once", () => {
  const broker = new BrokerConfig();
  broker.applyDynamic(new Map([["log.segment.bytes", "2000000"]]), NOTHING);
  assertEquals(logConfigFor(NOTHING, broker).segmentBytes, 2_000_000);
  assertEquals(
    describeTopicConfig("segment.bytes", NOTHING, broker).source,
    ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
  );
});

test("minInsyncReplicas() is the topic's, else the broker's", () => {
  const broker = new BrokerConfig({ "min.insync.replicas": "2" });
  assertEquals(minInsyncReplicas(NOTHING, broker), 2);
  assertEquals(minInsyncReplicas(new Map([["retention.ms", "1"]]), broker), 2);
  assertEquals(minInsyncReplicas(new Map([["min.insync.replicas", "3"]]), broker), 3);
});

test("checkTopicConfig() refuses keys, values and what is not there yet", () => {
  assertEquals(
    refused("retentoin.ms", "1"),
    'Cannot set "retentoin.ms": there is no such topic key, did you mean "retention.ms"?',
  );
  refused("segment.bytes", "14");
  refused("retention.ms", "-2");
  refused("message.timestamp.type", "Foo");
  refused("compression.gzip.level", "0");
  assertEquals(refused("cleanup.policy", "compact").includes("log compaction"), true);
  assertEquals(refused("compression.type", "zstd").includes("recompression"), true);
  assertEquals(refused("remote.storage.enable", "true").includes("remote storage"), true);
});

test("checkTopicConfig() takes what is in force anyway, as tools send it", () => {
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

test("a compacted topic of another version is not deleted by retention", () => {
  const config = logConfigFor(new Map([["cleanup.policy", "compact"]]), new BrokerConfig());
  assertEquals([config.compact, config.delete], [true, false]);
});

test("an override that cannot be read is passed over", () => {
  const overrides = new Map([["segment.bytes", "14"], ["a.later.key", "1"]]);
  assertEquals(logConfigFor(overrides, new BrokerConfig()), DEFAULT_LOG_CONFIG);
});
