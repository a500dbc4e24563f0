import { assertEquals } from "@std/assert";
import { KeyDigest } from "../../../src/log/compaction/key_digest.ts";
import { OffsetMap } from "../../../src/log/compaction/offset_map.ts";
import { test } from "../../harness.ts";

function mapOf(maxBytes: number, loadFactor = 0.9): OffsetMap {
  return new OffsetMap(new KeyDigest(new Uint8Array(16).fill(7)), { maxBytes, loadFactor });
}

const encoder = new TextEncoder();

function put(map: OffsetMap, key: string, offset: number): boolean {
  const bytes = encoder.encode(key);
  return map.put(bytes, 0, bytes.length, offset);
}

function get(map: OffsetMap, key: string): number {
  const bytes = encoder.encode(key);
  return map.get(bytes, 0, bytes.length);
}

test("OffsetMap returns the last offset of each key", () => {
  const map = mapOf(1_048_576);
  for (let i = 0; i < 5_000; i++) put(map, `key-${i % 1_000}`, i);
  assertEquals(map.size, 1_000);
  for (let key = 0; key < 1_000; key++) assertEquals(get(map, `key-${key}`), 4_000 + key);
  assertEquals(get(map, "another"), -1);
});

test("OffsetMap supports offsets beyond 32 bits", () => {
  const map = mapOf(65_536);
  for (const [i, offset] of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1].entries()) {
    put(map, `key-${i}`, offset);
    assertEquals(get(map, `key-${i}`), offset);
  }
});

test("OffsetMap supports an empty key", () => {
  const map = mapOf(65_536);
  assertEquals(get(map, ""), -1);
  put(map, "", 3);
  assertEquals(get(map, ""), 3);
});

test("OffsetMap grows as needed up to its limit", () => {
  const maxBytes = 1_000_000;
  const map = mapOf(maxBytes);
  assertEquals(map.byteLength, 0);
  for (let i = 0; i < 100; i++) put(map, `key-${i}`, i);
  assertEquals(map.byteLength < 20_000, true);
  let count = 100;
  while (put(map, `key-${count}`, count)) count++;
  assertEquals(map.size, count);
  assertEquals(map.byteLength <= maxBytes, true);
  // Nearly all that the load factor allows is used, although some tables are full before others.
  assertEquals(count > maxBytes / 24 * 0.9 * 0.93, true, `${count} keys`);
  assertEquals(get(map, `key-${count}`), -1);
});

test("a full OffsetMap still updates known keys", () => {
  const map = mapOf(240);
  let count = 0;
  while (put(map, `key-${count}`, count)) count++;
  assertEquals(count, 9);
  assertEquals(put(map, "key-3", 77), true);
  assertEquals(get(map, "key-3"), 77);
  assertEquals(put(map, `key-${count}`, 78), false);
});

test("OffsetMap has room for at least one key", () => {
  const map = mapOf(0);
  assertEquals(put(map, "one", 1), true);
  assertEquals(get(map, "one"), 1);
});
