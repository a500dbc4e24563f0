import { assertEquals, assertRejects } from "@std/assert";
import { CleaningStopped, Pacer, type PacerOptions } from "../../../src/log/compaction/pacer.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";

/** A clock controlled by the test. Timers fire at once and record their delay. */
class HandClock implements Clock {
  nowMs = 1_000;
  readonly waits: number[] = [];
  turns = 0;

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    this.waits.push(delayMs);
    this.nowMs += delayMs;
    let isCancelled = false;
    queueMicrotask(() => isCancelled || callback());
    return { cancel: () => void (isCancelled = true) };
  }

  yieldToLoop(): Promise<void> {
    this.turns++;
    return Promise.resolve();
  }
}

function pacerOf(options: Partial<PacerOptions> = {}): { clock: HandClock; pacer: Pacer } {
  const clock = new HandClock();
  const pacer = new Pacer({
    clock,
    maxBytesPerSecond: () => Infinity,
    sliceMs: 2,
    sliceBytes: 1_000,
    pauseMs: 5,
    ...options,
  });
  return { clock, pacer };
}

test("a slice ends after its time, not counting time spent waiting for the disk", async () => {
  const { clock, pacer } = pacerOf();
  assertEquals(pacer.spend(0), true, "a new pacer pauses before the first slice");
  await pacer.rest();
  assertEquals(clock.waits, [5]);
  clock.nowMs += 1;
  assertEquals(pacer.spend(10), false);
  clock.nowMs += 100;
  pacer.resume();
  clock.nowMs += 0.5;
  assertEquals(pacer.spend(10), false);
  clock.nowMs += 0.5;
  assertEquals(pacer.spend(10), true);
});

test("a slice ends after its bytes when time does not advance", async () => {
  const { pacer } = pacerOf();
  await pacer.rest();
  assertEquals([pacer.spend(999), pacer.spend(0), pacer.spend(1)], [false, false, true]);
  await pacer.rest();
  assertEquals(pacer.spend(999), false);
});

test("Pacer.pause() pauses only when a pause is due", async () => {
  const { clock, pacer } = pacerOf();
  await pacer.rest();
  await pacer.pause();
  assertEquals(clock.turns, 1);
  clock.nowMs += 3;
  await pacer.pause();
  assertEquals([clock.turns, clock.waits], [2, [5, 5]]);
});

test("bytes beyond the limit per second make the pacer wait", async () => {
  const { clock, pacer } = pacerOf({ maxBytesPerSecond: () => 1_000, pauseMs: 0 });
  await pacer.rest();
  pacer.spend(250);
  await pacer.rest();
  // A short burst passes without a wait, and is accounted for later.
  assertEquals(clock.waits, []);
  pacer.spend(1_250);
  await pacer.rest();
  assertEquals(clock.waits.reduce((sum, ms) => sum + ms, 0) >= 1_200, true);
});

test("a stopped pacer rejects at its next pause", async () => {
  const { clock, pacer } = pacerOf();
  await pacer.rest();
  pacer.stop();
  await pacer.pause();
  clock.nowMs += 3;
  await assertRejects(() => pacer.pause(), CleaningStopped);
});
