import { assert, assertEquals, assertRejects } from "@std/assert";
import { returnArena, takeArena } from "../../src/log/segments/scratch.ts";
import {
  NODE_SLICE_STEPS,
  pauseAtStart,
  pauseBetweenSlices,
  SlicedWork,
} from "../../src/log/sliced_work.ts";
import type { Pause } from "../../src/protocol/records/compression/steps.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { type ManualClock, manualClock } from "../broker/manual_clock.ts";
import { test } from "../harness.ts";

/** Advances time until `work` has ended, and returns the number of pauses. */
async function finish(clock: ManualClock, work: Promise<unknown>): Promise<number> {
  let hasEnded = false;
  const ended = work.then(() => hasEnded = true, () => hasEnded = true);
  let rests = 0;
  while (!hasEnded) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (clock.pending() === 0) continue;
    rests++;
    clock.advance(1);
  }
  await ended;
  return rests;
}

test("SlicedWork pauses after every 2 MiB of steps of 64 KiB", async () => {
  const clock = manualClock();
  const work = new SlicedWork(clock).run(async (pause) => {
    for (let step = 0; step < 1_024; step++) await pause();
  });
  const rests = await finish(clock, work);
  // 64 MiB, and a first pause before the work starts.
  assert(rests >= 32 && rests <= 34, `${rests} rests`);
});

test("SlicedWork runs one task at a time, in order of arrival", async () => {
  const clock = manualClock();
  const slicedWork = new SlicedWork(clock);
  const events: string[] = [];
  const start = (name: string) =>
    slicedWork.run(async (pause) => {
      events.push(`${name} begins`);
      for (let step = 0; step < 100; step++) await pause();
      events.push(`${name} ends`);
      if (name === "b") throw new Error("b failed");
      return name;
    });
  const all = Promise.allSettled(["a", "b", "c"].map(start));
  assertEquals(slicedWork.size, 3);
  await finish(clock, all);
  assertEquals(events, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assertEquals((await all).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assertEquals(slicedWork.size, 0);
});

test("stop() ends the running task at its next pause and rejects waiting ones", async () => {
  const clock = manualClock();
  const slicedWork = new SlicedWork(clock);
  let hasBegun = false;
  const first = slicedWork.run(async (pause) => {
    for (;;) await pause();
  });
  const second = slicedWork.run(() => Promise.resolve(void (hasBegun = true)));
  const outcomes = Promise.allSettled([first, second]);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await slicedWork.stop();
  for (const outcome of await outcomes) {
    const { reason } = outcome as PromiseRejectedResult;
    assertEquals((reason as KafkaError).code, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
  assertEquals(hasBegun, false);
  assertEquals(clock.pending(), 0);
  await assertRejects(() => slicedWork.run(() => Promise.resolve()), KafkaError, "shutting down");
});

test("takeArena() reuses returned memory, for one caller at a time", () => {
  const first = takeArena(1_000);
  const second = takeArena(1_000);
  assert(first !== second);
  returnArena(first);
  assert(takeArena(300_000) === first);
  assert(first.memory.length >= 300_000);
  returnArena(first);
  returnArena(second);
  const large = takeArena(20_000_000);
  returnArena(large);
  assert(takeArena(1_000) !== large, "large memory is given back to the host");
});

test("pauseAtStart() takes a turn of the event loop after each slice, and a whole rest after eight", async () => {
  const clock = manualClock();
  let turns = 0;
  const counted = { ...clock, yieldToLoop: () => Promise.resolve(void turns++) };
  const slices = 24;
  const work = async (pause: Pause) => {
    for (let step = 0; step < slices * NODE_SLICE_STEPS; step++) await pause();
  };
  assertEquals(await finish(clock, work(pauseAtStart(counted))), slices / 8);
  // A whole rest has a turn of its own.
  assertEquals(turns, slices + slices / 8);
  turns = 0;
  assertEquals(await finish(clock, work(pauseBetweenSlices(counted))), slices);
  assertEquals(turns, slices);
});
