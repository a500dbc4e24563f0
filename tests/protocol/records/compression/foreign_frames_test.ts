/**
 * Data that no compressor here writes, decompressed in steps: large blocks, checksums over many
 * megabytes, and very many tiny blocks.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { decompress } from "../../../../src/protocol/records/compression/codec.ts";
import { decompressInSteps } from "../../../../src/protocol/records/compression/in_steps.ts";
import { atOnce } from "../../../../src/protocol/records/compression/steps.ts";
import {
  xxHash32,
  xxHash32InSteps,
} from "../../../../src/protocol/records/compression/xxhash32.ts";
import { xxHash64Low } from "../../../../src/protocol/records/compression/zstd/xxhash64.ts";
import { RecordError } from "../../../../src/protocol/records/record_error.ts";
import { test } from "../../../harness.ts";
import { randomBytes, randomSource, reasonOf, sampleJson } from "../record_helpers.ts";

const MEGABYTES = 4_194_304;

/** Decompresses in steps, compares with decompressing at once, and counts the pauses. */
async function unpack(
  type: "lz4" | "snappy" | "zstd",
  bytes: Uint8Array,
  maxBytes: number,
): Promise<{ result: Uint8Array; pauses: number }> {
  let pauses = 0;
  const pause = () => Promise.resolve(void pauses++);
  const result = await decompressInSteps(type, bytes, maxBytes, undefined, pause);
  assertEquals(decompress(type, bytes, maxBytes), result);
  return { result, pauses };
}

/** Like `reasonOf`, in steps. */
async function reasonInSteps(
  type: "lz4" | "snappy" | "zstd",
  bytes: Uint8Array,
  maxBytes: number,
): Promise<string> {
  try {
    await decompressInSteps(type, bytes, maxBytes, undefined, () => Promise.resolve());
  } catch (error) {
    if (error instanceof RecordError) return error.reason;
    throw error;
  }
  throw new Error("expected a RecordError, nothing was thrown");
}

function littleEndian(value: number, length = 4): number[] {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** index) % 256);
}

function concat(...parts: (Uint8Array | number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Returns a block of `count` sequences of 20 literals and a match of 40 bytes at distance 20. */
function lz4Sequences(count: number): { block: Uint8Array; content: Uint8Array } {
  const random = randomSource(41);
  const block = new Uint8Array(count * 25 + 6);
  const content = new Uint8Array(count * 60 + 5);
  for (let index = 0; index < count; index++) {
    const literals = randomBytes(random, 20);
    block.set([0xff, 20 - 15, ...literals, 20, 0, 40 - 4 - 15], index * 25);
    content.set([...literals, ...literals, ...literals], index * 60);
  }
  block.set([0x50, 1, 2, 3, 4, 5], count * 25);
  content.set([1, 2, 3, 4, 5], count * 60);
  return { block, content };
}

/** Encodes a length beyond the four bits of an lz4 token. */
function lz4Length(rest: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor(rest / 255) + 1).fill(255);
  bytes[bytes.length - 1] = rest % 255;
  return bytes;
}

/** Returns a frame of blocks of up to 4 MiB, with checksums of blocks and content. */
function lz4Frame(content: Uint8Array, ...blocks: Uint8Array[]): Uint8Array {
  const header = [0x60 | 0x10 | 0x04, 7 << 4];
  return concat(
    littleEndian(0x184d2204),
    header,
    [xxHash32(Uint8Array.from(header), 0, 2) >>> 8 & 0xff],
    ...blocks.flatMap((block) => [
      littleEndian(block.length),
      block,
      littleEndian(xxHash32(block, 0, block.length)),
    ]),
    littleEndian(0),
    littleEndian(xxHash32(content, 0, content.length)),
  );
}

test("an lz4 block of 4 MiB is decompressed in steps", async () => {
  const { block, content } = lz4Sequences(69_000);
  assert(content.length > 4_000_000 && content.length < MEGABYTES);
  const { result, pauses } = await unpack("lz4", lz4Frame(content, block), content.length);
  assertEquals(result, content);
  assert(pauses >= content.length / 65_536, `${pauses} pauses`);
  for (
    const [frame, maxBytes, reason] of [
      [lz4Frame(content, block), content.length - 1, "too-large"],
      [lz4Frame(content.subarray(1), block), content.length, "invalid"], // another checksum
      [lz4Frame(content, block.subarray(0, -5)), content.length, "invalid"],
    ] as const
  ) {
    assertEquals(reasonOf(() => decompress("lz4", frame, maxBytes)), reason);
    assertEquals(await reasonInSteps("lz4", frame, maxBytes), reason);
  }
});

test("an lz4 match and lz4 literals longer than a step are decompressed", async () => {
  const noise = randomBytes(randomSource(42), 1_000_000);
  const matched = 3_000_000;
  const block = concat(
    [0xff],
    lz4Length(noise.length - 15),
    noise,
    [0x10, 0x27], // 10,000 back
    lz4Length(matched - 4 - 15),
    [0x50, 1, 2, 3, 4, 5],
  );
  const content = new Uint8Array(noise.length + matched + 5);
  content.set(noise);
  for (let at = noise.length; at < noise.length + matched; at++) {
    content[at] = content[at - 10_000]!;
  }
  content.set([1, 2, 3, 4, 5], noise.length + matched);
  assertEquals((await unpack("lz4", lz4Frame(content, block), content.length)).result, content);
});

test("one raw snappy block of several megabytes is decompressed in steps", async () => {
  const random = randomSource(43);
  const count = 60_000;
  const noise = randomBytes(random, 300_000);
  const total = noise.length + count * 70;
  const content = new Uint8Array(total);
  const elements = new Uint8Array(count * 24);
  content.set(noise);
  for (let index = 0, at = noise.length; index < count; index++, at += 70) {
    const literals = randomBytes(random, 20);
    // 20 literals, then 50 bytes at distance 20.
    elements.set([19 << 2, ...literals, (49 << 2) | 2, 20, 0], index * 24);
    content.set([...literals, ...literals, ...literals, ...literals.subarray(0, 10)], at);
  }
  const varint = [total & 0x7f | 0x80, total >> 7 & 0x7f | 0x80, total >> 14 & 0x7f | 0x80];
  const header = [...varint, total >> 21];
  const literal = [62 << 2, ...littleEndian(noise.length - 1, 3)];
  const raw = concat(header, literal, noise, elements);
  const { result, pauses } = await unpack("snappy", raw, total);
  assertEquals(result, content);
  assert(pauses >= total / 131_072, `${pauses} pauses`);
  assertEquals(await reasonInSteps("snappy", raw, total - 1), "too-large");
  for (const bad of [raw.subarray(0, -1), concat(raw, [0, 1])]) {
    assertEquals(reasonOf(() => decompress("snappy", bad, total)), "invalid");
    assertEquals(await reasonInSteps("snappy", bad, total), "invalid");
  }
});

const ZSTD_FRAME = [0x28, 0xb5, 0x2f, 0xfd];

test("a zstd checksum over many blocks is computed in steps", async () => {
  const repeated = (last: boolean) => [...littleEndian(131_072 * 8 + 2 + (last ? 1 : 0), 3), 0x61];
  const content = new Uint8Array(MEGABYTES).fill(0x61);
  const blocks = Array.from({ length: 32 }, (_, index) => repeated(index === 31));
  const hash = littleEndian(xxHash64Low(content, 0, content.length));
  // With a checksum and a window of 128 KiB, without the content size.
  const frame = concat(ZSTD_FRAME, [0x04, 7 << 3], ...blocks, hash);
  const { result, pauses } = await unpack("zstd", frame, MEGABYTES);
  assertEquals(result, content);
  assert(pauses >= 32 + MEGABYTES / 65_536, `${pauses} pauses`);
  frame[frame.length - 1]! ^= 1;
  assertEquals(await reasonInSteps("zstd", frame, MEGABYTES), "invalid");
});

test("very many empty blocks are read in steps", async () => {
  const empty = new Uint8Array(300_000); // 100,000 raw blocks of no bytes
  const zstd = concat(ZSTD_FRAME, [0x00, 0x00], empty, [0x01, 0, 0]);
  assert((await unpack("zstd", zstd, 10)).pauses >= 90);
  const skippable = concat(
    ...Array.from({ length: 20_000 }, () => [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]),
  );
  assert((await unpack("lz4", skippable, 10)).pauses >= 70);
  assert((await unpack("zstd", skippable, 10)).pauses >= 15);
  const chunks = concat(
    [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1],
    ...Array.from({ length: 20_000 }, () => [0, 0, 0, 1, 0]),
  );
  assert((await unpack("snappy", chunks, 10)).pauses >= 150);
});

test("xxHash in steps equals xxHash at once", () => {
  const bytes = sampleJson(300_000);
  for (const length of [0, 15, 16, 31, 32, 65_535, 65_536, 65_537, 131_072, 262_149]) {
    for (const start of [0, 3]) {
      const whole = xxHash32(bytes, start, start + length);
      assertEquals(atOnce(xxHash32InSteps(bytes, start, start + length)), whole);
    }
  }
});

const nodeZlib: string = "node:zlib";

test("a checksum written by the host's zstd is verified over several steps", async () => {
  const { zstdCompressSync, constants } = await import(nodeZlib);
  for (const length of [65_536, 131_111, 1_000_003]) {
    const bytes = sampleJson(length);
    const params = { [constants.ZSTD_c_checksumFlag]: 1 };
    const packed = new Uint8Array(zstdCompressSync(bytes, { params }));
    assertEquals((await unpack("zstd", packed, length)).result, bytes);
  }
});
