import type { Clock } from "../../../src/runtime/runtime.ts";

/** A clock that advances by `stepMs` at each reading, and which counts turns of the event loop. */
export function steppingClock(stepMs: number): Clock & { turns: number } {
  let now = 0;
  return {
    turns: 0,
    now: () => now,
    monotonicMs: () => now += stepMs,
    setTimer(_delayMs, callback) {
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
    yieldToLoop() {
      this.turns++;
      return Promise.resolve();
    },
  };
}
