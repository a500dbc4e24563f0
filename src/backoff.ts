/**
 * How long to wait before a retry: each wait is twice the one before, up to a maximum.
 *
 * @module
 */
import type { RandomSource } from "./runtime/runtime.ts";

/** The first wait and the longest, ms. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * The wait before retry number `attempt` (from 0), ms, give or take a fifth, so that many who failed
 * together do not come back together.
 */
export function exponentialBackoffMs(
  { firstMs, mostMs }: Backoff,
  attempt: number,
  random: RandomSource,
): number {
  const base = Math.min(firstMs * 2 ** Math.min(attempt, 20), mostMs);
  return Math.round(base * (0.8 + random.below(401) / 1000));
}
