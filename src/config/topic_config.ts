/**
 * A topic's effective configuration: the values set for the topic, else those of the broker's keys.
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

/** The values set for a topic as text, by key, as in ConfigRecords. */
export type TopicOverrides = ReadonlyMap<string, string>;

/**
 * Checks a value that is to be set for a topic. Throws a {@linkcode KafkaError} INVALID_CONFIG for an
 * unknown key, an invalid value, or a value that needs an unsupported feature.
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
 * Checks that the values of a topic, including those inherited from the broker, are consistent. Throws a {@linkcode KafkaError} INVALID_CONFIG that names two keys.
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
 * Returns the current value of a topic key. An override written by another version that this one
 * cannot parse is ignored.
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

/** Returns `min.insync.replicas` of a topic. Cheap enough for every produce request. */
export function minInsyncReplicas(overrides: TopicOverrides, broker: BrokerConfig): number {
  return overrides.size === 0 || !overrides.has("min.insync.replicas")
    ? broker.minInsyncReplicas
    : topicConfigValue(overrides, broker, "min.insync.replicas") as number;
}

/** Returns the settings of the topic's logs. */
export function logConfigFor(overrides: TopicOverrides, broker: BrokerConfig): LogConfig {
  const value = (name: string) => topicConfigValue(overrides, broker, name);
  const number = (name: string) => value(name) as number;
  const policy = value("cleanup.policy") as readonly string[];
  return {
    segmentBytes: number("segment.bytes"),
    // Only closed segments are compacted, so close one no later than its records must be compacted.
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

/** Returns the recompression that `compression.type` requires, with its level. */
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

/** Describes every key of a topic, by name. */
export function describeTopicConfigs(
  overrides: TopicOverrides,
  broker: BrokerConfig,
): DescribedConfig[] {
  return [...TOPIC_KEYS.values()].map((definition) => describe(definition, overrides, broker));
}

/** Describes one key of a topic. `name` must be one of {@linkcode TOPIC_KEYS}. */
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
 * Returns the value set for the topic, or null if there is none that can be parsed. Values that need an
 * unsupported feature are returned too: a topic configured by another version must not lose records
 * because this version supports less.
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

/** Returns the value of the corresponding broker key, or null if there is none. */
function inherited(definition: TopicKey, broker: BrokerConfig): ConfigValue {
  switch (definition.brokerKey) {
    case undefined:
      return null;
    // These also resolve the keys in coarser units.
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

/** Returns the broker's value as text: as it was set, since a number beyond 2^53 is not exact. */
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
