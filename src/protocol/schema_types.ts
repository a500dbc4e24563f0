/**
 * The types of a schema: the shapes and options of fields, used by `schema.ts` to declare messages and
 * by `schema_codec.ts` to compile them.
 *
 * @module
 */

/** A version range in the notation of Kafka's schemas: `"3"`, `"0-12"`, `"9+"` or `"none"`. */
export type VersionRange = string;

/** Options of a field. */
export interface FieldOptions {
  /** The versions in which the field exists. Defaults to all versions of the message. */
  readonly versions?: VersionRange;
  /** The versions in which it may be null. */
  readonly nullable?: VersionRange;
  /** Its value in versions without the field. Defaults to the zero of the type (0, "", [], …). */
  readonly default?: string | number | bigint | boolean | null;
  /** Its tag, if it is a tagged field. */
  readonly tag?: number;
  /** The versions in which it is a tagged field. */
  readonly tagged?: VersionRange;
}

/** The primitive types by their names in Kafka's schemas. `exactInt64` and `bigint64` are int64. */
export type PrimitiveName =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "exactInt64"
  | "bigint64"
  | "float64"
  | "string"
  | "uuid"
  | "bytes"
  | "records";

/** The shape of a value, without options. */
export type Shape =
  | { readonly kind: PrimitiveName }
  | { readonly kind: "array"; readonly element: Shape }
  | StructShape;

/** A struct's shape: its fields in wire order. */
export interface StructShape {
  readonly kind: "struct";
  readonly fields: Readonly<Record<string, Field<unknown, unknown, boolean>>>;
}

declare const decodedType: unique symbol;
declare const encodableType: unique symbol;
declare const optionalMark: unique symbol;

/** A field: its shape, its options and, as phantom types, the types of its values. */
export interface Field<Out, In, Optional extends boolean> {
  readonly shape: Shape;
  readonly options: FieldOptions;
  readonly [decodedType]?: Out;
  readonly [encodableType]?: In;
  readonly [optionalMark]?: Optional;
}

/** A tagged field that is not in the schema, kept as received. */
export interface UnknownTaggedField {
  readonly tag: number;
  readonly data: Uint8Array;
}

/** A declared struct: decodes to `Out` and encodes `In`. */
export interface Struct<Out, In> {
  readonly shape: StructShape;
  readonly [decodedType]?: Out;
  readonly [encodableType]?: In;
}
