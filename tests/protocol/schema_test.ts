import { assertEquals, assertThrows } from "@std/assert";
import {
  array,
  bytes,
  type Codec,
  codecOf,
  type Decoded,
  type Encodable,
  int16,
  int32,
  int64,
  int8,
  nested,
  records,
  string,
  struct,
} from "../../src/protocol/schema.ts";
import { ByteReader, ByteWriter, ProtocolError, Work } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";

const shape = struct({
  id: int32(),
  name: string({ nullable: "1+" }),
  epoch: int32({ versions: "1+", default: -1 }),
  note: string({ versions: "2+", nullable: "2+", default: null, tag: 0, tagged: "2+" }),
  inner: nested(struct({ offset: int64({ default: -1 }) }), {
    versions: "2+",
    tag: 3,
    tagged: "2+",
  }),
});

function bytesOf<In>(codec: Codec<unknown, In>, value: In): number[] {
  const writer = new ByteWriter(4);
  codec.write(writer, value);
  return [...writer.toBytes()];
}

function valueOf<Out>(codec: Codec<Out, never>, ...from: number[]): Out {
  return codec.read(new ByteReader(Uint8Array.from(from)));
}

test("each version encodes its own fields, and decoded values have all fields", () => {
  const value = { id: 1, name: "a" };
  assertEquals(bytesOf(codecOf(shape, 0, false), value), [0, 0, 0, 1, 0, 1, 97]);
  const filled = { ...value, epoch: -1, note: null, inner: { offset: -1 } };
  assertEquals(valueOf(codecOf(shape, 0, false), 0, 0, 0, 1, 0, 1, 97), filled);
  const withEpoch = [0, 0, 0, 1, 0, 1, 97, 255, 255, 255, 255];
  assertEquals(bytesOf(codecOf(shape, 1, false), value), withEpoch);
  assertEquals(valueOf(codecOf(shape, 1, false), ...withEpoch), filled);
  assertEquals(bytesOf(codecOf(shape, 2, true), value), [0, 0, 0, 1, 2, 97, 255, 255, 255, 255, 0]);
});

test("decoded values do not share default objects", () => {
  const codec = codecOf(struct({ list: array(int8(), { versions: "1+" }) }), 0, false);
  valueOf(codec).list.push(1);
  assertEquals(valueOf(codec).list, []);
});

test("a tagged field is written only if it differs from its default", () => {
  const codec = codecOf(shape, 2, true);
  const head = [0, 0, 0, 1, 2, 97, 255, 255, 255, 255];
  const value = { id: 1, name: "a", note: "n", inner: { offset: 2 } };
  const tags = [2, 0, 2, 2, 110, 3, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0];
  assertEquals(bytesOf(codec, value), [...head, ...tags]);
  assertEquals(valueOf(codec, ...head, ...tags), { ...value, epoch: -1 });
  assertEquals(bytesOf(codec, { ...value, note: null, inner: { offset: -1 } }), [...head, 0]);
  assertEquals(bytesOf(codec, { ...value, note: "", inner: {} }), [...head, 1, 0, 1, 1]);
});

test("unknown tagged fields are preserved in tag order among the known ones", () => {
  const codec = codecOf(shape, 2, true);
  const head = [0, 0, 0, 1, 0, 255, 255, 255, 255];
  const tags = [3, 0, 2, 2, 110, 1, 1, 77, 200, 1, 0];
  const value = valueOf(codec, ...head, ...tags);
  assertEquals(value.unknownTaggedFields, [
    { tag: 1, data: Uint8Array.of(77) },
    { tag: 200, data: new Uint8Array(0) },
  ]);
  assertEquals(bytesOf(codec, value), [...head, ...tags]);
});

test("an unknown tagged field with the tag of a known field is omitted", () => {
  const codec = codecOf(shape, 2, true);
  const head = [0, 0, 0, 1, 2, 97, 255, 255, 255, 255];
  const unknownTaggedFields = [
    { tag: 0, data: Uint8Array.of(9) },
    { tag: 1, data: Uint8Array.of(77) },
  ];
  const value = { id: 1, name: "a", note: "n", unknownTaggedFields };
  assertEquals(bytesOf(codec, value), [...head, 2, 0, 2, 2, 110, 1, 1, 77]);
});

test("tagged fields out of order, repeated or of a wrong size are rejected", () => {
  const codec = codecOf(shape, 2, true);
  const head = [0, 0, 0, 1, 0, 255, 255, 255, 255];
  const wrong = [
    [[2, 5, 0, 4, 0], "Tagged field 4 follows tag 5"],
    [[2, 5, 0, 5, 0], "Tagged field 5 follows tag 5"],
    [[1, 0, 3, 2, 110, 0], "Tagged field 0 announces 3 bytes but has 2"],
    [[1, 0, 1, 2, 110], "Tagged field 0 announces 1 bytes but has 2"],
    [[1, 0, 9, 2, 110], "Cannot read 9 bytes"],
    [[1, 7, 9, 2, 110], "Cannot read 9 bytes"],
    [[255, 255, 255, 255, 15], "the data ends"],
  ] as const;
  for (const [tags, message] of wrong) {
    assertThrows(() => valueOf(codec, ...head, ...tags), ProtocolError, message);
  }
});

test("null is encoded and decoded only if the version allows it", () => {
  const value = { id: 1, name: null };
  const refused = '"name" cannot be null';
  assertThrows(() => bytesOf(codecOf(shape, 0, false), value), ProtocolError, refused);
  assertThrows(
    () => valueOf(codecOf(shape, 0, false), 0, 0, 0, 1, 255, 255),
    ProtocolError,
    refused,
  );
  const nullName = [0, 0, 0, 1, 255, 255, 255, 255, 255, 255];
  assertEquals(bytesOf(codecOf(shape, 1, false), value), nullName);
  assertEquals(valueOf(codecOf(shape, 1, false), ...nullName).name, null);
  for (const field of [array(int8()), bytes(), records()]) {
    const codec = codecOf(struct({ field }), 0, false);
    assertThrows(() => bytesOf(codec, { field: null as never }), ProtocolError, "cannot be null");
    assertThrows(() => valueOf(codec, 255, 255, 255, 255), ProtocolError, "cannot be null");
    assertThrows(() => valueOf(codec, 255, 255, 255, 254), ProtocolError, "cannot be null");
  }
});

test("a nullable struct is preceded by a byte", () => {
  const codec = codecOf(
    struct({ cursor: nested(struct({ at: int8() }), { nullable: "0+", default: null }) }),
    0,
    true,
  );
  assertEquals(bytesOf(codec, { cursor: { at: 7 } }), [1, 7, 0, 0]);
  assertEquals(valueOf(codec, 1, 7, 0, 0), { cursor: { at: 7 } });
  assertEquals(bytesOf(codec, {}), [255, 0]);
  assertEquals(valueOf(codec, 255, 0), { cursor: null });
});

test("a null struct in a tagged field is a byte 0", () => {
  const cursor = nested(struct({ at: int8() }), { nullable: "0+", tag: 3, tagged: "0+" });
  const codec = codecOf(struct({ cursor }), 0, true);
  assertEquals(bytesOf(codec, { cursor: { at: 7 } }), [1, 3, 3, 1, 7, 0]);
  assertEquals(valueOf(codec, 1, 3, 3, 1, 7, 0), { cursor: { at: 7 } });
  assertEquals(bytesOf(codec, { cursor: null }), [1, 3, 1, 0]);
  assertEquals(valueOf(codec, 1, 3, 1, 0), { cursor: null });
  assertEquals(valueOf(codec, 0), { cursor: { at: 0 } });
});

test("records decode to a view and encode from bytes or a source", () => {
  const codec = codecOf(struct({ batch: records({ nullable: "0+" }), end: int8() }), 0, true);
  const memory = Uint8Array.of(3, 8, 9, 5, 0);
  const { batch } = codec.read(new ByteReader(memory));
  memory[1] = 42;
  assertEquals([...batch!], [42, 9]);
  const source = { byteLength: 2, copyTo: (target: Uint8Array) => void target.fill(6) };
  assertEquals(bytesOf(codec, { batch: source, end: 5 }), [3, 6, 6, 5, 0]);
});

test("encoding a text of more than 32,767 bytes throws", () => {
  const codec = codecOf(struct({ name: string() }), 0, true);
  assertEquals(bytesOf(codec, { name: "x".repeat(32767) }).length, 32767 + 4);
  for (const name of ["x".repeat(32768), "é".repeat(16384)]) {
    assertThrows(() => bytesOf(codec, { name }), ProtocolError, '"name" has 32768 bytes');
  }
});

test("types: fields with a default or missing in some version are optional when encoding", () => {
  const declared = struct({
    needed: int16(),
    later: int16({ versions: "1+" }),
    known: int16({ default: 3 }),
    maybe: string({ nullable: "0+" }),
  });
  const least: Encodable<typeof declared> = { needed: 1, maybe: null };
  // @ts-expect-error -- `needed` has no default
  const less: Encodable<typeof declared> = { maybe: null };
  // @ts-expect-error -- `known` may not be null
  const nulled: Encodable<typeof declared> = { needed: 1, maybe: null, known: null };
  const decoded: Decoded<typeof declared> = valueOf(
    codecOf(declared, 0, false),
    0,
    1,
    0,
    3,
    255,
    255,
  );
  const { later, known, maybe }: { later: number; known: number; maybe: string | null } = decoded;
  assertEquals([later, known, maybe], [0, 3, null]);
  assertEquals(bytesOf(codecOf(declared, 0, false), least), [0, 1, 0, 3, 255, 255]);
  assertEquals([less.maybe, nulled.known], [null, null]);
});

test("codecOf() compiles a codec once", () => {
  assertEquals(codecOf(shape, 1, false) === codecOf(shape, 1, false), true);
  assertEquals((codecOf(shape, 1, false) as unknown) === codecOf(shape, 2, true), false);
});

test("ByteReader.work limits elements, texts, byte fields and unknown tagged fields", () => {
  const costs = (write: (writer: ByteWriter) => void, fields: Parameters<typeof struct>[0]) => {
    const codec = codecOf(struct(fields), 0, true);
    const writer = new ByteWriter();
    write(writer);
    const read = (work: number) => {
      const reader = new ByteReader(writer.toBytes());
      reader.work = work;
      codec.read(reader);
      return work - reader.work;
    };
    const cost = read(1_000_000);
    assertEquals(read(cost), cost);
    assertThrows(() => read(cost - 1), ProtocolError, "hold too many values");
    return cost;
  };
  const numbers = costs((writer) => {
    writer.uvarint(101);
    for (let i = 0; i < 100; i++) writer.int32(i);
    writer.uvarint(0);
  }, { items: array(int32()) });
  assertEquals(numbers, 100 * 2 * Work.field);
  const text = costs((writer) => {
    writer.text("x".repeat(64), (length) => writer.uvarint(length + 1));
    writer.uvarint(0);
  }, { item: string() });
  assertEquals(text, Work.text + 2);
  const copied = costs((writer) => {
    writer.uvarint(129);
    writer.raw(new Uint8Array(128));
    writer.uvarint(0);
  }, { item: bytes() });
  assertEquals(copied, Work.bytes + 2);
  const unknown = costs((writer) => {
    writer.uvarint(1);
    writer.uvarint(9);
    writer.uvarint(0);
  }, {});
  assertEquals(unknown, Work.unknownTaggedField + Work.bytes);
});
