/**
 * The host's clock and random numbers, the same on Deno, Node and Bun.
 *
 * @module
 */

import type { Clock, RandomSource, Timer } from "./runtime.ts";
import { drawBelow } from "./draw.ts";

/** The maximum of `crypto.getRandomValues`. */
const MAX_RANDOM_BYTES = 65_536;

/**
 * Resolves after one turn of the event loop, when every promise that can settle without I/O has settled.
 * `setImmediate` takes 1 to 2 us on all three runtimes, and runs once the microtask queue (and Node's
 * `nextTick` queue) is empty: the simulator relies on that.
 */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The host's clock and timers. */
export const hostClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs: number, callback: () => void): Timer {
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  yieldToLoop: turnOfLoop,
};

/** The host's cryptographic random numbers. */
export function hostRandom(): RandomSource {
  // Fill a pool at a time: one call of the host takes as long as a hundred numbers.
  const pool = new Uint32Array(256);
  let used = pool.length;
  return {
    fill(target: Uint8Array): Uint8Array {
      for (let start = 0; start < target.length; start += MAX_RANDOM_BYTES) {
        crypto.getRandomValues(
          target.subarray(start, start + MAX_RANDOM_BYTES) as Uint8Array<ArrayBuffer>,
        );
      }
      return target;
    },
    below(bound: number): number {
      return drawBelow(bound, () => {
        if (used === pool.length) {
          crypto.getRandomValues(pool);
          used = 0;
        }
        return pool[used++]!;
      });
    },
  };
}
