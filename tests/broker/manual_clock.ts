/**
 * A clock that a test moves.
 *
 * @module
 */
import type { Clock } from "../../src/runtime/runtime.ts";

/** A clock with manual time. */
export interface ManualClock extends Clock {
  /** Advances the time by `ms` milliseconds and runs the timers that are due. */
  advance(ms: number): void;
  /** How many timers are set. */
  pending(): number;
  /** Resolves when a timer is set that is due in more than 0 and at most `ms` milliseconds. */
  timerWithin(ms: number): Promise<void>;
}

/** Creates a clock at time 0. */
export function manualClock(): ManualClock {
  let now = 0;
  let watches: { readonly ms: number; readonly resolve: () => void }[] = [];
  let timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      const isAwaited = ({ ms }: { readonly ms: number }) => delayMs > 0 && delayMs <= ms;
      for (const { resolve } of watches.filter(isAwaited)) resolve();
      watches = watches.filter((watch) => !isAwaited(watch));
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
    },
    yieldToLoop: () => Promise.resolve(),
    advance(ms) {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.callback();
    },
    pending: () => timers.length,
    timerWithin: (ms) => new Promise((resolve) => void watches.push({ ms, resolve })),
  };
}
