import { assertEquals } from "@std/assert";
import { decompress } from "../../../../src/protocol/records/compression/codec.ts";
import { xxHash32 } from "../../../../src/protocol/records/compression/xxhash32.ts";
import { xxHash64Low } from "../../../../src/protocol/records/compression/xxhash64.ts";
import { decompressZstd } from "../../../../src/protocol/records/compression/zstd_decoder.ts";
import { compressZstd } from "../../../../src/protocol/records/compression/zstd_encoder.ts";
import {
  buildFseDecoder,
  normalizeFrequencies,
  readFseDistribution,
  writeFseDistribution,
} from "../../../../src/protocol/records/compression/zstd_fse.ts";
import { huffmanCodeLengths } from "../../../../src/protocol/records/compression/zstd_huffman_encoder.ts";
import {
  LITERAL_LENGTH_CODE,
  MATCH_LENGTH_CODE,
  OFFSET_CODE,
} from "../../../../src/protocol/records/compression/zstd_sequence_codes.ts";
import { seedCount, test } from "../../../harness.ts";
import {
  hostCodecs,
  randomBytes,
  randomSource,
  reasonOf,
  sampleJson,
  utf8,
} from "../record_helpers.ts";

/** Bytes of few values with echoes, so that literals and sequences are both at work. */
function texture(random: (bound: number) => number, length: number): Uint8Array {
  const values = 2 + random(200);
  const bytes = randomBytes(random, length).map((byte) =>
    random(3) === 0 ? byte % values : byte % 5
  );
  for (let echo = random(60); echo > 0 && length > 0; echo--) {
    const from = random(length);
    bytes.copyWithin(random(length), from, from + random(1500));
  }
  return bytes;
}

test("xxHash gives the reference's values", () => {
  const inputs = ["", "a", "abc", "Nobody inspects the spammish repetition"].map(utf8);
  inputs.push(Uint8Array.from({ length: 200 }, (_, index) => index));
  assertEquals(
    inputs.map((bytes) => xxHash32(bytes, 0, bytes.length)),
    [0x02cc5d05, 0x550d7456, 0x32d153ff, 0xe2293b2f, 0xc0a2f79c],
  );
  assertEquals(
    inputs.map((bytes) => xxHash64Low(bytes, 0, bytes.length)),
    [0x51d8e999, 0xa98c6e5b, 0xad770999, 0x8a378bf1, 0xb99e879c],
  );
});

test("predefined distributions fill their tables", () => {
  for (const code of [LITERAL_LENGTH_CODE, MATCH_LENGTH_CODE, OFFSET_CODE]) {
    const { accuracyLog, counts } = code.predefined;
    assertEquals(counts.reduce((sum, count) => sum + Math.abs(count), 0), 1 << accuracyLog);
    assertEquals(buildFseDecoder(code.predefined).entries.length, 1 << accuracyLog);
  }
});

test("FSE table descriptions read back as they were written", () => {
  const random = randomSource(21);
  for (let round = 0; round < 300; round++) {
    const frequencies = Array.from(
      { length: 2 + random(50) },
      () => random(3) === 0 ? 0 : random(1 + 10 ** random(5)),
    );
    frequencies[0]! += 1;
    frequencies[frequencies.length - 1]! += 1;
    const accuracyLog = 6 + random(4);
    const distribution = normalizeFrequencies(frequencies, accuracyLog);
    const target = new Uint8Array(200);
    const end = writeFseDistribution(distribution, target, 3);
    const read = readFseDistribution(target, 3, end, accuracyLog, 60);
    assertEquals(read, { distribution, end });
    assertEquals(reasonOf(() => readFseDistribution(target, 3, end, 5, 60)), "invalid");
    assertEquals(reasonOf(() => readFseDistribution(target, 3, end - 1, 9, 60)), "invalid");
  }
});

test("Huffman code lengths fill the code space within 11 bits, however lopsided the frequencies", () => {
  const random = randomSource(22);
  const check = (frequencies: Int32Array) => {
    const lengths = huffmanCodeLengths(frequencies);
    let space = 0;
    for (const [symbol, length] of lengths.entries()) {
      assertEquals(length > 0, frequencies[symbol]! > 0);
      assertEquals(length <= 11, true);
      if (length > 0) space += 2 ** (11 - length);
    }
    assertEquals(space, 2048);
  };
  const fibonacci = new Int32Array(256);
  for (let symbol = 0, a = 1, b = 1; symbol < 40; symbol++, [a, b] = [b, a + b]) {
    fibonacci[symbol] = a;
  }
  check(fibonacci);
  check(new Int32Array(256).fill(1));
  for (let round = 0; round < 200; round++) {
    const frequencies = new Int32Array(256);
    const symbols = 2 + random(255);
    for (let index = 0; index < symbols; index++) frequencies[random(256)]! += 2 ** random(25);
    frequencies[0]! += 1;
    frequencies[255]! += 1;
    check(frequencies);
  }
});

test("our zstd reads what it writes, over many textures and sizes", () => {
  const random = randomSource(23);
  for (let round = 0; round < seedCount(60, 250); round++) {
    const bytes = texture(random, random(round % 25 === 0 ? 400_000 : 6000));
    assertEquals(decompressZstd(compressZstd(bytes), bytes.length), bytes);
  }
});

test("our zstd reads what this host's writes at every kind of level, and the host reads ours", () => {
  const host = hostCodecs.zstd;
  if (host === undefined) return; // Node 20 has none. The fixtures of real clients serve there.
  const random = randomSource(24);
  for (let round = 0; round < seedCount(24, 120); round++) {
    const length = random(round % 20 === 0 ? 400_000 : 6000);
    const bytes = round % 3 === 0 ? sampleJson(length) : texture(random, length);
    const level = [1, 3, 6, 19][round % 4]!;
    assertEquals(decompressZstd(host.compress(bytes, level), length), bytes);
    assertEquals(new Uint8Array(host.decompress(compressZstd(bytes), length + 1)), bytes);
  }
});

test("contents beyond the window of 4 MiB are written and read", () => {
  const bytes = sampleJson(5_000_000);
  const packed = compressZstd(bytes);
  assertEquals(packed.length < 1_500_000, true);
  assertEquals(decompressZstd(packed, bytes.length), bytes);
});

test("skippable frames are skipped, frames follow each other", () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
  const one = compressZstd(utf8("one "));
  const two = compressZstd(utf8("two"));
  const stream = Uint8Array.from([...skippable, ...one, ...skippable, ...two]);
  assertEquals(decompressZstd(stream, 7), utf8("one two"));
  assertEquals(decompress("zstd", stream, 7, hostCodecs), utf8("one two"));
  assertEquals(reasonOf(() => decompressZstd(stream, 6)), "too-large");
  assertEquals(decompressZstd(Uint8Array.from(skippable), 0), new Uint8Array(0));
});

test("frames that no encoder here writes: RLE blocks, window descriptors, checksums", () => {
  const frame = (...rest: number[]) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...rest]);
  // A window of 1 KiB; 5 times "a", then 2 raw bytes, the last block.
  const body = [0x02 | (5 << 3), 0, 0, 0x61, 0x01 | (2 << 3), 0, 0, 0x62, 0x63];
  assertEquals(decompressZstd(frame(0x00, 0x00, ...body), 10), utf8("aaaaabc"));
  const hash = xxHash64Low(utf8("aaaaabc"), 0, 7);
  const checksum = [hash, hash >>> 8, hash >>> 16, hash >>> 24];
  assertEquals(decompressZstd(frame(0x04, 0x00, ...body, ...checksum), 10), utf8("aaaaabc"));
  checksum[0]! ^= 1;
  for (
    const bad of [
      frame(0x04, 0x00, ...body, ...checksum),
      frame(0x04, 0x00, ...body),
      frame(0x08, 0x00, ...body), // a reserved bit
      frame(0x01, 0x00, 0x07, ...body), // a dictionary
      frame(0x20, 0x06, ...body), // one byte less announced
      frame(0x20, 0x08, ...body), // one byte more announced
      frame(0x00, 0x00, 0x07 | (5 << 3), 0, 0, 0x61), // the reserved block type
      frame(0x00, 0x00, 0x03, 0xff, 0xff, 0x61), // an RLE block beyond the window
      frame(0x00, 0x00, 0x05 | (1 << 3), 0, 0, 0x00), // a compressed block without sequences
    ]
  ) {
    assertEquals(reasonOf(() => decompressZstd(bad, 3_000_000)), "invalid");
  }
});
