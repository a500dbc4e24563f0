/**
 * The declaration of a configuration key, and the conversion of its text to a value. Keys, types, ranges
 * and defaults are Apache Kafka 4.4's.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/** The types of Kafka's configuration keys that are used. */
export type ConfigType = "boolean" | "int" | "long" | "double" | "string" | "list";

/** Numbers of the types in DescribeConfigs. */
export const CONFIG_TYPE_ID: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
};

/** Sources of a value, with their numbers in DescribeConfigs and CreateTopics. */
export const ConfigSource = {
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const;

/** The number of a source. */
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** Resources that a configuration belongs to, with their numbers in requests and in ConfigRecord. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** A configuration key. */
export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** As text; null if the key has no value until it is set. */
  readonly default: string | null;
  /** The smallest number allowed. */
  readonly min?: number;
  /** The largest number allowed. */
  readonly max?: number;
  /** The texts allowed: of the value, or of each element of a list. */
  readonly oneOf?: readonly string[];
  /** Returns why `text` is invalid for a reason other than type and range, or null if it is valid. */
  readonly reject?: (text: string) => string | null;
  /**
   * An unsupported feature, such as "remote storage", that any value but the supported ones needs. The
   * key can be read, and set to the value it already has.
   */
  readonly needs?: string;
  /** Values that do not need the feature in `needs`. Defaults to the default value alone. */
  readonly supported?: readonly string[];
  /** Whether it can be changed while the broker runs. */
  readonly dynamic: boolean;
  /** One or two sentences for the operator. */
  readonly documentation: string;
}

/** Declares a key that cannot be changed while the broker runs. */
export function fixedKey(definition: Omit<ConfigDefinition, "dynamic">): ConfigDefinition {
  return { ...definition, dynamic: false };
}

/** Declares a key that can be changed while the broker runs. */
export function dynamicKey(definition: Omit<ConfigDefinition, "dynamic">): ConfigDefinition {
  return { ...definition, dynamic: true };
}

/** A parsed value: an array for lists, null if there is none. */
export type ConfigValue = boolean | number | string | readonly string[] | null;

/** A key with its value and metadata, as in DescribeConfigs. */
export interface DescribedConfig {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
  /** Null for a key unknown to this version. */
  readonly type: ConfigType | null;
  readonly readOnly: boolean;
  /** Every layer that has a value. The first is in force. */
  readonly synonyms: readonly ConfigSynonym[];
  readonly documentation: string;
}

/** A value in one layer, under the name used there. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

/** 2^31 - 1. */
export const MAX_INT = 2_147_483_647;
/** 2^63 - 1, as Kafka writes "no limit" in a `long` key. */
export const MAX_LONG_TEXT = "9223372036854775807";

const MAX_LONG = 2n ** 63n;

/**
 * Parses `text`. A `long` beyond 2^53 is returned as the nearest `number`, Long.MAX_VALUE as 2^63.
 * Throws a {@linkcode KafkaError} INVALID_CONFIG if it does not fit type or range.
 */
export function parseConfig(definition: ConfigDefinition, text: string): ConfigValue {
  const trimmed = text.trim();
  const value = parseType(definition, trimmed, text);
  const reason = typeof value === "number"
    ? rejectNumber(definition, value)
    : definition.oneOf !== undefined
    ? rejectText(definition, value)
    : null;
  if (reason !== null) throw invalidConfig(definition.name, text, reason);
  const further = definition.reject?.(trimmed) ?? null;
  if (further !== null) throw invalidConfig(definition.name, text, further);
  return value;
}

/** Returns `text` as Kafka prints it: without blanks, booleans and numbers in canonical form. */
export function normalizeConfig(definition: ConfigDefinition, text: string): string {
  const trimmed = text.trim();
  switch (definition.type) {
    case "boolean":
      return trimmed.toLowerCase();
    case "int":
    case "long":
      return BigInt(trimmed.replace(/^\+/, "")).toString();
    case "list":
      return splitList(trimmed).join(",");
    case "double":
      return String(Number(trimmed)).replace(/e\+?/, "E");
    default:
      return trimmed;
  }
}

/**
 * Checks that `text` needs no unsupported feature. Throws a {@linkcode KafkaError} INVALID_CONFIG if it
 * does.
 */
export function requireSupported(definition: ConfigDefinition, text: string): void {
  if (definition.needs === undefined) return;
  const supported = definition.supported ?? [definition.default];
  if (supported.includes(normalizeConfig(definition, text))) return;
  throw invalidConfig(
    definition.name,
    text,
    `this needs ${definition.needs}, which this version does not support; leave it at ` +
      `"${definition.default}"`,
  );
}

/** Returns whether the key has only one supported value. */
export function hasOneValue({ needs, supported }: ConfigDefinition): boolean {
  return needs !== undefined && (supported === undefined || supported.length < 2);
}

/** Returns the elements of a list, trimmed; none for an empty text. */
export function splitList(text: string): string[] {
  const trimmed = text.trim();
  return trimmed === "" ? [] : trimmed.split(",").map((element) => element.trim());
}

/** Returns the error for an invalid value. */
export function invalidConfig(name: string, text: string, reason: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, `Cannot set "${name}" to "${text}": ${reason}`);
}

function parseType(definition: ConfigDefinition, trimmed: string, text: string): ConfigValue {
  switch (definition.type) {
    case "boolean": {
      const lower = trimmed.toLowerCase();
      if (lower !== "true" && lower !== "false") {
        throw invalidConfig(definition.name, text, 'it takes "true" or "false"');
      }
      return lower === "true";
    }
    case "int":
    case "long": {
      const bound = definition.type === "int" ? 2n ** 31n : MAX_LONG;
      const exact = /^[+-]?\d{1,20}$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, "")) : null;
      if (exact === null || exact >= bound || exact < -bound) {
        const bits = definition.type === "int" ? 32 : 64;
        throw invalidConfig(definition.name, text, `it takes a whole number of ${bits} bits`);
      }
      return Number(exact);
    }
    case "double": {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : NaN;
      if (!Number.isFinite(value)) throw invalidConfig(definition.name, text, "it takes a number");
      return value;
    }
    case "string":
      return trimmed;
    case "list":
      return splitList(trimmed);
  }
}

function rejectNumber({ min, max }: ConfigDefinition, value: number): string | null {
  if (min !== undefined && value < min) return `it must be at least ${min}`;
  if (max !== undefined && value > max) return `it must be at most ${max}`;
  return null;
}

function rejectText({ oneOf }: ConfigDefinition, value: ConfigValue): string | null {
  const texts = Array.isArray(value) ? value as readonly string[] : [String(value)];
  const wrong = texts.find((element) => !oneOf!.includes(element));
  if (wrong !== undefined) return `it takes ${oneOf!.map((text) => `"${text}"`).join(", ")}`;
  if (new Set(texts).size < texts.length) return "each element may occur only once";
  return null;
}
