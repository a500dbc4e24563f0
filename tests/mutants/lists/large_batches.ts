/**
 * Bugs planted in what is done with batches and requests that are large, or swell.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** By the letter of the folder, from 301 on. */
export const LARGE_BATCH_MUTANTS: readonly Mutant[] = [
  {
    id: "L301",
    file: "src/log/append_validation.ts",
    bug: "a batch that is small as it comes is decompressed at once, whatever it becomes",
    text: "Math.min(MAX_DECOMPRESSED_BATCH_BYTES, maxBytes)",
    replacement: "MAX_DECOMPRESSED_BATCH_BYTES",
    test: "tests/log/large_batches_test.ts",
  },
  {
    id: "L302",
    file: "src/log/append_validation.ts",
    bug: "a batch of many tiny records is checked at once",
    text: " || readRecordCount(records, 0) > limits.records",
    replacement: "",
    test: "tests/log/large_batches_test.ts",
  },
  {
    id: "L303",
    file: "src/log/append_validation_in_steps.ts",
    bug: "the checksum of a large batch is not checked",
    text: "await withPauses(checkBatchCrcInSteps(arena), pause);",
    replacement: "checkBatchCrcInSteps(arena);",
    test: "tests/log/append_test.ts",
  },
  {
    id: "L304",
    file: "src/log/append_validation_in_steps.ts",
    bug: "records that the topic rejects are stored with a large batch",
    text: "if (rejection !== null) throw rejection;",
    replacement: "",
    test: "tests/log/record_rules_test.ts",
  },
  {
    id: "L305",
    file: "src/log/log_appender.ts",
    bug: "a large batch has the append time of the producer",
    text: "stampClientBatch(arena, newest, config, nowMs);",
    replacement: "void newest;",
    test: "tests/log/large_batches_test.ts",
  },
  {
    id: "L306",
    file: "src/log/sliced_work.ts",
    bug: "large batches of several connections are checked side by side",
    text: "await earlier;",
    replacement: "await Promise.resolve(earlier !== null);",
    test: "tests/log/sliced_work_test.ts",
  },
  {
    id: "L307",
    file: "src/log/log_appender.ts",
    bug: "a large batch is checked to its end although its log has failed meanwhile",
    text: "await pause();\n        this.#throwFailure();",
    replacement: "await pause();",
    test: "tests/log/large_batches_test.ts",
  },
  {
    id: "B301",
    file: "src/network/server/dispatch.ts",
    bug: "a request may hold any number of values",
    text: "reader.work = MAX_REQUEST_WORK;",
    replacement: "void MAX_REQUEST_WORK;",
    test: "tests/network/server/dispatch_test.ts",
  },
  {
    id: "B302",
    file: "src/network/server/connection.ts",
    bug: "a connection starts the next request while records of one are in use",
    text: "if (held !== null) await this.#share.using(held);",
    replacement: "if (held !== null) void this.#share.using(held);",
    test: "tests/network/server/back_pressure_test.ts",
  },
  {
    id: "B303",
    file: "src/replication/partition.ts",
    bug: "a topic deleted while its batch is checked is a storage error",
    text: 'if (role.type === "offline") return role.error;',
    replacement: "",
    test: "tests/broker/handlers/produce_large_batches_test.ts",
  },
  {
    id: "B304",
    file: "src/network/server/frame_memory.ts",
    bug: "a whole request in use holds up those that lack more bytes",
    text: "if (other.isInUse) continue;",
    replacement: "",
    test: "tests/network/server/frame_memory_test.ts",
  },
  {
    id: "B305",
    file: "src/broker/broker.ts",
    bug: "large batches are checked on while the logs are closed",
    text: "await slicedWork.stop();",
    replacement: "",
    test: "tests/broker/handlers/produce_large_batches_test.ts",
  },
  {
    id: "B306",
    file: "src/broker/handlers/produce.ts",
    bug: "a batch behind a large one of its connection is stored before it",
    text: "context.holdFrame(outcomes);",
    replacement: "",
    test: "tests/broker/handlers/produce_large_batches_test.ts",
  },
  {
    id: "B307",
    file: "src/broker/handlers/list_offsets.ts",
    bug: "a search by time decompresses a batch of any size at once",
    text: "leavesLarge: true,",
    replacement: "leavesLarge: false,",
    test: "tests/broker/handlers/produce_large_batches_test.ts",
  },
];
