import { assertEquals } from "@std/assert";
import { nearestName } from "../src/nearest_name.ts";
import { test } from "./harness.ts";

const NAMES = ["log.retention.ms", "log.retention.bytes", "num.partitions", "message.max.bytes"];

test("nearestName() finds the name for a typing error", () => {
  assertEquals(nearestName("log.retentoin.ms", NAMES), "log.retention.ms");
  assertEquals(nearestName("num.partition", NAMES), "num.partitions");
  assertEquals(nearestName("num_partitions", NAMES), "num.partitions");
  assertEquals(nearestName("MESSAGE.MAX.BYTES", NAMES), "message.max.bytes");
});

test("nearestName() finds the name for a suffix", () => {
  assertEquals(nearestName("retention.bytes", NAMES), "log.retention.bytes");
});

test("nearestName() compares names letter by letter only if their lengths are close", () => {
  // Letter by letter, this would take minutes.
  assertEquals(nearestName("x".repeat(20_000_000), NAMES), null);
  assertEquals(nearestName("log.retention.m", NAMES, 1), "log.retention.ms");
  assertEquals(nearestName("log.retention.", NAMES, 1), null);
});

test("nearestName() returns null for unrelated names", () => {
  assertEquals(nearestName("foo.bar", NAMES), null);
  assertEquals(nearestName("", NAMES), null);
  assertEquals(nearestName("x".repeat(200), []), null);
});
