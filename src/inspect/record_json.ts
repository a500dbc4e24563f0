/**
 * Formats decoded values as the JSON of Kafka's tools: fields in the order of the schema, without those
 * that a version lacks and tagged ones with their default; ids and bytes as base64, numbers as Java
 * writes them.
 *
 * @module
 */
import type { Field, Shape, StructShape } from "../protocol/schema.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import { isPresent, isTagged, type ReadValues } from "./kafka_reader.ts";

type AnyField = Field<unknown, unknown, boolean>;

/** Returns the JSON of a field with a special format, or null for the format of its type. */
export type FieldAsJson = (name: string, value: unknown) => string | null;

const BY_TYPE: FieldAsJson = () => null;

/** Formats a struct as one line of JSON. */
export function structJson(
  shape: StructShape,
  version: number,
  values: ReadValues,
  fieldAsJson: FieldAsJson = BY_TYPE,
): string {
  const parts: string[] = [];
  for (const [name, field] of Object.entries(shape.fields)) {
    if (!isPresent(field, version)) continue;
    const value = values[name];
    if (isTagged(field, version) && (value === undefined || isDefault(field, value))) continue;
    parts.push(`"${name}":${valueJson(name, field.shape, version, value, fieldAsJson)}`);
  }
  return `{${parts.join(",")}}`;
}

/** Formats a text as JSON. */
export function textJson(text: string): string {
  // Kafka's tools write control characters with upper-case digits.
  return JSON.stringify(text).replaceAll(
    /\\(?:u([0-9a-f]{4})|.)/g,
    (escape, digits?: string) => digits === undefined ? escape : `\\u${digits.toUpperCase()}`,
  );
}

function valueJson(
  name: string,
  shape: Shape,
  version: number,
  value: unknown,
  fieldAsJson: FieldAsJson,
): string {
  if (value === null) return "null";
  const own = fieldAsJson(name, value);
  if (own !== null) return own;
  switch (shape.kind) {
    case "string":
    case "uuid":
      return textJson(value as string);
    case "bytes":
    case "records":
      return `"${base64(value as Uint8Array)}"`;
    case "float64":
      return javaDouble(value as number);
    case "struct":
      return structJson(shape, version, value as ReadValues, fieldAsJson);
    case "array": {
      const { element } = shape;
      const parts = (value as readonly unknown[]).map((each) =>
        valueJson(name, element, version, each, fieldAsJson)
      );
      return `[${parts.join(",")}]`;
    }
    default:
      return String(value);
  }
}

function isDefault({ shape, options }: AnyField, value: unknown): boolean {
  const { default: given } = options;
  if (given !== undefined) return value === given || String(value) === String(given);
  if (value === null) return false;
  switch (shape.kind) {
    case "bool":
      return value === false;
    case "string":
      return value === "";
    case "uuid":
      return value === ZERO_UUID;
    case "array":
    case "bytes":
    case "records":
      return (value as { length: number }).length === 0;
    case "struct":
      return Object.entries(shape.fields).every(([name, field]) => {
        const inner = (value as ReadValues)[name];
        return inner === undefined || isDefault(field, inner);
      });
    default:
      return Number(value) === 0;
  }
}

/** Formats a double as Java does: always with a fraction, with an exponent below 0.001 and from ten million on. */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  return `${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
