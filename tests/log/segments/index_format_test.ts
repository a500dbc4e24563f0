import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  decodeOffsetIndex,
  decodeTimeIndex,
  encodeOffsetIndex,
  encodeTimeIndex,
  fitsIndex,
} from "../../../src/log/segments/index_format.ts";
import { Int64Array } from "../../../src/log/segments/int64_array.ts";
import { MAX_INT64 } from "../../../src/protocol/int64.ts";
import { hexadecimal, kafkaBytes } from "../../inspect/fixture.ts";
import { test } from "../../harness.ts";

const INDEX = "orders-0/00000000000000000011.index";
const TIME_INDEX = "orders-0/00000000000000000011.timeindex";

function numbers(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

test("an .index of Apache Kafka is decoded, and encoded to the same bytes", () => {
  const bytes = kafkaBytes(INDEX);
  const { entries, problem } = decodeOffsetIndex(bytes);
  assertEquals(problem, null);
  assertEquals([...entries.relativeOffsets], [1, 2, 6, 7]);
  assertEquals([...entries.positions], [78, 156, 237, 361]);
  assertEquals(hexadecimal(encodeOffsetIndex(entries)), hexadecimal(bytes));
});

test("a .timeindex of Apache Kafka is decoded, and encoded to the same bytes", () => {
  const bytes = kafkaBytes(TIME_INDEX);
  const { entries, problem } = decodeTimeIndex(bytes);
  assertEquals(problem, null);
  assertEquals(
    [entries.timestamps.at(0), entries.timestamps.at(1)],
    [1_795_523_867_620, 1_795_523_867_647],
  );
  assertEquals([...entries.relativeOffsets], [1, 7]);
  assertEquals(hexadecimal(encodeTimeIndex(entries)), hexadecimal(bytes));
});

test("preallocated entries that Kafka never used are ignored", () => {
  const padded = new Uint8Array(10_485_760);
  padded.set(kafkaBytes(INDEX));
  assertEquals(decodeOffsetIndex(padded).entries.length, 4);
  assertEquals(decodeOffsetIndex(padded).problem, null);
  assertEquals(decodeOffsetIndex(new Uint8Array(80)).entries.length, 0);
  const times = new Uint8Array(120);
  times.set(kafkaBytes(TIME_INDEX));
  assertEquals(decodeTimeIndex(times).entries.length, 2);
  assertEquals(decodeTimeIndex(times).problem, null);
});

test("an entry that ends in zeros is not ignored", () => {
  const { entries } = decodeOffsetIndex(numbers("0000000100000100" + "0000000000000000"));
  assertEquals([entries.length, entries.positions[0]], [1, 256]);
  const { entries: times } = decodeTimeIndex(numbers("000001a20b8e0000" + "00000000"));
  assertEquals([times.length, times.timestamps.at(0)], [1, 0x1a20b8e0000]);
});

test("entries before the first invalid one are returned, with its position in the problem", () => {
  const falling = numbers("0000000500000050" + "0000000500000060");
  assertEquals(decodeOffsetIndex(falling).entries.length, 1);
  assertStringIncludes(decodeOffsetIndex(falling).problem!, "the entry at byte 8");
  const back = numbers("0000000500000050" + "0000000600000040");
  assertStringIncludes(decodeOffsetIndex(back).problem!, "the entry at byte 8");
  const negative = numbers("ffffffff00000050");
  assertStringIncludes(decodeOffsetIndex(negative).problem!, "neither may be negative");
  // Zeros between entries are not unused space.
  const hole = numbers("0000000500000050" + "0000000000000000" + "0000000900000090");
  assertEquals(decodeOffsetIndex(hole).entries.length, 1);
  assertStringIncludes(decodeOffsetIndex(hole).problem!, "the entry at byte 8");
});

test("a time index must rise in timestamps and in offsets", () => {
  const earlier = numbers("0000000000000009" + "00000001" + "0000000000000008" + "00000002");
  assertEquals(decodeTimeIndex(earlier).entries.length, 1);
  assertStringIncludes(decodeTimeIndex(earlier).problem!, "the entry at byte 12");
  const lower = numbers("0000000000000009" + "00000002" + "000000000000000a" + "00000001");
  assertStringIncludes(decodeTimeIndex(lower).problem!, "the entry at byte 12");
  const equal = numbers("7ffffffffffffffe" + "00000001" + "7ffffffffffffffe" + "00000002");
  assertStringIncludes(decodeTimeIndex(equal).problem!, "the entry at byte 12");
  const before1970 = numbers("ffffffffffffff00" + "00000001");
  assertStringIncludes(decodeTimeIndex(before1970).problem!, "neither may be negative");
});

test("a file with an incomplete entry is reported, and the complete entries are returned", () => {
  const cut = kafkaBytes(INDEX).subarray(0, 21);
  assertEquals(decodeOffsetIndex(cut).entries.length, 2);
  assertStringIncludes(decodeOffsetIndex(cut).problem!, "21 bytes, is not a multiple of 8");
  assertStringIncludes(decodeTimeIndex(cut).problem!, "21 bytes, is not a multiple of 12");
});

test("timestamps beyond 2^53 are decoded, compared and encoded without loss", () => {
  const bytes = numbers(
    "0020000000000000" + "00000000" + "0020000000000001" + "00000001" +
      "7ffffffffffffffe" + "00000002" + "7fffffffffffffff" + "00000003",
  );
  const { entries, problem } = decodeTimeIndex(bytes);
  assertEquals([entries.length, problem], [4, null]);
  assertEquals(entries.timestamps.at(1), 2n ** 53n + 1n);
  assertEquals(entries.timestamps.at(3), MAX_INT64);
  assertEquals(hexadecimal(encodeTimeIndex(entries)), hexadecimal(bytes));
});

test("the largest offset, position and timestamp are encoded and decoded", () => {
  const offsets = {
    length: 1,
    relativeOffsets: Uint32Array.of(2 ** 31 - 1),
    positions: Uint32Array.of(2 ** 31 - 1),
  };
  assertEquals(hexadecimal(encodeOffsetIndex(offsets)), "7fffffff7fffffff");
  assertEquals(decodeOffsetIndex(encodeOffsetIndex(offsets)).entries, offsets);
  const times = {
    length: 1,
    timestamps: Int64Array.of(MAX_INT64),
    relativeOffsets: Uint32Array.of(2 ** 31 - 1),
  };
  assertEquals(hexadecimal(encodeTimeIndex(times)), "7fffffffffffffff7fffffff");
  assertEquals(fitsIndex(10, 9), false);
  assertEquals(fitsIndex(10, 10 + 2 ** 31 - 1), true);
  assertEquals(fitsIndex(10, 10 + 2 ** 31), false);
});

test("only used entries are encoded, whatever the capacity of the columns", () => {
  const columns = { relativeOffsets: Uint32Array.of(1, 9, 9), positions: Uint32Array.of(5, 9, 9) };
  assertEquals(hexadecimal(encodeOffsetIndex({ length: 1, ...columns })), "0000000100000005");
});
