/**
 * The declarative codec. A message is declared once, as a {@linkcode struct} of fields with the
 * versions they exist in. TypeScript infers the type of its values. Each version is compiled on
 * first use into a flat list of field readers and writers, so that encoding and decoding never
 * compare versions.
 *
 * ```ts
 * import { array, codecOf, int32, string, struct } from "./schema.ts";
 * import { ByteReader, ByteWriter } from "./wire.ts";
 *
 * const topic = struct({ name: string(), partitions: array(int32(), { versions: "1+" }) });
 * const writer = new ByteWriter();
 * codecOf(topic, 1, false).write(writer, { name: "events", partitions: [0, 1] });
 * codecOf(topic, 1, false).read(new ByteReader(writer.toBytes())); // { name: "events", … }
 * ```
 *
 * The encoding follows Kafka's protocol guide and KIP-482 (flexible versions and tagged fields).
 *
 * @module
 */
import type { Int64 } from "./int64.ts";
import { type Codec, compile, type WriteInSteps } from "./schema_codec.ts";
import type {
  Field,
  FieldOptions,
  PrimitiveName,
  Shape,
  Struct,
  StructShape,
  UnknownTaggedField,
  VersionRange,
} from "./schema_types.ts";
import type { RecordsSource } from "./records_source.ts";

export type {
  Codec,
  Field,
  FieldOptions,
  PrimitiveName,
  Shape,
  Struct,
  StructShape,
  UnknownTaggedField,
  VersionRange,
  WriteInSteps,
};

// deno-lint-ignore no-explicit-any
type AnyField = Field<any, any, boolean>;
type Fields = Readonly<Record<string, AnyField>>;
type OutOf<F> = F extends Field<infer Out, unknown, boolean> ? Out : never;
type InOf<F> = F extends Field<unknown, infer In, boolean> ? In : never;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer _Out, infer _In, infer O> ? (O extends true ? K : never)
    : never;
}[keyof F];

type StructOut<F extends Fields> =
  & { -readonly [K in keyof F]: OutOf<F[K]> }
  & { unknownTaggedFields?: UnknownTaggedField[] };

type StructIn<F extends Fields> =
  & { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: InOf<F[K]> }
  & { readonly [K in OptionalKeys<F>]?: InOf<F[K]> | undefined }
  & { readonly unknownTaggedFields?: readonly UnknownTaggedField[] };

// A field that is missing in some versions, or that has an explicit default, may be omitted when
// encoding.
type IsOptional<O extends FieldOptions> = "versions" extends keyof O ? true
  : "default" extends keyof O ? true
  : "tag" extends keyof O ? true
  : false;
type OrNull<T, O extends FieldOptions> = "nullable" extends keyof O ? T | null : T;
type Primitive<T, O extends FieldOptions, In = T> = Field<
  OrNull<T, O>,
  OrNull<In, O>,
  IsOptional<O>
>;

/**
 * The type of a decoded struct. Every field is present; fields missing in the version have their
 * default.
 */
export type Decoded<S> = S extends Struct<infer Out, unknown> ? Out : never;

/**
 * The type accepted by the encoder. Fields missing in some version or with a default are optional.
 */
export type Encodable<S> = S extends Struct<unknown, infer In> ? In : never;

function primitive<T, In = T>(kind: PrimitiveName) {
  return <const O extends FieldOptions = Record<never, never>>(
    options?: O,
  ): Primitive<T, O, In> => ({
    shape: { kind },
    options: options ?? {},
  });
}

/** A boolean, one byte. */
export const bool = primitive<boolean>("bool");
/** A signed byte. */
export const int8 = primitive<number>("int8");
/** A signed 16-bit integer. */
export const int16 = primitive<number>("int16");
/** An unsigned 16-bit integer. */
export const uint16 = primitive<number>("uint16");
/** A signed 32-bit integer. */
export const int32 = primitive<number>("int32");
/** An unsigned 32-bit integer. */
export const uint32 = primitive<number>("uint32");
/**
 * A signed 64-bit integer used in comparisons and arithmetic: decoded as the nearest `number`,
 * exact to 2^53. Encoders accept safe integers only. Use {@linkcode exactInt64} for a value that is
 * stored or returned as received.
 */
export const int64 = primitive<number>("int64");
/** A signed 64-bit integer without loss: a `number` up to 2^53, a `bigint` beyond. */
export const exactInt64 = primitive<Int64>("exactInt64");
/** A signed 64-bit integer that uses all its bits, such as a hash. */
export const bigint64 = primitive<bigint>("bigint64");
/** A 64-bit floating-point number. */
export const float64 = primitive<number>("float64");
/** UTF-8 text of at most 32,767 bytes. */
export const string = primitive<string>("string");
/** A UUID as 22 characters of base64. */
export const uuid = primitive<string>("uuid");
/** Bytes: copied on decode, encoded from bytes or a {@linkcode RecordsSource}. */
export const bytes = primitive<Uint8Array, Uint8Array | RecordsSource>("bytes");
/**
 * Record batches: decoded as a view into the input, encoded from bytes or a {@linkcode
 * RecordsSource}.
 */
export const records = primitive<Uint8Array, Uint8Array | RecordsSource>("records");

/** A list of `element`, which is a field without options or a struct. */
export function array<Out, In, const O extends FieldOptions = Record<never, never>>(
  element: Field<Out, In, false> | Struct<Out, In>,
  options?: O,
): Field<OrNull<Out[], O>, OrNull<readonly In[], O>, IsOptional<O>> {
  return { shape: { kind: "array", element: element.shape }, options: options ?? {} };
}

/** A struct within a struct. */
export function nested<Out, In, const O extends FieldOptions = Record<never, never>>(
  inner: Struct<Out, In>,
  options?: O,
): Field<OrNull<Out, O>, OrNull<In, O>, IsOptional<O>> {
  return { shape: inner.shape, options: options ?? {} };
}

/** Declares a struct by its fields in wire order. */
export function struct<const F extends Fields>(fields: F): Struct<StructOut<F>, StructIn<F>> {
  return { shape: { kind: "struct", fields } };
}

const codecs = new WeakMap<StructShape, Codec<unknown, unknown>[]>();

/**
 * Returns the codec of `struct` in `version`, compiled on first use. `flexible` says whether that
 * version of the message uses compact lengths and tagged fields (KIP-482).
 */
export function codecOf<Out, In>(
  struct: Struct<Out, In>,
  version: number,
  flexible: boolean,
): Codec<Out, In> {
  let byVersion = codecs.get(struct.shape);
  if (byVersion === undefined) codecs.set(struct.shape, byVersion = []);
  const index = version * 2 + (flexible ? 1 : 0);
  let codec = byVersion[index];
  if (codec === undefined) byVersion[index] = codec = compile(struct.shape, version, flexible);
  return codec as Codec<Out, In>;
}
