/**
 * Waiting and trying again: exponential back-off with jitter, bounded in number.
 *
 * @module
 */
import { exponentialBackoffMs } from "../backoff.ts";
import { KafkaError } from "../protocol/errors.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";

/** How often and how fast a failed call is made again. */
export interface RetryPolicy {
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/**
 * The wait before retry number `attempt` (from 0), ms: it doubles each time up to the maximum, give
 * or take a fifth so that many clients do not come back at once.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: RandomSource): number {
  const { retryBackoffMs: firstMs, retryBackoffMaxMs: mostMs } = policy;
  return exponentialBackoffMs({ firstMs, mostMs }, attempt, random);
}

/** Whether the same call may succeed when it is made again. */
export function isRetriableError(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Calls `attempt` until it succeeds, fails with an error that is not retriable, or has failed
 * `retries` + 1 times; then its last error is thrown.
 */
export async function retry<T>(
  host: { readonly clock: Clock; readonly random: RandomSource },
  policy: RetryPolicy,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0;; failures++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isRetriableError(error) || failures >= policy.retries) throw error;
    }
    await sleep(host.clock, backoffMs(policy, failures, host.random), signal);
  }
}
