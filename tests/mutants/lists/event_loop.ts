/**
 * Bugs planted in what keeps turns of the event loop short, and in the order that this must keep.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const EVENT_LOOP_TEST = "tests/node/event_loop_test.ts";
const UNCERTAIN_TEST = "tests/log/opening/uncertain_log_test.ts";
const METADATA_TEST = "tests/metadata/metadata_log_test.ts";

/** By the letter E, from 1 on. */
export const EVENT_LOOP_MUTANTS: readonly Mutant[] = [
  {
    id: "E1",
    file: "src/log/sliced_work.ts",
    bug: "the node's long work never rests",
    text: "if (pacer.spend(1)) await pacer.rest();",
    replacement: "pacer.spend(1);",
    test: EVENT_LOOP_TEST,
  },
  {
    id: "E2",
    file: "src/metadata/batch_applier.ts",
    bug: "the image shows a topic before its logs are open",
    text: "      if (prepare !== undefined) await prepare(delta, pause);\n" +
      "      this.state.publish(delta);",
    replacement: "      this.state.publish(delta);\n" +
      "      if (prepare !== undefined) await prepare(delta, pause);",
    test: METADATA_TEST,
  },
  {
    id: "E3",
    file: "src/metadata/topic_by_topic.ts",
    bug: "a topic is shown without the partitions that follow its first",
    text: "if (id === topicId) continue;",
    replacement: "if (id === topicId && at % 3 !== 2) continue;",
    test: METADATA_TEST,
  },
  {
    id: "E4",
    file: "src/log/append/log_appender.ts",
    bug: "a batch is written behind a truncation that is not durable",
    text: "if (this.#state.mustFlushFirst) return null;",
    replacement: "",
    test: UNCERTAIN_TEST,
  },
  {
    id: "E5",
    file: "src/log/append/log_appender.ts",
    bug: "a batch that had to wait is appended without the flush",
    text: "if (this.#state.mustFlushFirst) await this.#flush();",
    replacement: "",
    test: UNCERTAIN_TEST,
  },
  {
    id: "E6",
    file: "src/log/partition_log.ts",
    bug: "every append waits for a flush after an unclean start",
    text: "    this.#state.mustFlushFirst = false;\n",
    replacement: "",
    test: UNCERTAIN_TEST,
  },
  {
    id: "E7",
    file: "src/log/directory/log_flushes.ts",
    bug: "all logs that may have been truncated are flushed before the node serves",
    text: "log.wasRepaired || log.mustFlushFirst && log.recoveryPoint < log.logEndOffset",
    replacement: "log.wasRepaired || log.mustFlushFirst",
    test: UNCERTAIN_TEST,
  },
  {
    id: "E8",
    file: "src/log/directory/log_flushes.ts",
    bug:
      "a log that may have been truncated and has new records is not flushed before the node serves",
    text: "log.wasRepaired || log.mustFlushFirst && log.recoveryPoint < log.logEndOffset",
    replacement: "log.wasRepaired",
    test: UNCERTAIN_TEST,
  },
  {
    id: "E9",
    file: "src/log/directory/recovery_point_checkpoint.ts",
    bug: "the recovery point of a deleted log applies to a new one of its name",
    text: "if (!this.#obsolete.has(name)) return;",
    replacement: 'if (name !== "") return;',
    test: UNCERTAIN_TEST,
  },
  {
    id: "E10",
    file: "src/log/directory/data_directory.ts",
    bug: "a new log looks for its directory",
    text: "const isKnown = !directoryExists || !this.#incomplete.has(name);",
    replacement: "const isKnown = directoryExists && !this.#incomplete.has(name);",
    test: "tests/log/directory/file_calls_test.ts",
  },
  {
    id: "E11",
    file: "src/broker/metadata_applier.ts",
    bug: "deleting the logs of a topic does not pause",
    text: '        this.logger.log("error", error.message);\n      }\n      await pause();',
    replacement: '        this.logger.log("error", error.message);\n      }',
    test: EVENT_LOOP_TEST,
  },
  {
    id: "E12",
    file: "src/log/compaction/pacer.ts",
    bug: "a cleaner rests after time only, however much it has read and written",
    text: "this.#bytes >= this.#sliceBytes || this.#workMs",
    replacement: "this.#workMs",
    test: "tests/log/compaction/pacer_test.ts",
  },
  {
    id: "E13",
    file: "src/log/directory/recovery_point_checkpoint.ts",
    bug: "both checkpoints of a data directory are read in one turn",
    text: "(isNew ? new Map() : null);\n    yield;",
    replacement: "(isNew ? new Map() : null);",
    test: "tests/log/directory/file_calls_test.ts",
  },
  {
    id: "E14",
    file: "src/log/sliced_work.ts",
    bug: "the start of a node never rests for long enough that others of its process are served",
    text: "++rests % SHORT_RESTS_AT_START === 0",
    replacement: "++rests < SHORT_RESTS_AT_START && false",
    test: "tests/log/sliced_work_test.ts",
  },
];
