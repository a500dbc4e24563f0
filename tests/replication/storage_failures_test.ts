import { assertEquals, assertStringIncludes } from "@std/assert";
import { StorageFailures } from "../../src/replication/storage_failures.ts";
import { storageError } from "../../src/log/storage_error.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { fileErrorOfCode } from "../../src/runtime/errors.ts";
import { test } from "../harness.ts";
import { manualClock } from "../broker/manual_clock.ts";

function failureOf(partition: number, code: string): KafkaError {
  const path = `/data/events-${partition}/0.log`;
  return storageError(`Cannot append to events-${partition}`, fileErrorOfCode("open", path, code));
}

test("report() logs a shortage of descriptors once a minute for all partitions together", () => {
  const clock = manualClock();
  const lines: string[] = [];
  const failures = new StorageFailures<object>(clock, (line) => void lines.push(line));
  const keys = Array.from({ length: 1_000 }, () => ({}));
  for (let second = 0; second < 120; second++) {
    keys.forEach((key, i) => failures.report(key, failureOf(i, "EMFILE")));
    clock.advance(1_000);
  }
  assertEquals(lines.length, 2);
  assertStringIncludes(lines[0]!, "ulimit -n");
});

test("report() logs each partition every ten seconds, and 20 lines a minute in all", () => {
  const clock = manualClock();
  const lines: string[] = [];
  const failures = new StorageFailures<object>(clock, (line) => void lines.push(line));
  const key = {};
  for (let second = 0; second < 30; second++) {
    failures.report(key, failureOf(0, "EIO"));
    clock.advance(1_000);
  }
  assertEquals(lines.length, 3);
  for (let i = 1; i <= 100; i++) failures.report({}, failureOf(i, "EIO"));
  assertEquals(lines.length, 20);
  clock.advance(60_000);
  failures.report(key, failureOf(0, "EIO"));
  assertEquals(lines.length, 22);
  assertStringIncludes(lines[20]!, "83 more times");
  failures.report({}, new KafkaError(ErrorCode.CORRUPT_MESSAGE, "Cannot append to events-0"));
  assertEquals(lines.length, 22);
});
