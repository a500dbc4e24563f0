/**
 * Collected measurements, several per figure, with the load of the machine by other processes.
 *
 * @module
 */
import type { Side } from "./brokers.ts";

/** Share of the machine used by other processes above which a figure is unreliable. */
const MOST_DISTURBED = 0.15;

/** The figures of all brokers. */
export class Samples {
  readonly #values = new Map<string, number[]>();
  readonly #disturbed = new Set<string>();

  /** Adds a figure. `disturbance` is the share of the machine's CPU used by others, 0 to 1. */
  add(side: Side, test: string, figure: string, value: number, disturbance = 0): void {
    const key = `${side}/${test}/${figure}`;
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
    this.noteDisturbance(test, disturbance);
  }

  /** Records the share of the machine's CPU used by others during a test, 0 to 1. */
  noteDisturbance(test: string, share: number): void {
    if (share > MOST_DISTURBED) this.#disturbed.add(test);
  }

  /** Returns all figures, in the order of the runs. */
  values(side: Side, test: string, figure: string): readonly number[] {
    return this.#values.get(`${side}/${test}/${figure}`) ?? [];
  }

  /** Returns the median, or undefined if nothing was measured. */
  median(side: Side, test: string, figure: string): number | undefined {
    const sorted = [...this.values(side, test, figure)].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1
      ? sorted[middle]
      : sorted.length === 0
      ? undefined
      : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }

  /** Returns whether other processes disturbed one of the test's runs. */
  isDisturbed(test: string): boolean {
    return this.#disturbed.has(test);
  }
}
