/**
 * What `deno task sim` prints of the seeds that it has run.
 *
 * @module
 */
import type { Outcome } from "../outcome.ts";

/** After so many failing seeds a scenario is not run any further. */
export const MAX_FAILURES = 5;

/** Prints one line. */
export type Print = (line: string) => void;

/** Prints the last `lines` lines of a transcript, the failures, and how to repeat the run. */
export function printOutcome(print: Print, name: string, outcome: Outcome, lines: number): void {
  const { seed, failures, transcript } = outcome;
  for (const line of transcript.slice(Math.max(0, transcript.length - lines))) print(`  ${line}`);
  for (const failure of failures) print(`${name}, seed ${seed}: ${failure}`);
  if (failures.length > 0) print(`repeat it: deno task sim --scenario ${name} --seed ${seed}`);
}

/** Adds up the seeds of one scenario, and prints those that fail as they come. */
export class ScenarioReport {
  #seeds = 0;
  #failed = 0;
  readonly #counts: Record<string, number> = {};

  constructor(readonly name: string, readonly lines: number, readonly print: Print) {}

  /** How many seeds have failed. */
  get failed(): number {
    return this.#failed;
  }

  /** Takes what became of a seed. False when no more should be run. */
  add(outcome: Outcome): boolean {
    this.#seeds++;
    for (const [what, times] of Object.entries(outcome.counts)) {
      this.#counts[what] = (this.#counts[what] ?? 0) + times;
    }
    if (outcome.failures.length === 0) return true;
    printOutcome(this.print, this.name, outcome, this.lines);
    return ++this.#failed < MAX_FAILURES;
  }

  /** Prints the sum. */
  end(elapsedMs: number): void {
    const { name, print } = this;
    const counts = Object.entries(this.#counts).map(([what, times]) => `${times} ${what}`);
    const seconds = (elapsedMs / 1_000).toFixed(1);
    print(`${name}: ${this.#seeds} seeds in ${seconds} s: ${counts.join(", ")}`);
    print(`${name}: ${this.#failed === 0 ? "all is well" : `${this.#failed} seeds failed`}`);
  }
}
