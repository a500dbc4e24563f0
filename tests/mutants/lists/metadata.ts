/**
 * Bugs planted in `src/metadata`.
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
  {
    id: "M6",
    file: "src/metadata/snapshot_records.ts",
    bug: "a snapshot lacks the delegation tokens",
    text: "for (const token of this.#delegationTokens) yield delegationTokenRecord(token);",
    replacement: "",
    test: "tests/metadata/snapshot_records_test.ts",
  },
  {
    id: "M7",
    file: "src/metadata/image_records.ts",
    bug: "a snapshot of a partition lacks its last known eligible replicas",
    text: "lastKnownElr: orNull(partition.lastKnownElr),",
    replacement: "lastKnownElr: null,",
    test: "tests/metadata/snapshot_records_test.ts",
  },
  {
    id: "M8",
    file: "src/metadata/batch_applier.ts",
    bug: "the offset advances inside a transaction, whose changes do not show",
    text: "if (!this.isInTransaction) this.state.advance(lastOffset, epoch);",
    replacement: "this.state.advance(lastOffset, epoch);",
    test: "tests/metadata/loader_test.ts",
  },
  {
    id: "M9",
    file: "src/metadata/batch_applier.ts",
    bug: "a loaded snapshot keeps the records of an open transaction",
    text: "this.#transactions.clear();",
    replacement: "",
    test: "tests/metadata/loader_test.ts",
  },
  {
    id: "M10",
    file: "src/metadata/state_transition.ts",
    bug: "a snapshot load does not delete topics",
    text: "  yield* deletedTopics(from, to);",
    replacement: "",
    test: "tests/metadata/loader_model_test.ts",
  },
  {
    id: "M11",
    file: "src/metadata/state_transition.ts",
    bug: "the configs of a topic are published before the topic that a snapshot creates",
    text: "if (isCreated(topic, from)) continue;",
    replacement: "",
    test: "tests/metadata/loader_test.ts",
  },
  {
    id: "M12",
    file: "src/metadata/loader.ts",
    bug: "requests see the offset of a change before the listeners have processed it",
    text: "    await this.#notify((listener) => listener.finish?.());\n" +
      "    this.#publishedOffset = this.#applier.state.offset;\n" +
      "    this.#waiters.release(this.#publishedOffset);",
    replacement: "    this.#publishedOffset = this.#applier.state.offset;\n" +
      "    this.#waiters.release(this.#publishedOffset);\n" +
      "    await this.#notify((listener) => listener.finish?.());",
    test: "tests/metadata/loader_test.ts",
  },
  {
    id: "M13",
    file: "src/metadata/loader.ts",
    bug: "batches loaded while a snapshot is written do not count for the next",
    text: "loadedBytes, timeMs: nowMs };",
    replacement: "loadedBytes: this.#loadedBytes + 0 * loadedBytes, timeMs: nowMs };",
    test: "tests/metadata/loader_test.ts",
  },
  {
    id: "M14",
    file: "src/metadata/metadata_state.ts",
    bug: "ClearElr keeps what the same change has set",
    text: "for (const draft of drafts) clearElrOf(draft);",
    replacement: "",
    test: "tests/metadata/metadata_state_test.ts",
  },
  {
    id: "M15",
    file: "src/metadata/metadata_state.ts",
    bug: "ClearElr does not raise the partition epoch, as Kafka does",
    text: "      partitionEpoch: partition.partitionEpoch + 1,\n",
    replacement: "",
    test: "tests/metadata/metadata_state_test.ts",
  },
];
