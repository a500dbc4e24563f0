/**
 * The recorded trace hash: one seed's run, the same on every runtime.
 *
 * @module
 */

/** The seed whose hash is recorded. */
export const RECORDED_SEED = 1;

/** Where it is recorded, from the project's root. */
export const TRACE_HASH_FILE = "tests/simulation/fixtures/single_broker.hash";
