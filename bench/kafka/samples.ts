/**
 * Figures as they are measured, several of each, and how much else the machine did meanwhile.
 *
 * @module
 */
import type { Side } from "./brokers.ts";

/** Others' share of the machine beyond which a figure is not to be trusted. */
const MOST_DISTURBED = 0.15;

/** The figures of both brokers. */
export class Samples {
  readonly #values = new Map<string, number[]>();
  readonly #disturbed = new Set<string>();

  /** Takes one figure. `disturbance` is others' share of the machine's CPU, 0 to 1. */
  add(side: Side, test: string, figure: string, value: number, disturbance = 0): void {
    const key = `${side}/${test}/${figure}`;
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
    if (disturbance > MOST_DISTURBED) this.#disturbed.add(test);
  }

  /** The median, or undefined when nothing was measured. */
  median(side: Side, test: string, figure: string): number | undefined {
    const sorted = [...this.#values.get(`${side}/${test}/${figure}`) ?? []].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1
      ? sorted[middle]
      : sorted.length === 0
      ? undefined
      : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }

  /** Whether others took so much of the machine in one of the test's runs that it shows. */
  isDisturbed(test: string): boolean {
    return this.#disturbed.has(test);
  }
}
