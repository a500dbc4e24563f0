/**
 * The output of `deno task sim` about the seeds that it has run.
 *
 * @module
 */
import type { Outcome } from "../outcome.ts";

/** A scenario stops after this many failing seeds. */
export const MAX_FAILURES = 5;

/** Prints one line. */
export type Print = (line: string) => void;

/** Prints the last `lines` lines of a transcript, the failures, and how to repeat the run. */
export function printOutcome(
  print: Print,
  name: string,
  outcome: Outcome,
  lines: number,
  dropped: ReadonlySet<number> = new Set(),
): void {
  const { seed, failures, transcript } = outcome;
  for (const line of transcript.slice(Math.max(0, transcript.length - lines))) print(`  ${line}`);
  for (const failure of failures) print(`${name}, seed ${seed}: ${failure}`);
  if (failures.length > 0) print(`repeat it: ${commandFor(name, seed, dropped)}`);
}

/** Returns the command that runs a seed. */
function commandFor(name: string, seed: number, dropped: ReadonlySet<number>): string {
  const drop = dropped.size === 0 ? "" : ` --drop ${[...dropped].join()}`;
  return `deno task sim --scenario ${name} --seed ${seed}${drop}`;
}

/** Prints the faults of a seed, numbered. */
export function printSchedule(
  print: Print,
  name: string,
  { seed, schedule }: Outcome,
  dropped: ReadonlySet<number>,
): void {
  if (schedule.length === 0) return;
  print(`${name}, seed ${seed} has these faults:`);
  schedule.forEach((fault, index) => {
    print(`  ${index + 1}. ${fault}${dropped.has(index + 1) ? " (left out)" : ""}`);
  });
}

/** Returns a number with its noun: "1 seed", "2 seeds". */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Adds up the seeds of one scenario, and prints those that fail as they come. */
export class ScenarioReport {
  #seeds = 0;
  #failed = 0;
  readonly #counts: Record<string, number> = {};

  constructor(readonly name: string, readonly lines: number, readonly print: Print) {}

  /** The number of seeds that have failed. */
  get failed(): number {
    return this.#failed;
  }

  /** Adds the outcome of a seed. Returns false when no more should be run. */
  add(outcome: Outcome): boolean {
    this.#seeds++;
    for (const [what, times] of Object.entries(outcome.counts)) {
      this.#counts[what] = (this.#counts[what] ?? 0) + times;
    }
    if (outcome.failures.length === 0) return true;
    printOutcome(this.print, this.name, outcome, this.lines);
    return ++this.#failed < MAX_FAILURES;
  }

  /** Prints the summary. */
  end(elapsedMs: number): void {
    const { name, print } = this;
    const counts = Object.entries(this.#counts).map(([what, times]) => `${times} ${what}`);
    const seconds = (elapsedMs / 1_000).toFixed(1);
    print(`${name}: ${counted(this.#seeds, "seed")} in ${seconds} s: ${counts.join(", ")}`);
    print(
      `${name}: ${this.#failed === 0 ? "all is well" : `${counted(this.#failed, "seed")} failed`}`,
    );
  }
}
