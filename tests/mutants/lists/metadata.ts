/**
 * Bugs planted in `src/metadata`. They went unnoticed when they were first tried by hand.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The bugs of this folder. */
export const METADATA_MUTANTS: readonly Mutant[] = [
  {
    id: "M4",
    file: "src/metadata/partition_changes.ts",
    bug: "electing the same leader again does not raise the leader epoch",
    text: "leaderEpoch: hasLeader ? before.leaderEpoch + 1 : before.leaderEpoch,",
    replacement:
      "leaderEpoch: hasLeader && record.leader !== before.leader\n      ? before.leaderEpoch + 1\n      : before.leaderEpoch,",
    test: "tests/metadata/metadata_state_test.ts",
  },
  {
    id: "M5",
    file: "src/metadata/metadata_state.ts",
    bug: "ClearElr skips topics that have only lastKnownElr",
    text: "partition.eligibleLeaderReplicas.length + partition.lastKnownElr.length > 0",
    replacement: "partition.eligibleLeaderReplicas.length > 0",
    test: "tests/metadata/metadata_state_test.ts",
  },
];
