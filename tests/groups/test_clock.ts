/**
 * A clock controlled by the test.
 *
 * @module
 */
import type { Clock, RandomSource, Timer } from "../../src/runtime/runtime.ts";

/** A clock that advances only by {@linkcode advance}, which runs due timers in order. */
export class TestClock implements Clock {
  #nowMs = 1_000_000;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  /** Number of timers set so far. */
  timersSet = 0;

  /** Number of active timers. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new RangeError(`No timer waits ${delayMs} ms`);
    this.timersSet++;
    const entry = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  yieldToLoop(): Promise<void> {
    return Promise.resolve();
  }

  /** Advances the time by `durationMs`. */
  advance(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      const [next] = [...this.#timers].sort((left, right) => left.dueMs - right.dueMs);
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}

/** Deterministic random numbers: a 32-bit xorshift. */
export class TestRandom implements RandomSource {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed * 2_654_435_761 >>> 0 || 1;
  }

  fill(target: Uint8Array): Uint8Array {
    for (let index = 0; index < target.length; index++) target[index] = this.below(256);
    return target;
  }

  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state % bound;
  }
}
