/**
 * The values of fields that are absent from an encoded struct, and the memory that values take.
 *
 * @module
 */
import type { Field, FieldOptions, Shape, StructShape } from "./schema_types.ts";
import { ZERO_UUID } from "./uuid.ts";

type AnyField = Field<unknown, unknown, boolean>;
type Values = Record<string, unknown>;

/** Approximate memory of each kind of value in bytes, measured with V8. */
export const Memory = {
  /** An array element. */
  slot: 8,
  array: 32,
  object: 32,
  property: 8,
  /** A number that does not fit into 32 bits. */
  number: 16,
  bigint: 24,
  text: 32,
  bytes: 208,
  view: 104,
  unknownTaggedField: 320,
} as const;

/** Returns the memory estimate for a value made by {@linkcode defaultMaker}. */
export function defaultMemory({ shape, options }: AnyField): number {
  if (options.default !== undefined) return 0;
  switch (shape.kind) {
    case "bytes":
    case "records":
      return Memory.bytes;
    case "array":
      return Memory.array;
    case "struct":
      return Object.values(shape.fields).reduce(
        (sum: number, field) => sum + Memory.property + defaultMemory(field),
        Memory.object,
      );
    default:
      return 0;
  }
}

/** Returns a function that makes the value of a field that is absent. */
export function defaultMaker(shape: Shape, options: FieldOptions): () => unknown {
  const declared = options.default;
  if (declared !== undefined) return () => declared;
  switch (shape.kind) {
    case "bool":
      return () => false;
    case "string":
      return () => "";
    case "uuid":
      return () => ZERO_UUID;
    case "bytes":
    case "records":
      return () => new Uint8Array(0);
    case "array":
      return () => [];
    case "struct":
      return () => defaultStruct(shape);
    case "bigint64":
      return () => 0n;
    default:
      return () => 0;
  }
}

function defaultStruct(shape: StructShape): Values {
  const out: Values = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    out[name] = defaultMaker(field.shape, field.options)();
  }
  return out;
}

/** Returns whether a tagged field has its default value and is omitted. */
export function isDefault(value: unknown, field: AnyField): boolean {
  const { shape, options } = field;
  if (options.default !== undefined) return value === options.default;
  if (value === null) return false;
  switch (shape.kind) {
    case "bytes":
    case "records":
      return (value as Uint8Array).byteLength === 0;
    case "array":
      return (value as unknown[]).length === 0;
    case "struct":
      return Object.entries(shape.fields).every(([name, inner]) => {
        const item = (value as Values)[name];
        return item === undefined || isDefault(item, inner);
      });
    default:
      return value === defaultMaker(shape, options)();
  }
}
