import { assertEquals } from "@std/assert";
import { IdleLog } from "../../../src/controller/active/idle_log.ts";
import { TestClock } from "../../groups/test_clock.ts";
import { test } from "../../harness.ts";

/** Counts the records that an idle log appends, each of which it gets at the next offset. */
function newIdleLog(maxIdleIntervalMs: number) {
  const clock = new TestClock();
  const state = { hasFollowers: true, appended: 0 };
  const log: IdleLog = new IdleLog({
    clock,
    maxIdleIntervalMs,
    hasFollowers: () => state.hasFollowers,
    append: (records) => {
      state.appended += records.length;
      log.onApplied(100 + state.appended);
    },
  });
  return { clock, state, log };
}

test("an idle log appends one record in each interval, for as long as it has followers", () => {
  const { clock, state, log } = newIdleLog(500);
  log.onApplied(10);
  clock.advance(499);
  assertEquals(state.appended, 0);
  clock.advance(1);
  assertEquals(state.appended, 1);
  clock.advance(1_000);
  assertEquals(state.appended, 3);
  state.hasFollowers = false;
  clock.advance(5_000);
  assertEquals([state.appended, clock.pending], [3, 0]);
  // A follower that comes back finds an old log.
  state.hasFollowers = true;
  log.onApplied(103);
  clock.advance(0);
  assertEquals(state.appended, 4);
  log.stop();
  assertEquals(clock.pending, 0);
});

test("records that others append delay it, reads do not", () => {
  const { clock, state, log } = newIdleLog(500);
  log.onApplied(10);
  clock.advance(400);
  log.onApplied(11);
  clock.advance(400);
  log.onApplied(11);
  assertEquals(state.appended, 0);
  clock.advance(100);
  assertEquals(state.appended, 1);
  log.stop();
});

test("an interval of 0 disables the records", () => {
  const { clock, state, log } = newIdleLog(0);
  log.onApplied(10);
  clock.advance(100_000);
  assertEquals([state.appended, clock.pending], [0, 0]);
});
