/**
 * The states of a transaction, as `__transaction_state` numbers them and as Kafka's requests and tools
 * name them.
 *
 * @module
 */

/** The name of each state, at the index of its number in `__transaction_state`. */
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
