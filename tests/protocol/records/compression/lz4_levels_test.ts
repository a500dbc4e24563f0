import { assert, assertEquals } from "@std/assert";
import { compressLz4, decompressLz4 } from "../../../../src/protocol/records/compression/lz4.ts";
import { test } from "../../../harness.ts";
import { randomBytes, randomSource, sampleJson } from "../record_helpers.ts";

const LEVELS = [1, 2, 3, 5, 9, 12, 17];

function roundTrip(bytes: Uint8Array, level: number): number {
  const packed = compressLz4(bytes, level);
  assertEquals(decompressLz4(packed, bytes.length), bytes);
  return packed.length;
}

test("lz4 round-trips at every level, length and texture", () => {
  const random = randomSource(5);
  const json = sampleJson(200_000);
  const zeros = new Uint8Array(70_000);
  const few = randomBytes(random, 70_000).map((byte) => byte & 1);
  const noise = randomBytes(random, 70_000);
  for (const level of LEVELS) {
    for (const bytes of [json, zeros, few, noise]) {
      for (let length = 0; length < 40; length++) roundTrip(bytes.subarray(0, length), level);
      for (const length of [65_535, 65_536, 65_537, bytes.length]) {
        roundTrip(bytes.subarray(0, length), level);
      }
    }
  }
});

test("lz4 of random pieces of repeating text round-trips at every level", () => {
  const random = randomSource(77);
  for (let i = 0; i < 200; i++) {
    const words = Array.from({ length: 1 + random(20) }, () => randomBytes(random, 1 + random(12)));
    const bytes = Uint8Array.from(
      Array.from({ length: random(300) }, () => [...words[random(words.length)]!]).flat(),
    );
    roundTrip(bytes, LEVELS[random(LEVELS.length)]!);
  }
});

test("a higher lz4 level gives a smaller result", () => {
  const json = sampleJson(200_000);
  const sizes = [1, 3, 9, 17].map((level) => roundTrip(json, level));
  for (let i = 1; i < sizes.length; i++) assert(sizes[i]! < sizes[i - 1]!, sizes.join(" "));
  assertEquals(compressLz4(json, 2), compressLz4(json));
});
