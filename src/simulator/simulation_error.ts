/**
 * The failure of a simulation itself, as opposed to one that it simulates.
 *
 * @module
 */

/** Thrown when a run cannot continue: no events are left, or it takes too long. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
}
