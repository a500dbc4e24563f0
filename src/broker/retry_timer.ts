/**
 * Work that may succeed later: tried again after waits that grow.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../backoff.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";

/** The waits between two attempts. */
const BACKOFF: Backoff = { initialMs: 1_000, maxMs: 60_000 };

/** Tries again as long as something is left to be tried. */
export class RetryTimer {
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  readonly #attempt: () => boolean;
  #attempts = 0;
  #timer: Timer | null = null;
  #isStopped = false;

  /** `attempt` returns whether something is left. */
  constructor(runtime: Pick<Runtime, "clock" | "random">, attempt: () => boolean) {
    this.#runtime = runtime;
    this.#attempt = attempt;
  }

  /** Begins, unless it has. */
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

  /** Ends for good. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
