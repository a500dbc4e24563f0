/**
 * Retries work with increasing delays until nothing is left to do.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../backoff.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";

/** The delays between attempts. */
const BACKOFF: Backoff = { initialMs: 1_000, maxMs: 60_000 };

/** Retries work. */
export class RetryTimer {
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  readonly #attempt: () => boolean;
  #attempts = 0;
  #timer: Timer | null = null;
  #isStopped = false;

  /** `attempt` returns whether to try again. */
  constructor(runtime: Pick<Runtime, "clock" | "random">, attempt: () => boolean) {
    this.#runtime = runtime;
    this.#attempt = attempt;
  }

  /** Schedules an attempt, unless one is scheduled. */
  start(): void {
    if (this.#timer !== null || this.#isStopped) return;
    const { clock, random } = this.#runtime;
    const delayMs = exponentialBackoffMs(BACKOFF, this.#attempts++, random);
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = null;
      if (this.#attempt()) this.start();
      else this.#attempts = 0;
    });
  }

  /** Cancels the attempt that is scheduled, and schedules no more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
