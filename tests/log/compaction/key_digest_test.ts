import { assertEquals, assertNotEquals } from "@std/assert";
import { KeyDigest } from "../../../src/log/compaction/key_digest.ts";
import { test } from "../../harness.ts";

/** The key of the published test vectors. The message of length n is 0, 1, 2, ..., n - 1. */
const KEY = [0x833D3433, 0x009F389F, 0x2398E64F, 0x417ACF39];

const EIGHT_ROUNDS: readonly (readonly [length: number, words: readonly number[]])[] = [
  [0, [0x792E8FE5, 0x75CE87AA, 0x2D1450B5, 0x1191970B]],
  [1, [0x13A9307B, 0x50E62C89, 0x4577BD88, 0xC0BBDC18]],
  [4, [0x30B2D171, 0xE38532FB, 0x16707C16, 0x73ED45F0]],
  [15, [0x51B94DA4, 0xEFCC4DE8, 0x192412EA, 0xBBC170DD]],
  [16, [0x79271CA9, 0xD66A1C71, 0x81CA474E, 0x49831CAD]],
];

const TWELVE_ROUNDS: readonly (readonly [length: number, words: readonly number[]])[] = [
  [48, [0xF36E748B, 0x8F34677F, 0x1E00BA1B, 0xDD7DA46D]],
  [49, [0xF9F4055F, 0xAF76AC88, 0x45DA034C, 0xF1C04C8A]],
  [60, [0xA8F07A68, 0x366FC33B, 0xAF00EEFB, 0x1A48A9DF]],
  [63, [0x2DD072E1, 0x42B89EFE, 0xFB26B615, 0x049AA451]],
];

function secret(): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of KEY.entries()) view.setUint32(i * 4, word, true);
  return bytes;
}

function digest(bytes: Uint8Array, rounds?: number): number[] {
  const digest = new KeyDigest(secret(), rounds);
  digest.update(bytes, 0, bytes.length);
  return [digest.a, digest.b, digest.c, digest.d].map((word) => word >>> 0);
}

function message(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

test("KeyDigest matches the published test vectors of Chaskey", () => {
  for (const [length, words] of EIGHT_ROUNDS) assertEquals(digest(message(length), 8), words);
  for (const [length, words] of TWELVE_ROUNDS) assertEquals(digest(message(length)), words);
});

test("KeyDigest reads only the given range", () => {
  const bytes = message(64);
  const instance = new KeyDigest(secret());
  instance.update(bytes, 3, 24);
  const within = [instance.a, instance.b, instance.c, instance.d].map((word) => word >>> 0);
  assertEquals(within, digest(bytes.slice(3, 24)));
});

test("KeyDigest returns different digests with different secrets", () => {
  const bytes = message(20);
  const other = new KeyDigest(new Uint8Array(16).fill(1));
  other.update(bytes, 0, bytes.length);
  assertNotEquals(other.a >>> 0, digest(bytes)[0]);
});
