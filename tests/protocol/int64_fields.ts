/**
 * Finds the 64-bit fields of declared messages, and encodes messages with any value in one of them.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Int64 } from "../../src/protocol/int64.ts";
import type { Codec, Shape, StructShape } from "../../src/protocol/schema.ts";
import { ByteWriter } from "../../src/protocol/wire.ts";
import { defaultOf, isPresent, type Value } from "./values.ts";

/** A 64-bit field of a message. */
export interface Int64Field {
  /** The names that lead to it, 0 for the first element of an array. */
  readonly path: readonly (string | number)[];
  readonly kind: "int64" | "exactInt64" | "bigint64";
}

/** A message that is to be made. */
export interface Int64Message {
  readonly shape: StructShape;
  readonly version: number;
  readonly codec: Codec<unknown, unknown>;
  /** Values in place of defaults, by the names of their fields. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Stands where a value is put. Safe, so that every kind of field takes it. */
const MARK = 0x11_2233_4455_6677;
const MARK_BYTES = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];

/** Every 64-bit field of a struct in `version`, those within arrays in their first element. */
export function int64FieldsOf(shape: StructShape, version: number): Int64Field[] {
  return Object.entries(shape.fields).flatMap(([name, field]) =>
    isPresent(field, version) ? within(field.shape, version, [name]) : []
  );
}

function within(shape: Shape, version: number, path: Int64Field["path"]): Int64Field[] {
  switch (shape.kind) {
    case "int64":
    case "exactInt64":
    case "bigint64":
      return [{ path, kind: shape.kind }];
    case "array":
      return within(shape.element, version, [...path, 0]);
    case "struct":
      return int64FieldsOf(shape, version).map((field) => ({
        ...field,
        path: [...path, ...field.path],
      }));
    default:
      return [];
  }
}

/** The message with `value` in `field`, one element in each array, and defaults in other places. */
export function encodeWithInt64(
  message: Int64Message,
  { path, kind }: Int64Field,
  value: Int64,
): Uint8Array {
  const input = filled(message.shape, message.version, message.values ?? {});
  const parent = valueAt(input, path.slice(0, -1)) as Record<string | number, unknown>;
  parent[path.at(-1)!] = kind === "bigint64" ? BigInt(MARK) : MARK;
  const writer = new ByteWriter(64);
  message.codec.write(writer, input);
  const bytes = writer.toBytes();
  const mark = bytes.findIndex((_, start) =>
    MARK_BYTES.every((byte, index) => bytes[start + index] === byte)
  );
  assert(mark >= 0, `The message has no ${path.join(".")}`);
  new DataView(bytes.buffer).setBigInt64(mark, BigInt(value));
  return bytes;
}

/** The value at `path`. */
export function valueAt(value: unknown, path: Int64Field["path"]): unknown {
  return path.reduce((inner, step) => (inner as Record<string | number, unknown>)[step], value);
}

function filled(
  shape: StructShape,
  version: number,
  values: Readonly<Record<string, unknown>>,
): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    const { shape: inner } = field;
    if (!isPresent(field, version)) out[name] = defaultOf(field);
    else if (name in values) out[name] = values[name];
    else if (inner.kind === "struct") out[name] = filled(inner, version, values);
    else if (inner.kind === "array") {
      const { element } = inner;
      out[name] = [
        element.kind === "struct"
          ? filled(element, version, values)
          : defaultOf({ shape: element, options: {} }),
      ];
    } else out[name] = defaultOf(field) ?? defaultOf({ shape: inner, options: {} });
  }
  return out;
}
