/**
 * The events of one simulated process: delivered while the process runs, held while it is paused, and
 * dropped once it has ended.
 *
 * @module
 */

import type { ScheduledEvent, SimulatedTime } from "./simulated_time.ts";
import type { Timer } from "../runtime/runtime.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/**
 * The origin of an event: the timers of a process, a connection, one operation on the disk. Events of
 * the same origin keep their order.
 */
export type EventSource = object;

interface HeldEvent {
  readonly source: EventSource;
  readonly happen: () => void;
  /** The event that was due, if it can still be cancelled. */
  readonly timer: Timer & { readonly isCancelled: boolean } | undefined;
}

/** Delivers events to one process. */
export class ProcessEvents {
  #state: "running" | "paused" | "ended" = "running";
  #held: HeldEvent[] = [];

  constructor(readonly time: SimulatedTime) {}

  /** Whether the process has ended. */
  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** Whether the process is paused. */
  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** Calls `happen` after `delayUs`, or when the process resumes. Never after its end. */
  schedule(source: EventSource, delayUs: number, happen: () => void): Timer {
    const timer: ScheduledEvent = this.time.schedule(delayUs, () => {
      if (this.#state === "running") happen();
      else if (this.#state === "paused") this.#held.push({ source, happen, timer });
    });
    return timer;
  }

  /** Calls `happen` at once, or when the process resumes. Never after its end. */
  deliver(source: EventSource, happen: () => void): void {
    if (this.#state === "running") happen();
    else if (this.#state === "paused") this.#held.push({ source, happen, timer: undefined });
  }

  /** Holds all events from now on. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /**
   * Delivers what was held, one event after another at the present time. Events of one source keep their
   * order; the order of the sources is drawn from `random`, as no process can rely on one.
   */
  resume(random: Xoshiro128): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    for (const { source, happen, timer } of interleave(held, random)) {
      this.time.schedule(0, () => {
        if (!timer?.isCancelled) this.deliver(source, happen);
      });
    }
  }

  /** Drops all events, those that are held too. */
  end(): void {
    this.#state = "ended";
    this.#held = [];
  }
}

/** Merges the sequences of all sources in a random order. */
function interleave(events: readonly HeldEvent[], random: Xoshiro128): HeldEvent[] {
  const bySource = Map.groupBy(events, ({ source }) => source);
  const sequences = [...bySource.values()].map((sequence) => sequence.values());
  const heads = sequences.map((sequence) => sequence.next().value);
  const merged: HeldEvent[] = [];
  while (sequences.length > 0) {
    const chosen = random.below(sequences.length);
    merged.push(heads[chosen]!);
    const { value, done } = sequences[chosen]!.next();
    if (!done) heads[chosen] = value;
    else {
      sequences.splice(chosen, 1);
      heads.splice(chosen, 1);
    }
  }
  return merged;
}
