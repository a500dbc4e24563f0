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

test("GroupTimers: a timer is due once, by its name", () => {
  const { clock, due, timers: set } = timers();
  set.set("b", 20);
  set.set("a", 10);
  clock.advance(100);
  assertEquals(due, ["a 1000010", "b 1000020"]);
  assertEquals(set.size, 0);
  assertEquals(clock.pending, 0);
});

test("GroupTimers: moving a timer to a later time leaves the host's timer alone", () => {
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

test("GroupTimers: moving a timer to an earlier time makes it due then", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 1000);
  set.set("a", 10);
  clock.advance(2000);
  assertEquals(due, ["a 1000010"]);
});

test("GroupTimers: a cancelled timer is never due, and one set again is", () => {
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

test("GroupTimers: clear() leaves nothing on the host", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  set.set("b", 10);
  set.clear();
  clock.advance(50);
  assertEquals([due, clock.pending, set.size], [[], 0, 0]);
});

test("GroupTimers: a delay longer than the host's timers can wait is waited out", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 2 ** 31 + 5);
  clock.advance(2 ** 31 - 1);
  assertEquals(due, []);
  clock.advance(6);
  assertEquals(due, [`a ${1_000_000 + 2 ** 31 + 5}`]);
});

test("GroupTimers: a timer that fired early for a later time can be moved to an earlier one again", () => {
  const { clock, due, timers: set } = timers();
  set.set("a", 10);
  clock.advance(5);
  set.set("a", 20);
  // The host's timer fires at 10, when 15 are left.
  clock.advance(7);
  set.set("a", 3);
  clock.advance(100);
  assertEquals(due, ["a 1000015"]);
});
