/**
 * What a simulated scenario is and what a run of it comes to.
 *
 * @module
 */
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { Simulation } from "../../src/simulator/simulation.ts";

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  /** The same for the same seed, on every runtime. */
  readonly traceHash: string;
  /** What did not hold, in words. Empty when all is well. */
  readonly failures: readonly string[];
  /** How much of what happened, by name: records acknowledged, kills, … */
  readonly counts: Readonly<Record<string, number>>;
  /** The last things that happened, oldest first. */
  readonly transcript: readonly string[];
}

/**
 * A seam for planted bugs: gives a process another runtime than the true one. The checks of a
 * scenario are worth something only when they find what is wrong with it.
 */
export type Sabotage = (runtime: Runtime, host: string, simulation: Simulation) => Runtime;

/** Runs what `seed` says. */
export type Scenario = (seed: number, sabotage?: Sabotage) => Promise<Outcome>;
