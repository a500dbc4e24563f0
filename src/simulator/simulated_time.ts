/**
 * Simulated time: a queue of future events, taken in order of their time, and in order of scheduling
 * where times are equal.
 *
 * @module
 */

import type { Timer } from "../runtime/runtime.ts";

/** An event that was scheduled. */
export class ScheduledEvent implements Timer {
  #isCancelled = false;

  constructor(
    /** When it happens, in microseconds since the start of the run. */
    readonly atUs: number,
    /** Its position among the events of the same time. */
    readonly sequence: number,
    readonly happen: () => void,
  ) {}

  /** Whether {@linkcode cancel} was called. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** As {@linkcode Timer.cancel}. */
  cancel(): void {
    this.#isCancelled = true;
  }
}

/** A clock in whole microseconds, so that no sum of times is ever rounded, and its queue. */
export class SimulatedTime {
  #nowUs = 0;
  #sequence = 0;
  /** A binary heap, the next event first. */
  readonly #heap: ScheduledEvent[] = [];

  /** Microseconds since the start of the run. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Schedules a call of `happen` after `delayUs` (0 or more). */
  schedule(delayUs: number, happen: () => void): ScheduledEvent {
    const event = new ScheduledEvent(this.#nowUs + delayUs, this.#sequence++, happen);
    this.#push(event);
    return event;
  }

  /** The time of the next event, or undefined when there is none. */
  get nextUs(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#pop();
    return this.#heap[0]?.atUs;
  }

  /** Advances to the next event and calls it. There must be one. */
  step(): void {
    this.nextUs;
    const event = this.#pop();
    this.#nowUs = event.atUs;
    event.happen();
  }

  /** Advances to `toUs`, which is not beyond the next event. */
  advance(toUs: number): void {
    this.#nowUs = Math.max(this.#nowUs, toUs);
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = index - 1 >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): ScheduledEvent {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  return one.atUs < other.atUs || one.atUs === other.atUs && one.sequence < other.sequence;
}
