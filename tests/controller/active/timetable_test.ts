import { assertEquals } from "@std/assert";
import { Timetable } from "../../../src/controller/active/timetable.ts";
import { TestClock } from "../../groups/test_clock.ts";
import { test } from "../../harness.ts";

test("a timetable calls when something is due, and moves with what is due", () => {
  const clock = new TestClock();
  const calls: number[] = [];
  const start = clock.monotonicMs();
  const timetable = new Timetable(clock, (lateMs) => {
    calls.push(clock.monotonicMs() - start, lateMs);
  });
  timetable.wakeAt(start + 100);
  timetable.wakeAt(start + 100);
  assertEquals(clock.timersSet, 1, "the same time sets no other timer");
  timetable.wakeAt(start + 50.5);
  clock.advance(50);
  assertEquals(calls, []);
  clock.advance(1);
  assertEquals(calls.splice(0), [51, 0]);
  clock.advance(1_000);
  assertEquals(calls, []);
  timetable.wakeAt(start + 2_000);
  timetable.wakeAt(Infinity);
  assertEquals(clock.pending, 0);
});

test("a time in the past means at once, and is not late", () => {
  const clock = new TestClock();
  const late: number[] = [];
  const timetable = new Timetable(clock, (lateMs) => late.push(lateMs));
  timetable.wakeAt(clock.monotonicMs() - 100_000);
  clock.advance(0);
  assertEquals(late, [0]);
});

test("a timer that the host ran late is reported with its delay", () => {
  const clock = new TestClock();
  const late: number[] = [];
  const timetable = new Timetable(clock, (lateMs) => late.push(lateMs));
  const start = clock.monotonicMs();
  let heldUpMs = 0;
  clock.monotonicMs = () => clock.now() + heldUpMs;
  for (const delayMs of [100, 101, 5_000]) {
    heldUpMs = 0;
    timetable.wakeAt(clock.monotonicMs() + 10);
    heldUpMs = delayMs;
    clock.advance(10);
  }
  assertEquals(late, [0, 101, 5_000]);
  assertEquals(clock.now() - start, 30);
});

test("another time that is set while the timer is late does not hide its delay", () => {
  const clock = new TestClock();
  const late: number[] = [];
  const timetable = new Timetable(clock, (lateMs) => late.push(lateMs));
  let heldUpMs = 0;
  clock.monotonicMs = () => clock.now() + heldUpMs;
  timetable.wakeAt(clock.monotonicMs() + 10);
  heldUpMs = 5_000;
  timetable.wakeAt(clock.monotonicMs() - 100);
  timetable.wakeAt(Infinity);
  clock.advance(10);
  assertEquals(late, [5_000]);
  assertEquals(clock.pending, 0);
});

test("a time that is too far away for a timer of the host comes early", () => {
  const clock = new TestClock();
  let calls = 0;
  const timetable = new Timetable(clock, () => calls++);
  timetable.wakeAt(clock.monotonicMs() + 2 ** 40);
  clock.advance(2 ** 31);
  assertEquals(calls, 1);
});

test("after stop() there is no call", () => {
  const clock = new TestClock();
  const timetable = new Timetable(clock, () => {
    throw new Error("called");
  });
  timetable.wakeAt(clock.monotonicMs() + 1);
  timetable.stop();
  timetable.wakeAt(clock.monotonicMs() + 2);
  assertEquals(clock.pending, 0);
});
