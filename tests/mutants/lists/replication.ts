/**
 * Bugs planted in `src/replication`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The roles, high watermarks and waiting requests of partitions. */
export const REPLICATION_MUTANTS: readonly Mutant[] = [
  {
    id: "RP101",
    file: "src/replication/partition.ts",
    bug: "a high watermark that was written down is used beyond the end of the log",
    text: "Math.min(storedHighWatermark, logEndOffset)",
    replacement: "Math.min(storedHighWatermark, storedHighWatermark + 0 * logEndOffset)",
    test: "tests/replication/partition_test.ts",
  },
  {
    id: "RP102",
    file: "src/replication/partition.ts",
    bug: "changed settings do not move the high watermark",
    text: "this.#log.updateConfig(config);\n    this.#advance();",
    replacement: "this.#log.updateConfig(config);",
    test: "tests/broker/handlers/fetch_waiting_test.ts",
  },
  {
    id: "RP103",
    file: "src/replication/partition.ts",
    bug: "with flush.messages=1 records of an unclean end stay above the high watermark",
    text: "if (this.needsFlush) this.#needs.flusher.flush(this);",
    replacement: "",
    test: "tests/replication/partition_test.ts",
  },
  {
    id: "RP104",
    file: "src/replication/partition.ts",
    bug: "a high watermark that rises wakes no produce request",
    text: "this.#waiters.resolveUpTo(this.highWatermark);",
    replacement: "",
    test: "tests/replication/partition_test.ts",
  },
  {
    id: "RP105",
    file: "src/replication/replica_role.ts",
    bug: "produce requests wait for a leader that is no more",
    text: 'return [{ type: "fail-waiting", error: this.#notLeader() }, NOTIFY_READERS];',
    replacement: "return [NOTIFY_READERS];",
    test: "tests/replication/replica_role_test.ts",
  },
  {
    id: "RP106",
    file: "src/replication/replica_role.ts",
    bug: "a follower serves clients",
    text: 'if (this.#role.type === "leader") return this.#role.leaderEpoch;',
    replacement: 'if (this.#role.type !== "offline") return this.#role.leaderEpoch;',
    test: "tests/broker/handlers/leader_only_test.ts",
  },
  {
    id: "RP107",
    file: "src/replication/replica_role.ts",
    bug: "the high watermark of a leader goes back",
    text: "if (!this.#isOnlyInSync || endOffset <= this.#highWatermark) return false;",
    replacement: "if (!this.#isOnlyInSync) return false;",
    test: "tests/replication/replica_role_test.ts",
  },
  {
    id: "RP108",
    file: "src/replication/offset_waiters.ts",
    bug: "waits are kept in the order of their requests",
    text: "while (at > 0 && this.#waiters[at - 1]!.offset > offset) at--;",
    replacement: "",
    test: "tests/replication/offset_waiters_test.ts",
  },
  {
    id: "RP109",
    file: "src/replication/partition.ts",
    bug: "a consumer reads records that not every replica has",
    text: "if (replicaId >= 0) {",
    replacement: "if (replicaId >= -1) {\n      if (replicaId < 0) return this.log.logEndOffset;",
    test: "tests/replication/partition_test.ts",
  },
  {
    id: "RP110",
    file: "src/replication/partition.ts",
    bug: "readers do not hear that the log start offset has moved",
    text: "if (this.log.logStartOffset !== before) this.#readers.notify();",
    replacement: "void before;",
    test: "tests/replication/partition_test.ts",
  },
  {
    id: "RP111",
    file: "src/replication/partition_table.ts",
    bug: "requests that wait for a partition of a deleted topic are not answered",
    text: "    for (const partition of hosted.partitions) {\n      partition?.remove(",
    replacement:
      "    for (const partition of hosted.partitions.slice(1)) {\n      partition?.remove(",
    test: "tests/broker/handlers/produce_timeout_test.ts",
  },
];
