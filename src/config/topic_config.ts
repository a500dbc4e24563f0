/**
 * A topic's configuration: what was set for the topic, above what the broker's keys give.
 *
 * @module
 */
import type { LogConfig } from "../log/log_config.ts";
import type { Recompression } from "../protocol/records/recompress.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { BrokerConfig } from "./broker_config.ts";
import {
  ConfigSource,
  type ConfigSynonym,
  type ConfigValue,
  type DescribedConfig,
  hasOneValue,
  invalidConfig,
  MAX_LONG_TEXT,
  normalizeConfig,
  parseConfig,
  requireSupported,
} from "./definition.ts";
import { nearestName } from "../nearest_name.ts";
import { TOPIC_KEYS, type TopicKey } from "./topic_keys.ts";

/** What was set for a topic: key and text, as ConfigRecords hold them. */
export type TopicOverrides = ReadonlyMap<string, string>;

/**
 * Checks one value that is to be set for a topic. Throws a {@linkcode KafkaError} INVALID_CONFIG for
 * a key that no topic has, a value that does not fit, or one that needs what is not there yet.
 */
export function checkTopicConfig(name: string, text: string): void {
  const definition = TOPIC_KEYS.get(name);
  if (definition === undefined) {
    const nearest = nearestName(name, TOPIC_KEYS.keys());
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set "${name}": there is no such topic key` +
        (nearest === null ? "" : `, did you mean "${nearest}"?`),
    );
  }
  parseConfig(definition, text);
  requireSupported(definition, text);
}

/**
 * Checks that the values of a topic, those that it takes from the broker among them, fit together.
 * Throws a {@linkcode KafkaError} INVALID_CONFIG that names two keys.
 */
export function checkTopicConfigsTogether(overrides: TopicOverrides, broker: BrokerConfig): void {
  const minimum = topicConfigValue(overrides, broker, "min.compaction.lag.ms") as number;
  const maximum = topicConfigValue(overrides, broker, "max.compaction.lag.ms") as number;
  if (minimum > maximum) {
    throw invalidConfig(
      "min.compaction.lag.ms",
      String(minimum),
      `it must not be above max.compaction.lag.ms, which is ${maximum}`,
    );
  }
}

/**
 * The value in force of a topic key. An override that another version wrote and this one cannot
 * read is passed over.
 */
export function topicConfigValue(
  overrides: TopicOverrides,
  broker: BrokerConfig,
  name: string,
): ConfigValue {
  const definition = TOPIC_KEYS.get(name)!;
  const text = overrideInForce(definition, overrides);
  return text !== null
    ? parseConfig(definition, text)
    : (inherited(definition, broker) ?? parseConfig(definition, definition.default));
}

/** `min.insync.replicas` of a topic: cheap enough for every produce request. */
export function minInsyncReplicas(overrides: TopicOverrides, broker: BrokerConfig): number {
  return overrides.size === 0 || !overrides.has("min.insync.replicas")
    ? broker.minInsyncReplicas
    : topicConfigValue(overrides, broker, "min.insync.replicas") as number;
}

/** The settings of the topic's logs. */
export function logConfigFor(overrides: TopicOverrides, broker: BrokerConfig): LogConfig {
  const value = (name: string) => topicConfigValue(overrides, broker, name);
  const number = (name: string) => value(name) as number;
  const policy = value("cleanup.policy") as readonly string[];
  return {
    segmentBytes: number("segment.bytes"),
    // A record can be compacted once its segment is closed: not later than it has to be compacted.
    segmentMs: policy.includes("compact")
      ? Math.min(number("segment.ms"), number("max.compaction.lag.ms"))
      : number("segment.ms"),
    segmentJitterMs: number("segment.jitter.ms"),
    indexIntervalBytes: number("index.interval.bytes"),
    retentionMs: number("retention.ms"),
    retentionBytes: number("retention.bytes"),
    delete: policy.includes("delete"),
    compact: policy.includes("compact"),
    deleteRetentionMs: number("delete.retention.ms"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    maxMessageBytes: number("max.message.bytes"),
    messageTimestampType: value("message.timestamp.type") as LogConfig["messageTimestampType"],
    messageTimestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    messageTimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    fileDeleteDelayMs: number("file.delete.delay.ms"),
    flushMessages: number("flush.messages"),
    flushMs: number("flush.ms"),
    recompression: recompression(value("compression.type") as string, number),
  };
}

/** What `compression.type` asks for, with the level of its kind. */
function recompression(type: string, number: (name: string) => number): Recompression | null {
  switch (type) {
    case "uncompressed":
      return { type: "none" };
    case "snappy":
      return { type };
    case "gzip": {
      const level = number("compression.gzip.level");
      return level === -1 ? { type } : { type, level };
    }
    case "lz4":
    case "zstd":
      return { type, level: number(`compression.${type}.level`) };
    default:
      return null;
  }
}

/** Every key of a topic, by name. */
export function describeTopicConfigs(
  overrides: TopicOverrides,
  broker: BrokerConfig,
): DescribedConfig[] {
  return [...TOPIC_KEYS.values()].map((definition) => describe(definition, overrides, broker));
}

/** One key of a topic. `name` must be one of {@linkcode TOPIC_KEYS}. */
export function describeTopicConfig(
  name: string,
  overrides: TopicOverrides,
  broker: BrokerConfig,
): DescribedConfig {
  return describe(TOPIC_KEYS.get(name)!, overrides, broker);
}

function describe(
  definition: TopicKey,
  overrides: TopicOverrides,
  broker: BrokerConfig,
): DescribedConfig {
  const { name, brokerKey } = definition;
  const synonyms: ConfigSynonym[] = [];
  const override = overrideInForce(definition, overrides);
  if (override !== null) {
    const value = normalizeConfig(definition, override);
    synonyms.push({ name, value, source: ConfigSource.DYNAMIC_TOPIC_CONFIG });
  }
  if (brokerKey !== undefined) synonyms.push(...broker.layers(brokerKey));
  const value = override !== null
    ? normalizeConfig(definition, override)
    : inheritedText(definition, broker) ?? definition.default;
  return {
    name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    type: definition.type,
    readOnly: hasOneValue(definition),
    synonyms,
    documentation: definition.documentation,
  };
}

/**
 * What was set for the topic, or null when nothing readable was. Values that {@linkcode
 * checkTopicConfig} would refuse for what is missing here count all the same: a topic that another
 * version configured must not lose its records because this one knows less.
 */
function overrideInForce(definition: TopicKey, overrides: TopicOverrides): string | null {
  const text = overrides.get(definition.name);
  if (text === undefined) return null;
  try {
    parseConfig(definition, text);
    return text;
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

/** The broker's value for the key, where a broker key gives it. */
function inherited(definition: TopicKey, broker: BrokerConfig): ConfigValue {
  switch (definition.brokerKey) {
    case undefined:
      return null;
    // These resolve the coarser units too.
    case "log.roll.ms":
      return broker.logRollMs;
    case "log.roll.jitter.ms":
      return broker.logRollJitterMs;
    case "log.flush.interval.ms":
      return broker.logFlushIntervalMs;
    case "log.retention.ms":
      return broker.logRetentionMs;
    default:
      return broker.value(definition.brokerKey);
  }
}

/** The broker's value as text. Beyond 2^53 a number is not exact: what was set is. */
function inheritedText(definition: TopicKey, broker: BrokerConfig): string | null {
  const value = inherited(definition, broker);
  if (typeof value !== "number" || definition.type !== "long" || Number.isSafeInteger(value)) {
    return textOf(value);
  }
  const text = broker.text(definition.brokerKey!);
  return text === null ? MAX_LONG_TEXT : normalizeConfig(definition, text);
}

function textOf(value: ConfigValue): string | null {
  return value === null ? null : Array.isArray(value) ? value.join(",") : String(value);
}
