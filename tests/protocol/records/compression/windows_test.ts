/**
 * The maximum distance of matches in data that no compressor writes, and the state that a block
 * leaves to the next one.
 */
import { assertEquals } from "@std/assert";
import { decompress } from "../../../../src/protocol/records/compression/codec.ts";
import { xxHash32 } from "../../../../src/protocol/records/compression/xxhash32.ts";
import { decompressZstd } from "../../../../src/protocol/records/compression/zstd/decoder.ts";
import { MAX_BLOCK_BYTES } from "../../../../src/protocol/records/compression/zstd/frame.ts";
import { test } from "../../../harness.ts";
import { hostCodecs, randomBytes, randomSource, reasonOf, utf8 } from "../record_helpers.ts";

const INDEPENDENT = 0x20;

/** Returns an lz4 frame of two blocks. The second copies 4 bytes at distance 3. */
function lz4Frame(flags: number): Uint8Array {
  const head = Uint8Array.of(0x40 | flags, 4 << 4);
  const first = [0x80, ...utf8("abcdefgh")];
  const second = [0x10, ...utf8("x"), 3, 0, 0x50, ...utf8("12345")];
  return Uint8Array.from([
    ...[0x04, 0x22, 0x4d, 0x18, ...head, xxHash32(head, 0, 2) >>> 8 & 0xff],
    ...[first.length, 0, 0, 0, ...first],
    ...[second.length, 0, 0, 0, ...second],
    ...[0, 0, 0, 0],
  ]);
}

test("an lz4 match may reach into the previous block only in linked blocks", () => {
  assertEquals(decompress("lz4", lz4Frame(0), 100), utf8("abcdefghxghxg12345"));
  assertEquals(reasonOf(() => decompress("lz4", lz4Frame(INDEPENDENT), 100)), "invalid");
});

test("a snappy copy must not reach into the previous chunk", () => {
  const chunk = (...bytes: number[]) => [0, 0, 0, bytes.length, ...bytes];
  const header = [0x82, ...utf8("SNAPPY"), 0, 0, 0, 0, 1, 0, 0, 0, 1];
  const first = chunk(8, 7 << 2, ...utf8("abcdefgh"));
  const copy = (distance: number) => [2 | (4 - 1) << 2, distance, 0];
  const stream = (distance: number) =>
    Uint8Array.from([...header, ...first, ...chunk(5, 0, 120, ...copy(distance))]);
  assertEquals(decompress("snappy", stream(1), 100), utf8("abcdefghxxxxx"));
  assertEquals(reasonOf(() => decompress("snappy", stream(3), 100)), "invalid");
});

/**
 * Returns a zstd frame of one block: these literals, then one match of 3 bytes at distance 3.
 * `tail` is the bit stream, ended by its highest set bit: a one and the two bits of the offset, 10.
 */
function zstdFrame(literals: string, tail = 0b110): Uint8Array {
  const count = literals.length;
  // Raw literals; one sequence with one code each: literal length, offset 4 to 7, match length 3.
  const block = [count << 3, ...utf8(literals), 1, 0b01_01_01_00, count, 2, 0, tail];
  const blockHeader = 1 | 2 << 1 | block.length << 3;
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, blockHeader, 0, 0, ...block]);
}

test("a zstd match must not reach into the previous frame", () => {
  assertEquals(decompressZstd(zstdFrame("abc"), 100), utf8("abcabc"));
  const two = Uint8Array.from([...zstdFrame("abc"), ...zstdFrame("x")]);
  assertEquals(reasonOf(() => decompressZstd(two, 100)), "invalid");
});

test("bits after the last zstd sequence are rejected", () => {
  assertEquals(reasonOf(() => decompressZstd(zstdFrame("abc", 0b1_1000), 100)), "invalid");
});

test("a raw zstd block does not change the recent offsets", () => {
  const bytes = randomBytes(randomSource(31), MAX_BLOCK_BYTES + 3_000);
  const repeat = (start: number, length: number) => {
    for (let at = start; at < start + length; at++) bytes[at] = bytes[at - 50]!;
  };
  // Too little for the first block to shrink, but enough for the second.
  repeat(100, 5);
  repeat(MAX_BLOCK_BYTES + 100, 2_000);
  const packed = hostCodecs.zstd.compress(bytes, 3);
  assertEquals(packed.length < bytes.length - 1_500, true);
  assertEquals(decompressZstd(packed, bytes.length), bytes);
});
