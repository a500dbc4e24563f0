/**
 * Events by the time at which they happen. Events of the same time happen in the order of their insertion.
 *
 * @module
 */

interface Entry {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || one.at === other.at && one.number < other.number;
}

/** A queue of events, as a binary heap. */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #number = 0;

  /** Number of events that have not happened yet. */
  get size(): number {
    return this.#heap.length;
  }

  /** Adds an event. */
  push(at: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { at, number: this.#number++, run };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = index - 1 >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Removes and returns the next event, or undefined if there is none. */
  pop(): { readonly at: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
