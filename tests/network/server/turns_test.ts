import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { answerInTurns, runInTurns, serveOthers } from "../../../src/network/server/turns.ts";
import { REQUESTS_TURN_MS } from "../../../src/limits.ts";
import { test } from "../../harness.ts";
import { manualClock } from "../../broker/manual_clock.ts";
import { steppingClock } from "./stepping_clock.ts";

test("answerInTurns() answers immediately while that takes no time", () => {
  const clock = steppingClock(0);
  assertEquals(answerInTurns([1, 2, 3], (item) => item * 2, clock), [2, 4, 6]);
  assertEquals(answerInTurns([], () => 0, clock), []);
  assertEquals(clock.turns, 0);
});

test("answerInTurns() serves others between answers that take long together", async () => {
  const clock = steppingClock(REQUESTS_TURN_MS);
  const items = Array.from({ length: 9 }, (_, i) => i);
  const answers = answerInTurns(items, (item) => item, clock);
  assertEquals(answers instanceof Promise, true);
  assertEquals(await answers, items);
  assertEquals(clock.turns >= 4, true);
});

test("answerInTurns() starts each answer after the one before it is complete", async () => {
  const clock = steppingClock(0);
  const begun: number[] = [];
  let finish = () => {};
  const answers = answerInTurns([1, 2, 3], (item) => {
    begun.push(item);
    if (item !== 2) return item;
    return new Promise<number>((resolve) => finish = () => resolve(item));
  }, clock);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(begun, [1, 2]);
  finish();
  assertEquals(await answers, [1, 2, 3]);
});

test("answerInTurns() rejects with the error of an answer", async () => {
  const clock = steppingClock(0);
  const fail = (): number => {
    throw new Error("no");
  };
  assertThrows(() => answerInTurns([1], fail, clock), Error, "no");
  const later = (item: number) => item === 1 ? Promise.resolve(1) : fail();
  await assertRejects(async () => await answerInTurns([1, 2], later, clock), Error, "no");
});

test("runInTurns() serves others between steps that take long together", async () => {
  function* steps(count: number) {
    for (let step = 0; step < count; step++) yield;
    return count;
  }
  const fast = steppingClock(0);
  assertEquals(await runInTurns(steps(9), fast), 9);
  assertEquals(fast.turns, 0);
  const slow = steppingClock(REQUESTS_TURN_MS + 1);
  assertEquals(await runInTurns(steps(9), slow), 9);
  assertEquals(slow.turns, 9);
});

test("serveOthers() waits for a turn of the event loop and a timer of 1 ms", async () => {
  const clock = manualClock();
  let turns = 0;
  let isOver = false;
  const served = serveOthers({
    ...clock,
    yieldToLoop: () => {
      turns++;
      return Promise.resolve();
    },
  }).then(() => isOver = true);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  assertEquals([turns, clock.pending(), isOver], [1, 1, false]);
  clock.advance(1);
  await served;
  assertEquals(clock.pending(), 0);
});
