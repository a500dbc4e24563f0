import { assertEquals } from "@std/assert";
import { decompress } from "../../../../src/protocol/records/compression/codec.ts";
import { xxHash32 } from "../../../../src/protocol/records/compression/xxhash32.ts";
import { xxHash64Low } from "../../../../src/protocol/records/compression/zstd/xxhash64.ts";
import { decompressZstd } from "../../../../src/protocol/records/compression/zstd/decoder.ts";
import { buildFseDecoder } from "../../../../src/protocol/records/compression/zstd/fse.ts";
import {
  LITERAL_LENGTH_CODE,
  MATCH_LENGTH_CODE,
  OFFSET_CODE,
} from "../../../../src/protocol/records/compression/zstd/sequence_codes.ts";
import { seedCount, test } from "../../../harness.ts";
import {
  hostCodecs,
  randomBytes,
  randomSource,
  reasonOf,
  sampleJson,
  utf8,
} from "../record_helpers.ts";

/** Returns bytes of few values with repetitions, which result in literals and sequences. */
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

test("xxHash equals the reference implementation", () => {
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

test("predefined distributions are complete", () => {
  for (const code of [LITERAL_LENGTH_CODE, MATCH_LENGTH_CODE, OFFSET_CODE]) {
    const { accuracyLog, counts } = code.predefined;
    assertEquals(counts.reduce((sum, count) => sum + Math.abs(count), 0), 1 << accuracyLog);
    assertEquals(buildFseDecoder(code.predefined).entries.length, 1 << accuracyLog);
  }
});

test("decompressZstd() reads what the host writes, for many textures, sizes and levels", () => {
  const random = randomSource(24);
  const levels = [1, 3, 6, 12, 19];
  for (let round = 0; round < seedCount(80, 400); round++) {
    const length = random(round % 20 === 0 ? 400_000 : 6000);
    const bytes = round % 3 === 0 ? sampleJson(length) : texture(random, length);
    const packed = hostCodecs.zstd.compress(bytes, levels[round % levels.length]!);
    assertEquals(decompressZstd(packed, length), bytes);
  }
});

test("decompressZstd() reads content of several megabytes", () => {
  const bytes = sampleJson(5_000_000);
  const packed = hostCodecs.zstd.compress(bytes, 3);
  assertEquals(packed.length < 1_500_000, true);
  assertEquals(decompressZstd(packed, bytes.length), bytes);
});

test("decompressZstd() skips skippable frames and reads concatenated frames", () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
  const one = hostCodecs.zstd.compress(utf8("one "), 3);
  const two = hostCodecs.zstd.compress(utf8("two"), 3);
  const stream = Uint8Array.from([...skippable, ...one, ...skippable, ...two]);
  assertEquals(decompressZstd(stream, 7), utf8("one two"));
  assertEquals(decompress("zstd", stream, 7, hostCodecs), utf8("one two"));
  assertEquals(reasonOf(() => decompressZstd(stream, 6)), "too-large");
  assertEquals(decompressZstd(Uint8Array.from(skippable), 0), new Uint8Array(0));
});

test("decompressZstd() reads RLE blocks, window descriptors and checksums", () => {
  const frame = (...rest: number[]) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...rest]);
  // A window of 1 KiB; 5 times "a", then 2 raw bytes in the last block.
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
