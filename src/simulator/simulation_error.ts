/**
 * The failure of a simulation itself, as opposed to one that it simulates.
 *
 * @module
 */

/** The run cannot go on: nothing will happen any more, or it takes too long. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
}
