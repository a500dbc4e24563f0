/**
 * Compiles one version of a declared struct into readers and writers. A struct becomes a flat list
 * with one entry per field, in order. Absent and tagged fields are set to their defaults first, so
 * that all decoded values of a struct have the same hidden class in the engine.
 *
 * @module
 */
import type { Int64 } from "./int64.ts";
import type {
  Field,
  FieldOptions,
  Shape,
  StructShape,
  UnknownTaggedField,
} from "./schema_types.ts";
import { includes } from "./versions.ts";
import { type ByteReader, ByteWriter, ProtocolError, Work } from "./wire.ts";
import type { RecordsSource } from "./records_source.ts";
import { ZERO_UUID } from "./uuid.ts";

/** Reads and writes the values of one version. */
export interface Codec<Out, In> {
  read(reader: ByteReader): Out;
  write(writer: ByteWriter, value: In): void;
  /**
   * The minimum encoded size of a value in bytes. Announced element counts are checked against it.
   */
  readonly minimumSize: number;
}

/** A compiled codec with its resource estimates. */
export interface CompiledCodec extends Codec<unknown, unknown> {
  /** Estimated memory of a decoded value in bytes, without the elements of its arrays. */
  readonly memory: number;
  /**
   * Cost of reading a value in units of the reader's `work`, without array elements, texts and
   * bytes.
   */
  readonly work: number;
}

type AnyCodec = CompiledCodec;
type AnyField = Field<unknown, unknown, boolean>;
type Values = Record<string, unknown>;

/** An engine may represent a larger preallocated array as a hash table. */
const LARGE_ARRAY = 65536;

/** Approximate memory of each kind of value in bytes, measured with V8. */
const Memory = {
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

/** The byte before a null struct. */
const NULL_STRUCT = -1;
const NULL_TAGGED_STRUCT = 0;

/** Compiles `shape` for `version`. */
export function compile(shape: StructShape, version: number, flexible: boolean): AnyCodec {
  const names = Object.keys(shape.fields);
  const untagged: (AnyCodec | null)[] = [];
  const makeDefaults: (() => unknown)[] = [];
  const tagged: { tag: number; index: number; codec: AnyCodec; field: AnyField }[] = [];
  let minimumSize = flexible ? 1 : 0;
  let memory = Memory.object + Memory.property * names.length;
  let work: number = Work.object;
  names.forEach((name, index) => {
    const field = shape.fields[name]!;
    const { options } = field;
    makeDefaults.push(defaultMaker(field.shape, options));
    const present = options.versions === undefined || includes(options.versions, version);
    const isTagged = present && flexible && options.tagged !== undefined &&
      includes(options.tagged, version);
    untagged.push(null);
    if (!present || isTagged) memory += defaultMemory(field);
    if (!present) return;
    const nullable = options.nullable !== undefined && includes(options.nullable, version);
    const codec = isTagged && nullable && field.shape.kind === "struct"
      ? nullableStruct(compile(field.shape, version, flexible), NULL_TAGGED_STRUCT)
      : compileShape(field.shape, version, flexible, nullable, name);
    if (isTagged) {
      tagged.push({ tag: options.tag!, index, codec, field });
    } else {
      untagged[index] = codec;
      minimumSize += codec.minimumSize;
      memory += codec.memory;
      work += codec.work;
    }
  });
  tagged.sort((a, b) => a.tag - b.tag);
  const byTag = new Map(tagged.map((entry) => [entry.tag, entry]));
  const count = names.length;

  function read(reader: ByteReader): unknown {
    const out: Values = {};
    for (let i = 0; i < count; i++) {
      const codec = untagged[i]!;
      out[names[i]!] = codec === null ? makeDefaults[i]!() : codec.read(reader);
    }
    if (flexible) {
      const fields = reader.uvarint();
      if (fields > 0) readTagged(reader, fields, out);
    }
    return out;
  }

  function readTagged(reader: ByteReader, fields: number, out: Values): void {
    let previous = -1;
    for (let i = 0; i < fields; i++) {
      const tag = reader.uvarint();
      const size = reader.uvarint();
      if (tag <= previous) throw new ProtocolError(`Tagged field ${tag} follows tag ${previous}`);
      previous = tag;
      const entry = byTag.get(tag);
      if (entry === undefined) {
        reader.allow(Memory.unknownTaggedField);
        reader.spend(Work.unknownTaggedField);
        const unknown = (out.unknownTaggedFields ??= []) as UnknownTaggedField[];
        unknown.push({ tag, data: reader.copy(size) });
        continue;
      }
      const start = reader.offset;
      if (size > reader.remaining) reader.skip(size);
      out[names[entry.index]!] = entry.codec.read(reader);
      if (reader.offset !== start + size) {
        throw new ProtocolError(
          `Tagged field ${tag} announces ${size} bytes but has ${reader.offset - start}`,
        );
      }
    }
  }

  function write(writer: ByteWriter, value: unknown): void {
    const values = value as Values;
    for (let i = 0; i < count; i++) {
      const codec = untagged[i]!;
      if (codec === null) continue;
      const item = values[names[i]!];
      codec.write(writer, item === undefined ? makeDefaults[i]!() : item);
    }
    if (flexible) writeTagged(writer, values);
  }

  function writeTagged(writer: ByteWriter, values: Values): void {
    const unknown = (values.unknownTaggedFields ?? []) as readonly UnknownTaggedField[];
    if (tagged.length === 0 && unknown.length === 0) return writer.uvarint(0);
    const out: UnknownTaggedField[] = unknown.filter((field) => !byTag.has(field.tag));
    for (const { tag, index, codec, field } of tagged) {
      const item = values[names[index]!];
      if (item === undefined || isDefault(item, field)) continue;
      const inner = new ByteWriter(64);
      codec.write(inner, item);
      out.push({ tag, data: inner.toBytes() });
    }
    out.sort((a, b) => a.tag - b.tag);
    writer.uvarint(out.length);
    for (const { tag, data } of out) {
      writer.uvarint(tag);
      writer.uvarint(data.length);
      writer.raw(data);
    }
  }

  return { read, write, minimumSize, memory, work };
}

function compileShape(
  shape: Shape,
  version: number,
  flexible: boolean,
  nullable: boolean,
  name: string,
): AnyCodec {
  switch (shape.kind) {
    case "bool":
      return fixed(1, (r) => r.boolean(), (w, v) => w.boolean(v as boolean));
    case "int8":
      return fixed(1, (r) => r.int8(), (w, v) => w.int8(v as number));
    case "int16":
      return fixed(2, (r) => r.int16(), (w, v) => w.int16(v as number));
    case "uint16":
      return fixed(2, (r) => r.uint16(), (w, v) => w.uint16(v as number));
    case "int32":
      return fixed(4, (r) => r.int32(), (w, v) => w.int32(v as number));
    case "uint32":
      return fixed(4, (r) => r.uint32(), (w, v) => w.uint32(v as number), Memory.number);
    case "int64":
      return fixed(8, (r) => r.int64(), (w, v) => w.int64(v as number), Memory.number);
    case "exactInt64":
      return fixed(8, (r) => r.exactInt64(), (w, v) => w.exactInt64(v as Int64), Memory.bigint);
    case "bigint64":
      return fixed(8, (r) => r.bigint64(), (w, v) => w.bigint64(v as bigint), Memory.number);
    case "float64":
      return fixed(8, (r) => r.float64(), (w, v) => w.float64(v as number), Memory.number);
    case "uuid":
      return fixed(16, (r) => r.uuid(), (w, v) => w.uuid(v as string), Memory.text);
    case "string":
      return stringCodec(flexible, nullable, name);
    case "bytes":
    case "records":
      return bytesCodec(flexible, nullable, name, shape.kind === "records");
    case "array":
      return arrayCodec(
        compileShape(shape.element, version, flexible, false, name),
        flexible,
        nullable,
        name,
      );
    case "struct":
      return nullable
        ? nullableStruct(compile(shape, version, flexible), NULL_STRUCT)
        : compile(shape, version, flexible);
  }
}

function fixed(
  size: number,
  read: (reader: ByteReader) => unknown,
  write: (writer: ByteWriter, value: unknown) => void,
  memory = 0,
): AnyCodec {
  return { read, write, minimumSize: size, memory, work: Work.field };
}

function stringCodec(flexible: boolean, nullable: boolean, name: string): AnyCodec {
  return {
    minimumSize: flexible ? 1 : 2,
    memory: Memory.text,
    work: Work.field,
    read(reader) {
      const length = flexible ? reader.uvarint() - 1 : reader.int16();
      if (length >= 0) {
        if (length > 32767) {
          throw new ProtocolError(`"${name}" has ${length} bytes, the maximum is 32767`);
        }
        return reader.text(length);
      }
      if (length < -1 || !nullable) throw badLength(name, length);
      return null;
    },
    write(writer, value) {
      if (value === null) {
        if (!nullable) throw notNull(name);
        return flexible ? writer.uvarint(0) : writer.int16(-1);
      }
      writer.text(value as string, (length) => {
        if (length > 32767) {
          throw new ProtocolError(`"${name}" has ${length} bytes, the maximum is 32767`);
        }
        if (flexible) writer.uvarint(length + 1);
        else writer.int16(length);
      });
    },
  };
}

function bytesCodec(
  flexible: boolean,
  nullable: boolean,
  name: string,
  isRecords: boolean,
): AnyCodec {
  return {
    minimumSize: flexible ? 1 : 4,
    memory: isRecords ? Memory.view : Memory.bytes,
    work: isRecords ? Work.bytes : Work.field,
    read(reader) {
      const length = flexible ? reader.uvarint() - 1 : reader.int32();
      if (length >= 0) return isRecords ? reader.view(length) : reader.copy(length);
      if (length < -1 || !nullable) throw badLength(name, length);
      return null;
    },
    write(writer, value) {
      if (value === null) {
        if (!nullable) throw notNull(name);
        return flexible ? writer.uvarint(0) : writer.int32(-1);
      }
      const { byteLength } = value as Uint8Array | RecordsSource;
      if (flexible) writer.uvarint(byteLength + 1);
      else writer.int32(byteLength);
      if (value instanceof Uint8Array) writer.raw(value);
      else writer.external(value as RecordsSource);
    },
  };
}

function arrayCodec(
  element: AnyCodec,
  flexible: boolean,
  nullable: boolean,
  name: string,
): AnyCodec {
  const { minimumSize } = element;
  const elementMemory = Memory.slot + element.memory;
  const elementWork = Work.field + element.work;
  return {
    minimumSize: flexible ? 1 : 4,
    memory: Memory.array,
    work: Work.field,
    read(reader) {
      const count = flexible ? reader.uvarint() - 1 : reader.int32();
      if (count < 0) {
        if (count < -1 || !nullable) throw badLength(name, count);
        return null;
      }
      // Counts empty elements as one byte each, or a short message could announce any number of
      // them.
      if (count * Math.max(minimumSize, 1) > reader.remaining) {
        throw new ProtocolError(
          `"${name}" announces ${count} elements, but only ${reader.remaining} bytes are left`,
        );
      }
      reader.allow(count * elementMemory);
      reader.spend(count * elementWork);
      const out = new Array<unknown>(count > LARGE_ARRAY ? 0 : count);
      for (let i = 0; i < count; i++) out[i] = element.read(reader);
      return out;
    },
    write(writer, value) {
      if (value === null) {
        if (!nullable) throw notNull(name);
        return flexible ? writer.uvarint(0) : writer.int32(-1);
      }
      const items = value as readonly unknown[];
      if (flexible) writer.uvarint(items.length + 1);
      else writer.int32(items.length);
      for (const item of items) element.write(writer, item);
    },
  };
}

/** A nullable struct is preceded by one byte: 1, or for null -1, or 0 in a tagged field. */
function nullableStruct(inner: AnyCodec, nullMark: number): AnyCodec {
  return {
    minimumSize: 1,
    memory: inner.memory,
    work: inner.work,
    read: (reader) => reader.int8() <= nullMark ? null : inner.read(reader),
    write(writer, value) {
      writer.int8(value === null ? nullMark : 1);
      if (value !== null) inner.write(writer, value);
    },
  };
}

/** Returns the memory estimate for a value made by {@linkcode defaultMaker}. */
function defaultMemory({ shape, options }: AnyField): number {
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

function defaultMaker(shape: Shape, options: FieldOptions): () => unknown {
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
function isDefault(value: unknown, field: AnyField): boolean {
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

function badLength(name: string, length: number): ProtocolError {
  return new ProtocolError(`"${name}" cannot be null but has length ${length}`);
}

function notNull(name: string): ProtocolError {
  return new ProtocolError(`"${name}" cannot be null in this version`);
}
