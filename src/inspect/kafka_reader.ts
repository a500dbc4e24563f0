/**
 * Decodes values by their schema as leniently as Apache Kafka's code does, with its error messages, since
 * `log dump` prints both. Unlike the broker's codec, it decodes an unknown version as the nearest known
 * one up to the first nested struct, keeps 64-bit integers exact, and does not compare the sizes of
 * tagged fields.
 *
 * @module
 */
import type { Field, Shape, StructShape } from "../protocol/schema.ts";
import { formatUuid } from "../protocol/uuid.ts";
import { includes } from "../protocol/versions.ts";

type AnyField = Field<unknown, unknown, boolean>;

/** A decoded struct: the untagged fields of its version, and the tagged ones that were present. */
export type ReadValues = Record<string, unknown>;

/** How the fields of a version are encoded. */
export interface VersionLayout {
  readonly version: number;
  /** Whether lengths are compact and tagged fields follow. */
  readonly flexible: boolean;
  /** Whether the bytes are of a version newer than all known ones, and `version` is the newest known. */
  readonly isNewer?: boolean;
}

/** Bytes that cannot be decoded. The message is that of Kafka's tool. */
export class UnreadableError extends Error {
  override name = "UnreadableError";
}

const LARGEST_TEXT = 0x7fff;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes values in sequence, from the beginning of `bytes`. */
export class KafkaReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Number of bytes left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Decodes a signed 16-bit integer. Throws an UnreadableError. */
  int16(): number {
    return this.#view.getInt16(this.#skip(2));
  }

  /** Decodes an unsigned varint as a signed 32-bit integer, as Kafka does. Throws an UnreadableError. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#view.getUint8(this.#skip(1));
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    const last = this.#view.getInt8(this.#skip(1));
    value |= last << 28;
    if (last >= 0) return value;
    throw new UnreadableError(
      "Varint is too long, the most significant bit in the 5th byte is set, converted value: " +
        (value >>> 0).toString(16),
    );
  }

  /** Decodes a struct. Throws an UnreadableError. */
  struct(shape: StructShape, layout: VersionLayout): ReadValues {
    const values: ReadValues = {};
    for (const [name, field] of Object.entries(shape.fields)) {
      if (!isPresent(field, layout.version) || isTagged(field, layout.version)) continue;
      values[name] = this.#field(name, field, layout);
    }
    if (layout.flexible) this.#taggedFields(shape, layout, values);
    return values;
  }

  #taggedFields(shape: StructShape, layout: VersionLayout, values: ReadValues): void {
    const count = this.uvarint();
    if (count > this.remaining) {
      throw new UnreadableError(
        `Tried to read ${count} tagged fields, but there are only ${this.remaining} bytes remaining.`,
      );
    }
    for (let i = 0; i < count; i++) {
      const tag = this.uvarint();
      const size = this.uvarint();
      const known = Object.entries(shape.fields).find(([, { options }]) => options.tag === tag);
      if (known === undefined) {
        this.#take(size);
        continue;
      }
      const [name, field] = known;
      if (!isTagged(field, layout.version)) {
        throw new UnreadableError(`Tag ${tag} is not valid for version ${layout.version}`);
      }
      values[name] = this.#field(name, field, layout);
    }
  }

  #field(name: string, { shape, options }: AnyField, layout: VersionLayout): unknown {
    const nullable = includes(options.nullable ?? "none", layout.version);
    if (shape.kind !== "struct" || !nullable) return this.#value(name, shape, layout, nullable);
    const isNull = isTagged({ shape, options }, layout.version)
      ? this.uvarint() <= 0
      : this.#view.getInt8(this.#skip(1)) < 0;
    return isNull ? null : this.#nested(name, shape, layout);
  }

  #nested(name: string, shape: StructShape, layout: VersionLayout): ReadValues {
    if (layout.isNewer !== true) return this.struct(shape, layout);
    throw new UnreadableError(`Can't read ${name} of a version above ${layout.version}`);
  }

  #value(name: string, shape: Shape, layout: VersionLayout, nullable: boolean): unknown {
    const view = this.#view;
    switch (shape.kind) {
      case "bool":
        return view.getInt8(this.#skip(1)) !== 0;
      case "int8":
        return view.getInt8(this.#skip(1));
      case "int16":
        return this.int16();
      case "uint16":
        return view.getUint16(this.#skip(2));
      case "int32":
        return view.getInt32(this.#skip(4));
      case "uint32":
        return view.getUint32(this.#skip(4));
      case "int64":
      case "exactInt64":
      case "bigint64":
        return view.getBigInt64(this.#skip(8));
      case "float64":
        return view.getFloat64(this.#skip(8));
      case "uuid":
        return formatUuid(this.#bytes, this.#skip(16));
      case "struct":
        return this.#nested(name, shape, layout);
      case "string":
        return this.#text(name, layout, nullable);
      case "bytes":
      case "records": {
        const length = layout.flexible ? (this.uvarint() - 1) | 0 : view.getInt32(this.#skip(4));
        return length < 0 ? nullFor(name, nullable) : this.#take(length).slice();
      }
      case "array":
        return this.#array(name, shape.element, layout, nullable);
    }
  }

  #text(name: string, { flexible }: VersionLayout, nullable: boolean): string | null {
    const length = flexible ? (this.uvarint() - 1) | 0 : this.int16();
    if (length < 0) return nullFor(name, nullable);
    if (length > LARGEST_TEXT) {
      throw new UnreadableError(`string field ${name} had invalid length ${length}`);
    }
    return utf8.decode(this.#take(length));
  }

  #array(name: string, element: Shape, layout: VersionLayout, nullable: boolean): unknown[] | null {
    const count = layout.flexible ? (this.uvarint() - 1) | 0 : this.#view.getInt32(this.#skip(4));
    if (count < 0) return nullFor(name, nullable);
    if (count > this.remaining) {
      throw new UnreadableError(
        `Tried to allocate a collection of size ${count}, but there are only ${this.remaining} ` +
          "bytes remaining.",
      );
    }
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) {
      values.push(this.#value(`${name} element`, element, layout, false));
    }
    return values;
  }

  #take(length: number): Uint8Array {
    if (length < 0) throw new UnreadableError(String(length));
    if (length > this.remaining) {
      throw new UnreadableError(
        `Error reading byte array of ${length} byte(s): only ${this.remaining} byte(s) available`,
      );
    }
    const start = this.#skip(length);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Skips `length` bytes and returns their position. */
  #skip(length: number): number {
    // Java's exception for the end of a buffer has no message, so Kafka's tool prints "null".
    if (length > this.remaining) throw new UnreadableError("null");
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}

/** Returns whether the field exists in `version`. */
export function isPresent({ options }: AnyField, version: number): boolean {
  return options.versions === undefined || includes(options.versions, version);
}

/** Returns whether the field is tagged in `version`. */
export function isTagged({ options }: AnyField, version: number): boolean {
  return options.tagged !== undefined && includes(options.tagged, version);
}

function nullFor(name: string, nullable: boolean): null {
  if (nullable) return null;
  throw new UnreadableError(`non-nullable field ${name} was serialized as null`);
}
