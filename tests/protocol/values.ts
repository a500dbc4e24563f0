/**
 * Values for declared messages: random values for property tests, and the JSON form of the
 * fixtures. Defaults are computed here independently, to check those of the codec.
 *
 * @module
 */
import type { Field, Shape, StructShape } from "../../src/protocol/schema.ts";
import { toInt64 } from "../../src/protocol/int64.ts";
import { formatUuid, ZERO_UUID } from "../../src/protocol/uuid.ts";
import { includes } from "../../src/protocol/versions.ts";
import type { Chance } from "./chance.ts";
import { EXTREME_INT64S } from "./extreme_int64s.ts";

/** The value of a struct. */
export type Value = Record<string, unknown>;
type AnyField = Field<unknown, unknown, boolean>;

const TEXTS = [
  "",
  "a",
  "events",
  "my-topic.with_all-legal.chars",
  "naïve",
  "日本語のトピック",
  "🦉 owls 🦉",
  "\ufeffbegins with a byte order mark",
  "nul \u0000 inside",
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(126),
  "x".repeat(127),
  "é".repeat(64),
  "long ".repeat(60),
];

/** Returns whether the field exists in `version`. */
export function isPresent({ options }: AnyField, version: number): boolean {
  return options.versions === undefined || includes(options.versions, version);
}

/** Returns whether the field may be null in `version`. */
export function isNullable({ options }: AnyField, version: number): boolean {
  return options.nullable !== undefined && includes(options.nullable, version);
}

/** Returns the value of a field that is not encoded. */
export function defaultOf({ shape, options }: AnyField): unknown {
  if (options.default !== undefined) return options.default;
  switch (shape.kind) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
    case "records":
      return new Uint8Array(0);
    case "array":
      return [];
    case "struct":
      return mapFields(shape, defaultOf);
    case "bigint64":
      return 0n;
    default:
      return 0;
  }
}

function mapFields(shape: StructShape, make: (field: AnyField) => unknown): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) out[name] = make(field);
  return out;
}

/** Returns a random struct as decoded in `version`. */
export function randomStruct(shape: StructShape, version: number, chance: Chance): Value {
  return mapFields(shape, (field) => {
    if (!isPresent(field, version)) return defaultOf(field);
    if (isNullable(field, version) && chance.oneIn(4)) return null;
    if (chance.oneIn(5)) {
      const value = defaultOf(field);
      if (value !== null || isNullable(field, version)) return value;
    }
    return randomValue(field.shape, version, chance);
  });
}

function randomValue(shape: Shape, version: number, chance: Chance): unknown {
  switch (shape.kind) {
    case "bool":
      return chance.oneIn(2);
    case "int8":
      return chance.pick([0, 1, -1, 127, -128, chance.next() << 24 >> 24]);
    case "int16":
      return chance.pick([0, 1, -1, 32767, -32768, chance.next() << 16 >> 16]);
    case "uint16":
      return chance.pick([0, 1, 65535, 32768, chance.next() & 65535]);
    case "int32":
      return chance.pick([0, 1, -1, 2147483647, -2147483648, chance.next() | 0]);
    case "uint32":
      return chance.pick([0, 1, 4294967295, 2147483648, chance.next()]);
    case "int64":
      return randomInt64(chance);
    case "exactInt64":
      return chance.oneIn(2) ? randomInt64(chance) : chance.pick(EXTREME_INT64S);
    case "bigint64":
      return chance.pick([0n, -1n, 1n << 53n, 2n ** 63n - 1n, -(2n ** 63n)]);
    case "float64":
      return chance.pick([0, 0.5, -1e300, 5e-324, chance.next() / 3]);
    case "string":
      return chance.pick(TEXTS);
    case "uuid":
      return chance.oneIn(4) ? ZERO_UUID : formatUuid(chance.bytes(16));
    case "bytes":
    case "records":
      return chance.bytes(chance.pick([0, 1, 20, 127, 128]));
    case "array":
      return randomArray(shape.element, version, chance);
    case "struct":
      return randomStruct(shape, version, chance);
  }
}

function randomInt64(chance: Chance): number {
  const { MAX_SAFE_INTEGER: max } = Number;
  const any = (chance.next() & 0x1fffff) * 4294967296 + chance.next();
  const edges = [0, 1, -1, 2147483647, 2147483648, -2147483649, 4294967296, max, -max];
  return chance.oneIn(2) ? chance.pick(edges) : chance.oneIn(2) ? any : -any;
}

function randomArray(element: Shape, version: number, chance: Chance): unknown[] {
  const isSmall = element.kind !== "struct" && element.kind !== "string";
  const length = isSmall && chance.oneIn(10) ? 127 + chance.below(3) : chance.below(4);
  return Array.from({ length }, () => randomValue(element, version, chance));
}

/** Adds unknown tagged fields to random structs within a decoded value, in place. */
export function addUnknownTags(value: Value, shape: StructShape, chance: Chance): void {
  if (chance.oneIn(2)) {
    value.unknownTaggedFields = [
      { tag: 20 + chance.below(100), data: chance.bytes(chance.below(4)) },
      { tag: 120 + chance.below(1_000_000), data: chance.bytes(chance.below(130)) },
    ];
  }
  for (const [name, { shape: inner }] of Object.entries(shape.fields)) {
    const item = value[name];
    if (inner.kind === "struct" && item !== null) addUnknownTags(item as Value, inner, chance);
    if (inner.kind === "array" && inner.element.kind === "struct" && item !== null) {
      for (const each of item as Value[]) addUnknownTags(each, inner.element, chance);
    }
  }
}

/** Converts a value to JSON, with bytes in base64 and without fields missing in `version`. */
export function toJson(value: Value, shape: StructShape, version: number): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    if (isPresent(field, version)) out[name] = itemToJson(value[name], field.shape, version);
  }
  return out;
}

function itemToJson(item: unknown, shape: Shape, version: number): unknown {
  if (item === null) return null;
  switch (shape.kind) {
    case "bytes":
    case "records":
      return toBase64(item as Uint8Array);
    case "array":
      return (item as unknown[]).map((each) => itemToJson(each, shape.element, version));
    case "struct":
      return toJson(item as Value, shape, version);
    case "exactInt64":
      return typeof item === "bigint" ? String(item) : item;
    case "bigint64":
      return String(item);
    default:
      return item;
  }
}

/**
 * Inverse of {@linkcode toJson}: returns the value as decoded in `version`, with defaults for
 * missing fields.
 */
export function fromJson(json: Value, shape: StructShape, version: number): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    out[name] = isPresent(field, version)
      ? itemFromJson(json[name], field.shape, version)
      : defaultOf(field);
  }
  return out;
}

function itemFromJson(item: unknown, shape: Shape, version: number): unknown {
  if (item === null) return null;
  switch (shape.kind) {
    case "bytes":
    case "records":
      return fromBase64(item as string);
    case "array":
      return (item as unknown[]).map((each) => itemFromJson(each, shape.element, version));
    case "struct":
      return fromJson(item as Value, shape, version);
    case "exactInt64":
      return typeof item === "string" ? toInt64(BigInt(item)) : item;
    case "bigint64":
      return BigInt(item as string);
    default:
      return item;
  }
}

/** Encodes `bytes` in base64. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Decodes base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
