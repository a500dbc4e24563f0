import { assertEquals } from "@std/assert";
import { type Cleanable, findCleanable } from "../../../src/log/compaction/cleanable.ts";
import { test } from "../../harness.ts";
import { TestLog } from "./fixture.ts";

/** Creates three closed segments of two records each, and an active one. */
function logOfThree(): TestLog {
  const log = new TestLog();
  for (let i = 0; i < 3; i++) {
    log.write([["a", String(i)], ["b", String(i)]]);
    log.roll();
  }
  log.write([["c", "1"]]);
  return log;
}

function find(log: TestLog, cleanedOffset: number, logStartOffset = 0): Cleanable | null {
  return findCleanable({
    segments: log.segments.all,
    config: log.config,
    logStartOffset,
    logEndOffset: log.nextOffset,
    cleanedOffset,
    lastStableOffset: log.nextOffset,
    nowMs: log.machine.nowMs,
  });
}

test("findCleanable() starts where the last compaction ended", () => {
  const log = logOfThree();
  const found = find(log, 4);
  assertEquals([found?.firstDirtyOffset, found?.endOffset], [4, 6]);
  assertEquals(find(log, 6), null);
});

test("findCleanable() starts at the log start offset for a checkpoint outside of the log", () => {
  const log = logOfThree();
  // The log lost its end and has grown since: the checkpoint does not apply to the records there
  // now.
  const beyond = find(log, log.nextOffset + 1);
  assertEquals([beyond?.firstDirtyOffset, beyond?.endOffset], [0, 6]);
  assertEquals(beyond?.dirtyRatio, 1);
  const before = find(log, 1, 2);
  assertEquals([before?.firstDirtyOffset, before?.endOffset], [2, 6]);
});
