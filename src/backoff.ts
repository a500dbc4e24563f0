/**
 * Exponential backoff: each delay is twice the previous one, up to a maximum.
 *
 * @module
 */
import type { RandomSource } from "./runtime/runtime.ts";

/** The first and the maximum delay, in milliseconds. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Returns the delay before retry number `attempt` (from 0) in milliseconds, with a random jitter of
 * 20 %, so that clients that failed together do not retry together.
 */
export function exponentialBackoffMs(
  { initialMs, maxMs }: Backoff,
  attempt: number,
  random: RandomSource,
): number {
  const base = Math.min(initialMs * 2 ** Math.min(attempt, 20), maxMs);
  return Math.round(base * (0.8 + random.below(401) / 1000));
}
