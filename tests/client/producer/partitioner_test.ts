import { assert, assertEquals } from "@std/assert";
import {
  murmur2,
  partitionForKey,
  StickyPartitioner,
} from "../../../src/client/producer/partitioner.ts";
import { test } from "../../harness.ts";

const utf8 = new TextEncoder();

// Results of org.apache.kafka.common.utils.Utils.murmur2 of kafka-clients 4.3.
const HASHES: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
  ["", 275646681],
  ["größe", 588164084],
];

test("murmur2() returns the same hashes as the Java client", () => {
  for (const [key, hash] of HASHES) assertEquals(murmur2(utf8.encode(key)), hash, key);
});

test("partitionForKey() clears the sign before the modulo", () => {
  for (const [key, hash] of HASHES) {
    assertEquals(partitionForKey(utf8.encode(key), 7), (hash & 0x7fffffff) % 7);
  }
  assertEquals(partitionForKey(utf8.encode("anything"), 1), 0);
});

test("StickyPartitioner changes the partition after about a batch of bytes", () => {
  let draws = 0;
  const random = { fill: (bytes: Uint8Array) => bytes, below: (bound: number) => draws++ % bound };
  const sticky = new StickyPartitioner(random, 1_000);
  const first = Array.from({ length: 10 }, () => sticky.next(4, 100));
  assertEquals(new Set(first).size, 1);
  const second = Array.from({ length: 10 }, () => sticky.next(4, 100));
  assertEquals(new Set(second).size, 1);
  assert(second[0] !== first[0]);
});

test("StickyPartitioner always selects the only partition", () => {
  const random = { fill: (bytes: Uint8Array) => bytes, below: () => 0 };
  const sticky = new StickyPartitioner(random, 1);
  assertEquals([sticky.next(1, 5), sticky.next(1, 5), sticky.next(1, 5)], [0, 0, 0]);
});
