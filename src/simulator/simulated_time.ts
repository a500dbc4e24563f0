/**
 * Simulated time: a queue of things that will happen, taken in order of their time, and of their
 * scheduling where times are equal.
 *
 * @module
 */

import type { Timer } from "../runtime/runtime.ts";

interface Event {
  readonly atUs: number;
  readonly sequence: number;
  readonly happen: () => void;
  cancelled: boolean;
}

/** A clock in whole microseconds, so that no sum of times is ever rounded, and its queue. */
export class SimulatedTime {
  #nowUs = 0;
  #sequence = 0;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];

  /** Microseconds since the start of the run. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Lets `happen` be called `delayUs` (0 or more) from now. */
  schedule(delayUs: number, happen: () => void): Timer {
    const event: Event = {
      atUs: this.#nowUs + delayUs,
      sequence: this.#sequence++,
      happen,
      cancelled: false,
    };
    this.#push(event);
    return { cancel: () => event.cancelled = true };
  }

  /** When the next event happens, or undefined when there is none. */
  get nextUs(): number | undefined {
    while (this.#heap[0]?.cancelled) this.#pop();
    return this.#heap[0]?.atUs;
  }

  /** Moves to the next event and makes it happen. There must be one. */
  step(): void {
    this.nextUs;
    const event = this.#pop();
    this.#nowUs = event.atUs;
    event.happen();
  }

  /** Moves to `toUs`, which is not beyond the next event. */
  advance(toUs: number): void {
    this.#nowUs = Math.max(this.#nowUs, toUs);
  }

  #push(event: Event): void {
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

  #pop(): Event {
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

function isBefore(one: Event, other: Event): boolean {
  return one.atUs < other.atUs || one.atUs === other.atUs && one.sequence < other.sequence;
}
