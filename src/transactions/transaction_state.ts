/**
 * The states of a transaction, as numbered in `__transaction_state` and named in Kafka's requests
 * and tools.
 *
 * @module
 */

/** State names, indexed by their number in `__transaction_state`. */
export const TRANSACTION_STATES: readonly string[] = [
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
  "Dead",
  "PrepareEpochFence",
];
