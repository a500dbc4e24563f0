/**
 * The recorded trace hashes: one seed's run of each scenario, the same on every runtime.
 *
 * @module
 */

/** The seed whose hash is recorded. */
export const RECORDED_SEED = 1;

/** Where a scenario's is recorded, from the project's root. */
export function traceHashFile(scenario: string): string {
  return `tests/simulation/fixtures/${scenario}.hash`;
}
