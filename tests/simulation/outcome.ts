/**
 * Simulated scenarios and the outcomes of their runs.
 *
 * @module
 */
import type { Interceptor } from "../../src/network/server/interceptor.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { Simulation } from "../../src/simulator/simulation.ts";

/** The outcome of a run. */
export interface Outcome {
  readonly seed: number;
  /** The same for the same seed, on every runtime. */
  readonly traceHash: string;
  /** The failures, in words. Empty for a run that succeeded. */
  readonly failures: readonly string[];
  /** Counts of events by name: records acknowledged, kills, … */
  readonly counts: Readonly<Record<string, number>>;
  /** The faults that the seed draws, in words, those that were dropped too. */
  readonly schedule: readonly string[];
  /** The last events, oldest first. */
  readonly transcript: readonly string[];
}

/**
 * A seam for planted bugs: returns the runtime that a process gets in place of the true one. The checks
 * of a scenario are worth something only if they find what is wrong with it.
 */
export type Sabotage = (runtime: Runtime, host: string, simulation: Simulation) => Runtime;

/** Changes to the run of a seed. */
export interface RunOptions {
  readonly sabotage?: Sabotage | undefined;
  /** The interceptors of all nodes. */
  readonly interceptors?: readonly Interceptor[];
  /** The faults of the schedule to leave out, numbered from 1. */
  readonly dropped?: ReadonlySet<number>;
  /** Whether the transcript shows the frames on the network decoded. */
  readonly decodesFrames?: boolean;
}

/** Runs `seed`. */
export type Scenario = (seed: number, options?: RunOptions) => Promise<Outcome>;
