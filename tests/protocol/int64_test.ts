/**
 * 64-bit integers: arithmetic, and every 64-bit field of every message version with extreme values.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  addInt64,
  highOf,
  type Int64,
  int64Of,
  isInt64,
  lowOf,
  MAX_INT64,
  maxInt64,
  MIN_INT64,
  subtractInt64,
  toInt64,
} from "../../src/protocol/int64.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { forEachVersion, type Message } from "./all_messages.ts";
import { EXTREME_INT64S } from "./extreme_int64s.ts";
import { encodeWithInt64, type Int64Field, int64FieldsOf, valueAt } from "./int64_fields.ts";
import type { Value } from "./values.ts";

test("toInt64() returns a number if and only if it is a safe integer", () => {
  for (const value of EXTREME_INT64S) {
    assertEquals(isInt64(value), true, `${value}`);
    assertEquals(toInt64(BigInt(value)), value);
    assertEquals(int64Of(highOf(value), lowOf(value)), value);
    assertEquals(typeof value === "number", Number.isSafeInteger(Number(value)));
  }
  for (
    const value of [2 ** 53, 0.5, NaN, Infinity, 0n, 2n ** 53n - 1n, 2n ** 63n, MIN_INT64 - 1n]
  ) {
    assertEquals(isInt64(value), false, `${value}`);
  }
});

test("addInt64() and subtractInt64() wrap around like Java's long", () => {
  for (const one of EXTREME_INT64S) {
    for (const other of EXTREME_INT64S) {
      const where = `${one} and ${other}`;
      const sum = BigInt.asIntN(64, BigInt(one) + BigInt(other));
      const difference = BigInt.asIntN(64, BigInt(one) - BigInt(other));
      assertEquals(addInt64(one, other), toInt64(sum), where);
      assertEquals(subtractInt64(one, other), toInt64(difference), where);
    }
  }
  assertEquals(addInt64(MAX_INT64, 1), MIN_INT64);
  assertEquals(subtractInt64(0, MIN_INT64), MIN_INT64);
});

test("maxInt64() compares numbers with bigints", () => {
  for (const [i, one] of EXTREME_INT64S.entries()) {
    for (const [j, other] of EXTREME_INT64S.entries()) {
      assertEquals(maxInt64(one, other), EXTREME_INT64S[Math.max(i, j)]);
    }
  }
});

test("every 64-bit field of every message decodes any value and never changes it", () => {
  let fields = 0;
  forEachVersion((message, version) => {
    for (const field of int64FieldsOf(message.fields.shape, version)) {
      fields++;
      for (const value of EXTREME_INT64S) check(message, version, field, value);
    }
  });
  assert(fields > 300, `${fields} fields`);
});

function check(message: Message, version: number, field: Int64Field, value: Int64): void {
  const { path, kind } = field;
  const where = `${message.name} ${version} ${path.join(".")} ${value}`;
  const codec = message.codec(version);
  const bytes = encodeWithInt64({ shape: message.fields.shape, version, codec }, field, value);
  const decode = (bytes: Uint8Array): Value => {
    const reader = new ByteReader(bytes);
    const decoded = codec.read(reader) as Value;
    assertEquals(reader.remaining, 0, where);
    return decoded;
  };
  const decoded = decode(bytes);
  const found = valueAt(decoded, path);
  const expected = { int64: Number(value), exactInt64: value, bigint64: BigInt(value) }[kind];
  assertEquals(found, expected, where);
  if (kind === "int64" && typeof value === "bigint") {
    const encode = () => encoded(message, version, decoded);
    assertThrows(encode, ProtocolError, "cannot be written as int64", where);
  } else {
    // Compares values instead of bytes: a tagged field may be omitted if it has its default.
    assertEquals(valueAt(decode(encoded(message, version, decoded)), path), found, where);
  }
}

function encoded(message: Message, version: number, value: Value): Uint8Array {
  const writer = new ByteWriter(64);
  message.codec(version).write(writer, value);
  return writer.toBytes();
}
