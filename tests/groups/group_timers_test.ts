import { assertEquals } from "@std/assert";
import { GroupTimers } from "../../src/groups/group_timers.ts";
import { test } from "../harness.ts";
import { TestClock } from "./test_clock.ts";

function timers(): { clock: TestClock; due: string[]; timers: GroupTimers<string> } {
  const clock = new TestClock();
  const due: string[] = [];
  return {
    clock,
    due,
    timers: new GroupTimers(clock, (name) => due.push(`${name} ${clock.now()}`)),
  };
}

test("GroupTimers reports an expired timer once by name", () => {
  const { clock, due, timers: set } = timers();
  set.set("b", 20);
  set.set("a", 10);
  clock.advance(100);
  assertEquals(due, ["a 1000010", "b 1000020"]);
  assertEquals(set.size, 0);
  assertEquals(clock.pending, 0);
});

test("GroupTimers.set() to a later time keeps the host timer", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  for (let extension = 0; extension < 100; extension++) {
    clock.advance(1);
    set.set("a", 10);
  }
  assertEquals(clock.timersSet < 15, true);
  clock.advance(9);
  assertEquals(due, []);
  clock.advance(1);
  assertEquals(due, ["a 1000110"]);
});

test("GroupTimers.set() to an earlier time takes effect", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 1000);
  set.set("a", 10);
  clock.advance(2000);
  assertEquals(due, ["a 1000010"]);
});

test("GroupTimers.cancel() prevents expiry until the timer is set again", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  set.cancel("a");
  set.cancel("never set");
  assertEquals(clock.pending, 0);
  clock.advance(5);
  set.set("a", 10);
  clock.advance(50);
  assertEquals(due, ["a 1000015"]);
});

test("GroupTimers.clear() cancels all host timers", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  set.set("b", 10);
  set.clear();
  clock.advance(50);
  assertEquals([due, clock.pending, set.size], [[], 0, 0]);
});

test("GroupTimers supports delays beyond the maximum of host timers", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 2 ** 31 + 5);
  clock.advance(2 ** 31 - 1);
  assertEquals(due, []);
  clock.advance(6);
  assertEquals(due, [`a ${1_000_000 + 2 ** 31 + 5}`]);
});

test("GroupTimers.set() can move a timer to an earlier time after the host timer was set again", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  clock.advance(5);
  set.set("a", 20);
  // The host timer fires at 10, when 15 remain.
  clock.advance(7);
  set.set("a", 3);
  clock.advance(100);
  assertEquals(due, ["a 1000015"]);
});
