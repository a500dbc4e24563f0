/**
 * The delays before new attempts to connect to an address after failed ones. A delay belongs to the address,
 * not to the purpose of the connection, so a producer of a thousand partitions does not connect more often
 * than one of a single partition.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../backoff.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";

interface Attempts {
  /** Number of failed attempts since the last one that succeeded. */
  failures: number;
  /** When the next attempt may start, by the monotonic clock. */
  notBeforeMs: number;
}

/** Counts failed attempts by address, `host:port`. */
export class ReconnectBackoff {
  readonly #backoff: Backoff;
  readonly #failed = new Map<string, Attempts>();

  /** The delay is `backoff.initialMs` after the first failure and doubles with each further one. */
  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  /** Returns how long to wait before the next attempt, ms. */
  delayMs(address: string, clock: Clock): number {
    const notBeforeMs = this.#failed.get(address)?.notBeforeMs ?? 0;
    return Math.max(0, notBeforeMs - clock.monotonicMs());
  }

  /** Records a failed attempt. */
  failed(address: string, clock: Clock, random: RandomSource): void {
    const { failures } = this.#failed.get(address) ?? { failures: 0 };
    const delayMs = exponentialBackoffMs(this.#backoff, failures, random);
    const notBeforeMs = clock.monotonicMs() + delayMs;
    this.#failed.set(address, { failures: failures + 1, notBeforeMs });
  }

  /** Records a successful attempt. */
  succeeded(address: string): void {
    this.#failed.delete(address);
  }
}
