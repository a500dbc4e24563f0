/**
 * Every declared key has an effect: its value reaches a property of the broker's or the log's settings,
 * and code of the running node reads that property. A key that is parsed but never read fails here.
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { BROKER_KEYS } from "../../src/config/broker_keys.ts";
import { logConfigFor, minInsyncReplicas } from "../../src/config/topic_config.ts";
import { TOPIC_KEYS } from "../../src/config/topic_keys.ts";
import type { LogConfig } from "../../src/log/log_config.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { lines, modules } from "../tidy.ts";

/** A value of a key, the other keys that must be set with it, and the property that it reaches. */
interface Effect {
  readonly value: string;
  readonly property: keyof BrokerConfig | keyof LogConfig;
  readonly beside?: Readonly<Record<string, string>>;
  /** The argument, if the property is a method. */
  readonly argument?: string;
}

const CONTROLLER = {
  "listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
  "controller.listener.names": "CONTROLLER",
};
const BROKER_EFFECTS: Readonly<Record<string, Effect>> = {
  "node.id": { value: "7", property: "nodeId" },
  "broker.id": { value: "7", property: "nodeId" },
  "broker.rack": { value: "a", property: "rack" },
  "log.dirs": { value: "a,b", property: "logDirs" },
  "log.dir": { value: "a", property: "logDirs" },
  "metadata.log.dir": { value: "m", property: "metadataLogDir" },
  "listeners": { value: "PLAINTEXT://:1", property: "brokerListeners" },
  "advertised.listeners": {
    value: "PLAINTEXT://a:1",
    property: "advertisedListener",
    argument: "PLAINTEXT",
  },
  "controller.listener.names": {
    value: "B",
    property: "brokerListeners",
    beside: {
      "listeners": "A://:1,B://:2",
      "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT",
    },
  },
  "process.roles": { value: "controller,broker", property: "roles" },
  "controller.quorum.voters": {
    value: "1@localhost:9093,2@localhost:9094",
    property: "isAlone",
    beside: CONTROLLER,
  },
  "controller.quorum.bootstrap.servers": {
    value: "other.example:9093",
    property: "isAlone",
    beside: CONTROLLER,
  },
  "controller.quorum.auto.join.enable": { value: "true", property: "quorumAutoJoinEnable" },
  "inter.broker.listener.name": {
    value: "A",
    property: "interBrokerListenerName",
    beside: {
      "listeners": "A://:1,PLAINTEXT://:2",
      "listener.security.protocol.map": "A:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    },
  },
  "controller.quorum.election.timeout.ms": { value: "5", property: "quorumTiming" },
  "controller.quorum.election.backoff.max.ms": { value: "5", property: "quorumTiming" },
  "controller.quorum.fetch.timeout.ms": { value: "5", property: "quorumTiming" },
  "controller.quorum.request.timeout.ms": { value: "5", property: "quorumTiming" },
  "controller.quorum.retry.backoff.ms": { value: "5", property: "quorumTiming" },
  "controller.quorum.fetch.max.bytes": { value: "5", property: "quorumTiming" },
  "controller.quorum.fetch.snapshot.max.bytes": { value: "5", property: "quorumTiming" },
  "broker.heartbeat.interval.ms": { value: "5", property: "brokerLifecycle" },
  "broker.session.timeout.ms": { value: "9000", property: "brokerLifecycle" },
  "initial.broker.registration.timeout.ms": { value: "5", property: "brokerLifecycle" },
  "controlled.shutdown.enable": { value: "false", property: "brokerLifecycle" },
  "server.max.startup.time.ms": { value: "5", property: "brokerLifecycle" },
  "metadata.log.max.record.bytes.between.snapshots": {
    value: "5",
    property: "metadataLogSettings",
  },
  "metadata.log.max.snapshot.interval.ms": { value: "5", property: "metadataLogSettings" },
  "metadata.log.segment.bytes": { value: "8388608", property: "metadataLogSettings" },
  "metadata.log.segment.ms": { value: "5", property: "metadataLogSettings" },
  "metadata.max.retention.bytes": { value: "5", property: "metadataLogSettings" },
  "metadata.max.retention.ms": { value: "5", property: "metadataLogSettings" },
  "metadata.max.idle.interval.ms": { value: "5", property: "metadataLogSettings" },
  "num.partitions": { value: "3", property: "numPartitions" },
  "auto.create.topics.enable": { value: "false", property: "autoCreateTopicsEnable" },
  "delete.topic.enable": { value: "false", property: "deleteTopicEnable" },
  "min.insync.replicas": { value: "2", property: "minInsyncReplicas" },
  "message.max.bytes": { value: "5", property: "maxMessageBytes" },
  "socket.request.max.bytes": { value: "5", property: "socketRequestMaxBytes" },
  "fetch.max.bytes": { value: "5000", property: "fetchMaxBytes" },
  "max.connections": { value: "5", property: "maxConnections" },
  "max.connections.per.ip": { value: "5", property: "maxConnectionsOf", argument: "10.0.0.1" },
  "max.connections.per.ip.overrides": {
    value: "10.0.0.1:5",
    property: "maxConnectionsOf",
    argument: "10.0.0.1",
  },
  "connections.max.idle.ms": { value: "5", property: "connectionsMaxIdleMs" },
  "max.incremental.fetch.session.cache.slots": {
    value: "5",
    property: "maxIncrementalFetchSessionCacheSlots",
  },
  "max.request.partition.size.limit": { value: "5", property: "maxRequestPartitionSizeLimit" },
  "producer.id.expiration.ms": { value: "5", property: "producerIdExpirationMs" },
  "log.segment.bytes": { value: "2000000", property: "segmentBytes" },
  "log.roll.ms": { value: "5", property: "segmentMs" },
  "log.roll.hours": { value: "5", property: "segmentMs" },
  "log.roll.jitter.ms": { value: "5", property: "segmentJitterMs" },
  "log.roll.jitter.hours": { value: "5", property: "segmentJitterMs" },
  "log.retention.ms": { value: "5", property: "retentionMs" },
  "log.retention.minutes": { value: "5", property: "retentionMs" },
  "log.retention.hours": { value: "5", property: "retentionMs" },
  "log.retention.bytes": { value: "5", property: "retentionBytes" },
  "log.retention.check.interval.ms": { value: "5", property: "logRetentionCheckIntervalMs" },
  "log.segment.delete.delay.ms": { value: "5", property: "fileDeleteDelayMs" },
  "log.flush.interval.messages": { value: "5", property: "flushMessages" },
  "log.flush.interval.ms": { value: "5", property: "flushMs" },
  "log.flush.scheduler.interval.ms": { value: "5", property: "logFlushSchedulerIntervalMs" },
  "log.flush.offset.checkpoint.interval.ms": {
    value: "5",
    property: "logFlushOffsetCheckpointIntervalMs",
  },
  "log.index.interval.bytes": { value: "5", property: "indexIntervalBytes" },
  "log.message.timestamp.type": { value: "LogAppendTime", property: "messageTimestampType" },
  "log.message.timestamp.before.max.ms": { value: "5", property: "messageTimestampBeforeMaxMs" },
  "log.message.timestamp.after.max.ms": { value: "5", property: "messageTimestampAfterMaxMs" },
  "log.cleanup.policy": { value: "compact", property: "compact" },
  "compression.type": { value: "lz4", property: "recompression" },
  "compression.gzip.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "gzip" },
  },
  "compression.lz4.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "lz4" },
  },
  "compression.zstd.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "zstd" },
  },
  "log.cleaner.enable": { value: "false", property: "logCleanerEnable" },
  "log.cleaner.backoff.ms": { value: "5", property: "logCleanerBackoffMs" },
  "log.cleaner.dedupe.buffer.size": { value: "500", property: "logCleanerDedupeBufferSize" },
  "log.cleaner.io.buffer.size": { value: "500", property: "logCleanerIoBufferSize" },
  "log.cleaner.io.buffer.load.factor": { value: "0.5", property: "logCleanerLoadFactor" },
  "log.cleaner.io.max.bytes.per.second": { value: "5", property: "logCleanerMaxBytesPerSecond" },
  "log.cleaner.min.cleanable.ratio": { value: "0.2", property: "minCleanableDirtyRatio" },
  "log.cleaner.delete.retention.ms": { value: "5", property: "deleteRetentionMs" },
  "log.cleaner.min.compaction.lag.ms": { value: "5", property: "minCompactionLagMs" },
  "log.cleaner.max.compaction.lag.ms": { value: "5", property: "maxCompactionLagMs" },
  "group.min.session.timeout.ms": { value: "5", property: "groupMinSessionTimeoutMs" },
  "group.max.session.timeout.ms": { value: "7000", property: "groupMaxSessionTimeoutMs" },
  "group.initial.rebalance.delay.ms": { value: "5", property: "groupInitialRebalanceDelayMs" },
  "group.max.size": { value: "5", property: "groupMaxSize" },
  "offset.metadata.max.bytes": { value: "5", property: "offsetMetadataMaxBytes" },
};

/** Keys whose only effect is to reject values: settings that are rejected. */
const REJECTING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "listener.security.protocol.map": { "listener.security.protocol.map": "PLAINTEXT:SSL" },
};

const TOPIC_EFFECTS: Readonly<Record<string, Effect>> = {
  "segment.bytes": { value: "2000000", property: "segmentBytes" },
  "segment.ms": { value: "5", property: "segmentMs" },
  "segment.jitter.ms": { value: "5", property: "segmentJitterMs" },
  "index.interval.bytes": { value: "5", property: "indexIntervalBytes" },
  "flush.messages": { value: "5", property: "flushMessages" },
  "flush.ms": { value: "5", property: "flushMs" },
  "file.delete.delay.ms": { value: "5", property: "fileDeleteDelayMs" },
  "cleanup.policy": { value: "compact", property: "compact" },
  "retention.ms": { value: "5", property: "retentionMs" },
  "retention.bytes": { value: "5", property: "retentionBytes" },
  "delete.retention.ms": { value: "5", property: "deleteRetentionMs" },
  "min.compaction.lag.ms": { value: "5", property: "minCompactionLagMs" },
  "max.compaction.lag.ms": { value: "5", property: "maxCompactionLagMs" },
  "min.cleanable.dirty.ratio": { value: "0.2", property: "minCleanableDirtyRatio" },
  "max.message.bytes": { value: "5", property: "maxMessageBytes" },
  "message.timestamp.type": { value: "LogAppendTime", property: "messageTimestampType" },
  "message.timestamp.before.max.ms": { value: "5", property: "messageTimestampBeforeMaxMs" },
  "message.timestamp.after.max.ms": { value: "5", property: "messageTimestampAfterMaxMs" },
  "compression.type": { value: "lz4", property: "recompression" },
  "compression.gzip.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "gzip" },
  },
  "compression.lz4.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "lz4" },
  },
  "compression.zstd.level": {
    value: "5",
    property: "recompression",
    beside: { "compression.type": "zstd" },
  },
  "min.insync.replicas": { value: "2", property: "minInsyncReplicas" },
};

const NOTHING: ReadonlyMap<string, string> = new Map();

test("every broker key with a choice of values changes what the node reads, or is rejection", () => {
  const keys = [...BROKER_KEYS.values()].filter(({ needs }) => needs === undefined).map((
    { name },
  ) => name);
  assertEquals(keys.sort(), [...Object.keys(BROKER_EFFECTS), ...Object.keys(REJECTING)].sort());
  for (const [name, { value, property, beside = {}, argument }] of Object.entries(BROKER_EFFECTS)) {
    const seen = (settings: Record<string, string>) => {
      const config = new BrokerConfig({ ...beside, ...settings });
      if (!(property in config)) return logConfigFor(NOTHING, config)[property as keyof LogConfig];
      const read = config[property as keyof BrokerConfig];
      // deno-lint-ignore ban-types -- the table names the method
      return typeof read === "function" ? (read as Function).call(config, argument) : read;
    };
    assertNotEquals(seen({ [name]: value }), seen({}), name);
  }
  for (const settings of Object.values(REJECTING)) {
    assertThrows(() => new BrokerConfig(settings), KafkaError);
  }
});

test("every topic key with a choice of values changes what the topic's logs read", () => {
  const keys = [...TOPIC_KEYS.values()].filter(({ needs }) => needs === undefined).map(({ name }) =>
    name
  );
  assertEquals(keys.sort(), Object.keys(TOPIC_EFFECTS).sort());
  const broker = new BrokerConfig();
  for (const [name, { value, property, beside = {} }] of Object.entries(TOPIC_EFFECTS)) {
    const seen = (overrides: Record<string, string>) => {
      const all = new Map(Object.entries({ ...beside, ...overrides }));
      return property === "minInsyncReplicas"
        ? minInsyncReplicas(all, broker)
        : logConfigFor(all, broker)[property as keyof LogConfig];
    };
    assertNotEquals(seen({ [name]: value }), seen({}), name);
  }
});

test("every property that a key reaches is read by code that runs", () => {
  const code = modules("src")
    .filter(({ path, folder }) => folder !== "config" && path !== "src/log/log_config.ts")
    .flatMap(({ path }) => lines(path))
    .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line))
    .join("\n");
  for (const effects of [BROKER_EFFECTS, TOPIC_EFFECTS]) {
    for (const [name, { property }] of Object.entries(effects)) {
      // `config.name`, `{ name } = config` or `({ name }: LogConfig)`.
      const reads = new RegExp(
        `\\.${property}\\b|\\{[^{};:]*\\b${property}\\b[^{};:]*\\}(?: =|: [A-Z])`,
      );
      assert(reads.test(code), `${name} is parsed, but nothing reads ${property}`);
    }
  }
});
