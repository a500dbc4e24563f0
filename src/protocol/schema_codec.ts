/**
 * Compiles one version of a declared struct into readers and writers. A struct becomes a flat list
 * with one entry per field, in order. Absent and tagged fields are set to their defaults first, so
 * that all decoded values of a struct have the same hidden class in the engine.
 *
 * @module
 */
import type { Int64 } from "./int64.ts";
import type { Steps } from "./records/compression/steps.ts";
import { defaultMaker, defaultMemory, isDefault, Memory } from "./schema_defaults.ts";
import type { Field, Shape, StructShape, UnknownTaggedField } from "./schema_types.ts";
import { includes } from "./versions.ts";
import { type ByteReader, ByteWriter, ProtocolError, Work } from "./wire.ts";
import type { RecordsSource } from "./records_source.ts";

/** Reads and writes the values of one version. */
export interface Codec<Out, In> {
  read(reader: ByteReader): Out;
  write(writer: ByteWriter, value: In): void;
  /**
   * The minimum encoded size of a value in bytes. Announced element counts are checked against it.
   */
  readonly minimumSize: number;
  /** Writes values with many elements in steps. Absent if a value has no array, or contains records. */
  readonly inSteps?: WriteInSteps<In>;
}

/** Writes values whose arrays may have so many elements that one turn of the event loop is too short. */
export interface WriteInSteps<In> {
  /** Returns the number of elements of all arrays in a value. */
  count(value: In): number;
  /** Writes like {@linkcode Codec.write}. What is written may be taken from `writer` between two steps. */
  write(writer: ByteWriter, value: In): Steps<void>;
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

/** A step ends after this many elements or bytes: in less than a millisecond. */
const STEP_ELEMENTS = 128;
const STEP_BYTES = 65_536;

/** An engine may represent a larger preallocated array as a hash table. */
const LARGE_ARRAY = 65536;

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

  const hasRecords = (shape: Shape): boolean =>
    shape.kind === "records" || shape.kind === "array" && hasRecords(shape.element) ||
    shape.kind === "struct" && Object.values(shape.fields).some((field) => hasRecords(field.shape));
  const withArrays = untagged.flatMap((codec, index) =>
    codec?.inSteps === undefined ? [] : [index]
  );
  if (withArrays.length === 0 || hasRecords(shape)) {
    return { read, write, minimumSize, memory, work };
  }

  function countElements(value: unknown): number {
    let elements = 0;
    for (const index of withArrays) {
      const item = (value as Values)[names[index]!];
      if (item !== undefined) elements += untagged[index]!.inSteps!.count(item);
    }
    return elements;
  }

  function* writeInSteps(writer: ByteWriter, value: unknown): Steps<void> {
    const values = value as Values;
    for (let i = 0; i < count; i++) {
      const codec = untagged[i]!;
      if (codec === null) continue;
      const item = values[names[i]!];
      if (item === undefined) codec.write(writer, makeDefaults[i]!());
      else if (codec.inSteps === undefined) codec.write(writer, item);
      else yield* codec.inSteps.write(writer, item);
    }
    if (flexible) writeTagged(writer, values);
  }

  const inSteps = { count: countElements, write: writeInSteps };
  return { read, write, minimumSize, memory, work, inSteps };
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
  const writeNull = (writer: ByteWriter) => flexible ? writer.uvarint(0) : writer.int32(-1);
  const writeCount = (writer: ByteWriter, count: number) =>
    flexible ? writer.uvarint(count + 1) : writer.int32(count);
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
        return writeNull(writer);
      }
      const items = value as readonly unknown[];
      writeCount(writer, items.length);
      for (const item of items) element.write(writer, item);
    },
    inSteps: {
      count(value) {
        if (value === null) return 0;
        const items = value as readonly unknown[];
        if (element.inSteps === undefined) return items.length;
        let elements = items.length;
        for (const item of items) elements += element.inSteps.count(item);
        return elements;
      },
      *write(writer, value) {
        if (value === null) {
          if (!nullable) throw notNull(name);
          return writeNull(writer);
        }
        const items = value as readonly unknown[];
        writeCount(writer, items.length);
        let inStep = 0;
        for (const item of items) {
          const inside = element.inSteps?.count(item) ?? 0;
          if (inside > STEP_ELEMENTS) yield* element.inSteps!.write(writer, item);
          else element.write(writer, item);
          inStep += 1 + inside;
          if (inStep < STEP_ELEMENTS && writer.length < STEP_BYTES) continue;
          yield;
          inStep = 0;
        }
      },
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
    ...(inner.inSteps !== undefined && {
      inSteps: {
        count: (value) => value === null ? 0 : inner.inSteps!.count(value),
        *write(writer, value) {
          writer.int8(value === null ? nullMark : 1);
          if (value !== null) yield* inner.inSteps!.write(writer, value);
        },
      },
    }),
  };
}

function badLength(name: string, length: number): ProtocolError {
  return new ProtocolError(`"${name}" cannot be null but has length ${length}`);
}

function notNull(name: string): ProtocolError {
  return new ProtocolError(`"${name}" cannot be null in this version`);
}
