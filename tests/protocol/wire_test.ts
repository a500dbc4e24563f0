import { assertEquals, assertThrows } from "@std/assert";
import { type Int64, MAX_INT64, toInt64 } from "../../src/protocol/int64.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { Chance } from "./chance.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.toBytes();
}

function readerOf(...bytes: number[]): ByteReader {
  return new ByteReader(Uint8Array.from(bytes));
}

test("fixed-size integers accept exactly their range", () => {
  const types = [
    ["int8", -128, 127],
    ["int16", -32768, 32767],
    ["uint16", 0, 65535],
    ["int32", -2147483648, 2147483647],
    ["uint32", 0, 4294967295],
    ["int64", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ] as const;
  for (const [type, smallest, largest] of types) {
    for (const value of [smallest, smallest + 1, -1, 0, 1, largest - 1, largest]) {
      if (value < smallest) continue;
      const bytes = written((writer) => writer[type](value));
      assertEquals(new ByteReader(bytes)[type](), value, `${type} ${value}`);
    }
    for (const value of [smallest - 1, largest + 1, 0.5, NaN, Infinity]) {
      assertThrows(
        () => written((writer) => writer[type](value)),
        ProtocolError,
        `${value} cannot be written as ${type}`,
      );
    }
  }
});

test("64-bit integers are written in two's complement", () => {
  for (
    const [value, hex] of [
      [0, "0000000000000000"],
      [1, "0000000000000001"],
      [-1, "ffffffffffffffff"],
      [4294967295, "00000000ffffffff"],
      [4294967296, "0000000100000000"],
      [-4294967296, "ffffffff00000000"],
      [-4294967297, "fffffffeffffffff"],
      [9007199254740991, "001fffffffffffff"],
      [-9007199254740991, "ffe0000000000001"],
    ] as const
  ) {
    const bytes = written((writer) => writer.int64(value));
    assertEquals(hexOf(bytes), hex);
    assertEquals(new ByteReader(bytes).int64(), value);
  }
});

test("bigint64() preserves all 64 bits", () => {
  const writer = new ByteWriter(8);
  const values = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x0123456789abcdefn];
  for (const value of values) writer.bigint64(value);
  const reader = new ByteReader(writer.toBytes());
  assertEquals(values.map(() => reader.bigint64()), values);
  assertEquals([...writer.toBytes().slice(32, 36)], [0x01, 0x23, 0x45, 0x67]);
  assertThrows(() => writer.bigint64(2n ** 63n), ProtocolError, "cannot be written as bigint64");
});

const BEYOND_2_53: readonly (readonly [bigint, readonly number[]])[] = [
  [2n ** 63n - 1n, [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  [2n ** 53n, [0x00, 0x20, 0, 0, 0, 0, 0, 0]],
  [2n ** 53n + 1n, [0x00, 0x20, 0, 0, 0, 0, 0, 1]],
  [-(2n ** 63n), [0x80, 0, 0, 0, 0, 0, 0, 0]],
  [-(2n ** 53n), [0xff, 0xe0, 0, 0, 0, 0, 0, 0]],
  [-(2n ** 53n) - 1n, [0xff, 0xdf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
];

test("int64() reads the nearest number and writes safe integers only", () => {
  for (const [value, bytes] of BEYOND_2_53) {
    assertEquals(readerOf(...bytes).int64(), Number(value), `${value}`);
  }
  for (const value of [2 ** 53, -(2 ** 53), 2 ** 63]) {
    assertThrows(() => written((writer) => writer.int64(value)), ProtocolError, "out of range");
  }
});

test("exactInt64() reads and writes every 64-bit integer in its canonical form", () => {
  for (const [value, bytes] of BEYOND_2_53) {
    assertEquals(readerOf(...bytes).exactInt64(), value);
    assertEquals([...written((writer) => writer.exactInt64(value))], [...bytes], `${value}`);
  }
  for (const value of [0, 1, -1, -2, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    const bytes = written((writer) => writer.exactInt64(value));
    assertEquals(new ByteReader(bytes).exactInt64(), value);
    assertEquals(new ByteReader(bytes).bigint64(), BigInt(value));
  }
  for (const value of [2 ** 53, 0.5, NaN, 5n, 2n ** 53n - 1n, 2n ** 63n, -(2n ** 63n) - 1n]) {
    assertThrows(() => written((writer) => writer.exactInt64(value)), ProtocolError);
  }
});

test("uvarint() writes and reads at every length boundary", () => {
  for (let bits = 0; bits <= 32; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      if (value > 4294967295) continue;
      const bytes = written((writer) => writer.uvarint(value));
      const length = value < 128
        ? 1
        : value < 2 ** 14
        ? 2
        : value < 2 ** 21
        ? 3
        : value < 2 ** 28
        ? 4
        : 5;
      assertEquals(bytes.length, length, `${value}`);
      assertEquals(new ByteReader(bytes).uvarint(), value);
    }
  }
  for (const value of [-1, 4294967296, 1.5, NaN]) {
    assertThrows(() => written((writer) => writer.uvarint(value)), ProtocolError);
  }
  assertThrows(
    () => readerOf(255, 255, 255, 255, 16).uvarint(),
    ProtocolError,
    "more than 32 bits",
  );
  assertThrows(() => readerOf(128, 128, 128, 128, 128, 1).uvarint(), ProtocolError);
  assertThrows(() => readerOf(255, 255).uvarint(), ProtocolError, "the data ends at 2");
  assertEquals(readerOf(0x80, 0x80, 0x00).uvarint(), 0);
});

test("varint() and varlong() use zigzag encoding", () => {
  for (
    const [value, hex] of [
      [0, "00"],
      [-1, "01"],
      [1, "02"],
      [63, "7e"],
      [-64, "7f"],
      [64, "8001"],
      [2147483647, "feffffff0f"],
      [-2147483648, "ffffffff0f"],
    ] as const
  ) {
    const bytes = written((writer) => writer.varint(value));
    assertEquals(hexOf(bytes), hex);
    assertEquals(new ByteReader(bytes).varint(), value);
    // A small number has the same encoding as a 64-bit varint.
    assertEquals(hexOf(written((writer) => writer.varlong(value))), hex);
    assertEquals(new ByteReader(bytes).varlong(), value);
  }
  for (const value of [2147483648, -2147483649, 0.1]) {
    assertThrows(() => written((writer) => writer.varint(value)), ProtocolError);
  }
});

test("varlong() writes and reads at every length boundary", () => {
  for (let bits = 0n; bits <= 63n; bits++) {
    for (const magnitude of [2n ** bits - 1n, 2n ** bits]) {
      for (const signed of [magnitude, -magnitude]) {
        if (BigInt.asIntN(64, signed) !== signed) continue;
        const value = toInt64(signed);
        const bytes = written((writer) => writer.varlong(value));
        assertEquals(new ByteReader(bytes).varlong(), value);
        assertEquals(hexOf(bytes), hexOf(varlongByBigInt(value)), `${value}`);
      }
    }
  }
  const chance = new Chance(7);
  for (let i = 0; i < 500; i++) {
    const value = (chance.next() & 0x1fffff) * 2 ** chance.below(32) * (chance.oneIn(2) ? 1 : -1) ||
      0;
    const bytes = written((writer) => writer.varlong(value));
    assertEquals(hexOf(bytes), hexOf(varlongByBigInt(value)), `${value}`);
    assertEquals(new ByteReader(bytes).varlong(), value);
  }
});

test("varlong() rejects more than 64 bits", () => {
  const largest = [254, 255, 255, 255, 255, 255, 255, 255, 255, 1];
  assertEquals(readerOf(...largest).varlong(), MAX_INT64);
  const endless = Array.from({ length: 11 }, () => 255);
  const tooMany = [255, 255, 255, 255, 255, 255, 255, 255, 255, 2];
  for (const bytes of [endless, tooMany]) {
    assertThrows(() => readerOf(...bytes).varlong(), ProtocolError, "has more than 64 bits");
  }
  assertThrows(() => readerOf(255, 255).varlong(), ProtocolError, "the data ends at 2");
  for (const value of [2 ** 53, 0.5, NaN]) {
    assertThrows(() => written((writer) => writer.varlong(value)), ProtocolError);
  }
});

test("text() writes and reads any text with the length of its UTF-8", () => {
  const texts = [
    "",
    "plain",
    "\u007f\u0080\u07ff\u0800\uffff",
    "\u{10000}\u{10ffff}",
    "🦉".repeat(40),
    "\ufeffmark",
    "x".repeat(63) + "é",
    "x".repeat(1000),
  ];
  for (const text of texts) {
    let length = -1;
    const bytes = written((writer) => writer.text(text, (byteLength) => length = byteLength));
    assertEquals(bytes, new TextEncoder().encode(text));
    assertEquals(length, bytes.length);
    assertEquals(new ByteReader(bytes).text(bytes.length), text);
    assertEquals(new ByteReader(bytes).text(bytes.length), text);
  }
});

test("lone surrogates and malformed UTF-8 become replacement characters", () => {
  const bytes = written((writer) => writer.text("a\ud800b", () => {}));
  assertEquals(new ByteReader(bytes).text(bytes.length), "a\ufffdb");
  assertEquals(readerOf(97, 0xff, 98).text(3), "a\ufffdb");
});

test("uuid() reads and writes 22 characters of base64", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 16 + i);
  const text = new ByteReader(bytes).uuid();
  assertEquals(
    text,
    btoa(String.fromCharCode(...bytes)).slice(0, 22).replaceAll("/", "_")
      .replaceAll("+", "-"),
  );
  assertEquals(written((writer) => writer.uuid(text)), bytes);
  for (
    const wrong of ["", "AAAA", "A".repeat(23), "!".repeat(22), "é".repeat(22), "B".repeat(22)]
  ) {
    assertThrows(() => written((writer) => writer.uuid(wrong)), ProtocolError, "is not a UUID");
  }
});

test("ByteReader never reads beyond its end, even if the memory is larger", () => {
  const memory = new Uint8Array(64).fill(1);
  const reads: ((reader: ByteReader) => unknown)[] = [
    (reader) => reader.int8(),
    (reader) => reader.boolean(),
    (reader) => reader.int16(),
    (reader) => reader.uint16(),
    (reader) => reader.int32(),
    (reader) => reader.uint32(),
    (reader) => reader.int64(),
    (reader) => reader.float64(),
    (reader) => reader.uvarint(),
    (reader) => reader.varint(),
    (reader) => reader.varlong(),
    (reader) => reader.uuid(),
    (reader) => reader.text(1),
    (reader) => reader.view(1),
    (reader) => reader.copy(1),
    // The reader skips bytes: no test is skipped here.
    (reader) => reader.skip(1),
  ];
  for (const read of reads) {
    const reader = new ByteReader(memory, 10, 10);
    assertThrows(() => read(reader), ProtocolError, "the data ends at 10");
    assertEquals(reader.offset, 10);
  }
  const reader = new ByteReader(memory, 10, 15);
  assertThrows(() => reader.int64(), ProtocolError, "Cannot read 8 bytes at 10");
  // Bytes again, not a test: it must not go backwards.
  assertThrows(() => reader.skip(-1), ProtocolError);
  assertEquals(reader.remaining, 5);
});

test("view() shares memory, copy() does not", () => {
  const memory = Uint8Array.of(1, 2, 3, 4);
  const reader = new ByteReader(memory);
  const view = reader.view(2);
  const copy = reader.copy(2);
  memory.fill(9);
  assertEquals([...view], [9, 9]);
  assertEquals([...copy], [3, 4]);
});

test("ByteWriter keeps its content when it grows and discards it on reset()", () => {
  const writer = new ByteWriter(1);
  const expected: number[] = [];
  for (let i = 0; i < 1000; i++) {
    writer.int8(i % 100);
    expected.push(i % 100);
  }
  const at = writer.reserve(4);
  writer.raw(Uint8Array.of(5));
  writer.patchInt32(at, -2);
  assertEquals([...writer.toBytes()], [...expected, 255, 255, 255, 254, 5]);
  assertEquals([...writer.written()], [...writer.toBytes()]);
  writer.reset();
  assertEquals(writer.totalLength, 0);
  assertEquals(writer.toBytes().length, 0);
});

test("ByteWriter inserts record sources at their positions", () => {
  const writer = new ByteWriter(1);
  const source = (first: number, length: number) => ({
    byteLength: length,
    copyTo(target: Uint8Array, offset: number) {
      for (let i = 0; i < target.length; i++) target[i] = first + offset + i;
    },
  });
  writer.external(source(10, 2));
  writer.int16(1);
  writer.external(source(20, 3));
  writer.external(source(99, 0));
  writer.external(source(30, 1));
  writer.int8(7);
  assertEquals(writer.length, 3);
  assertEquals(writer.totalLength, 9);
  assertEquals(writer.externalParts.map(({ position }) => position), [0, 2, 2]);
  assertEquals([...writer.toBytes()], [10, 11, 0, 1, 20, 21, 22, 30, 7]);
});

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same encoding by plain 64-bit arithmetic. */
function varlongByBigInt(value: Int64): Uint8Array {
  const wide = BigInt(value);
  let rest = BigInt.asUintN(64, wide << 1n ^ wide >> 63n);
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}
