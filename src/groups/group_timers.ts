/**
 * The timers of all groups. Sessions are extended with every heartbeat and every commit, so moving
 * a timer to a later time only notes the time: the host's timer is set anew when it fires early.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The longest time the host's timers can wait, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

interface Entry {
  dueMs: number;
  host: Timer;
  hostDueMs: number;
}

/** Named timers of one owner, which is told the name when one is due. */
export class GroupTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #onDue: (name: Name) => void;
  readonly #entries = new Map<Name, Entry>();

  /** `onDue` is called with the name of a timer whose time has come, once for each time it is set. */
  constructor(clock: Clock, onDue: (name: Name) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** How many are set. */
  get size(): number {
    return this.#entries.size;
  }

  /** Sets the timer, or moves it, to `delayMs` milliseconds from now (0 or more). */
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

  /** Forgets the timer, if it is set. */
  cancel(name: Name): void {
    this.#entries.get(name)?.host.cancel();
    this.#entries.delete(name);
  }

  /** Forgets all. */
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
    // A host's timer may fire a fraction of a millisecond early: that is due.
    if (leftMs >= 1) {
      entry.hostDueMs = entry.dueMs;
      entry.host = this.#arm(name, leftMs);
      return;
    }
    this.#entries.delete(name);
    this.#onDue(name);
  }
}
