/**
 * When a broker to which no connection could be opened may be tried again. The wait belongs to the
 * address, not to the purpose of the connection: a producer of a thousand partitions tries no more
 * often than one of a single partition.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../backoff.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";

interface Attempts {
  /** Those that have failed since the last one that succeeded. */
  failures: number;
  /** When the next one may begin, by the monotonic clock. */
  notBeforeMs: number;
}

/** The failed attempts by address, `host:port`. */
export class ReconnectBackoff {
  readonly #backoff: Backoff;
  readonly #failed = new Map<string, Attempts>();

  /** The wait is `backoff.firstMs` after the first failure and doubles with each further one. */
  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  /** How long an attempt has to wait, ms. */
  delayMs(address: string, clock: Clock): number {
    const notBeforeMs = this.#failed.get(address)?.notBeforeMs ?? 0;
    return Math.max(0, notBeforeMs - clock.monotonicMs());
  }

  /** An attempt has failed just now. */
  failed(address: string, clock: Clock, random: RandomSource): void {
    const { failures } = this.#failed.get(address) ?? { failures: 0 };
    const delayMs = exponentialBackoffMs(this.#backoff, failures, random);
    const notBeforeMs = clock.monotonicMs() + delayMs;
    this.#failed.set(address, { failures: failures + 1, notBeforeMs });
  }

  /** A connection has been opened. */
  succeeded(address: string): void {
    this.#failed.delete(address);
  }
}
