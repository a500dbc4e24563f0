/**
 * Retries of failed calls: a limited number, with exponential backoff and jitter.
 *
 * @module
 */
import { exponentialBackoffMs } from "../backoff.ts";
import { KafkaError } from "../protocol/errors.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";

/** How often and how soon a failed call is retried. */
export interface RetryPolicy {
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/**
 * Returns the delay before retry number `attempt` (from 0), ms. It doubles each time up to the maximum, with
 * a jitter of 20 percent so that many clients do not retry at the same time.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: RandomSource): number {
  const { retryBackoffMs: initialMs, retryBackoffMaxMs: maxMs } = policy;
  return exponentialBackoffMs({ initialMs, maxMs }, attempt, random);
}

/** Returns whether the same call may succeed when it is retried. */
export function isRetriableError(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}

/** Resolves after `delayMs`. Rejects with the signal's reason as soon as `signal` is aborted. */
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
 * Calls `attempt` until it succeeds. Throws its error if that is not retriable, or after `retries` failed
 * retries.
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
