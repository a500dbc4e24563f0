/**
 * The timers of groups. Sessions are extended by every heartbeat and commit, so moving a timer to a
 * later time only stores that time: the host timer is set again when it fires early.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";

/** Maximum delay of a host timer in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

interface Entry {
  dueMs: number;
  host: Timer;
  hostDueMs: number;
}

/** Named timers with a common callback. */
export class GroupTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #onDue: (name: Name) => void;
  readonly #entries = new Map<Name, Entry>();

  /** `onDue` is called with the name of a timer that expires, once for each time it is set. */
  constructor(clock: Clock, onDue: (name: Name) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Number of active timers. */
  get size(): number {
    return this.#entries.size;
  }

  /** Sets or moves the timer to `delayMs` milliseconds from now (0 or more). */
  set(name: Name, delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.hostDueMs <= dueMs) {
      entry.dueMs = dueMs;
      return;
    }
    entry?.host.cancel();
    this.#entries.set(name, { dueMs, hostDueMs: dueMs, host: this.#arm(name, delayMs) });
  }

  /** Cancels the timer, if it is set. */
  cancel(name: Name): void {
    this.#entries.get(name)?.host.cancel();
    this.#entries.delete(name);
  }

  /** Cancels all timers. */
  clear(): void {
    for (const { host } of this.#entries.values()) host.cancel();
    this.#entries.clear();
  }

  #arm(name: Name, delayMs: number): Timer {
    return this.#clock.setTimer(
      Math.min(MAX_DELAY_MS, Math.ceil(delayMs)),
      () => this.#fire(name),
    );
  }

  #fire(name: Name): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const leftMs = entry.dueMs - this.#clock.monotonicMs();
    // Host timers may fire a fraction of a millisecond early. That counts as due.
    if (leftMs >= 1) {
      entry.hostDueMs = entry.dueMs;
      entry.host = this.#arm(name, leftMs);
      return;
    }
    this.#entries.delete(name);
    this.#onDue(name);
  }
}
