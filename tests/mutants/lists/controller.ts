/**
 * Bugs planted in `src/controller`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The bugs of this folder. */
export const CONTROLLER_MUTANTS: readonly Mutant[] = [
  {
    id: "C101",
    file: "src/controller/elections.ts",
    bug: "a partition that was asked for and needs no election is left out of the answer",
    text: "elections !== null || errorCode",
    replacement: "errorCode",
    test: "tests/controller/elections_test.ts",
  },
  {
    id: "C102",
    file: "src/controller/partition_change.ts",
    bug: "an eligible replica is elected although others are in sync",
    text: "isr.length > 0 ? isr : eligibleLeaderReplicas",
    replacement: "[...isr, ...eligibleLeaderReplicas]",
    test: "tests/controller/elections_test.ts",
  },
  {
    id: "C103",
    file: "src/controller/partition_change.ts",
    bug: "an unclean election does not say that the partition is recovering",
    text: "    after.leaderRecoveryState = RECOVERING;\n",
    replacement: "",
    test: "tests/controller/elections_test.ts",
  },
  {
    id: "C104",
    file: "src/controller/internal_topics.ts",
    bug: "a topic of Kafka's own is to have three replicas on one broker",
    text: "Math.min(REPLICATION_FACTOR, [...image.brokers()].length)",
    replacement: "REPLICATION_FACTOR",
    test: "tests/controller/internal_topics_test.ts",
  },
  {
    id: "C105",
    file: "src/controller/internal_topics.ts",
    bug: "__transaction_state elects unclean leaders where the broker says so",
    text: '    "unclean.leader.election.enable": "false",\n',
    replacement: "",
    test: "tests/controller/internal_topics_test.ts",
  },
  {
    id: "C106",
    file: "src/controller/configs.ts",
    bug: "defaults of all brokers are not checked against each other",
    text: 'resourceName === "" || resourceName === nodeId',
    replacement: "resourceName === nodeId",
    test: "tests/controller/configs_test.ts",
  },
  {
    id: "C107",
    file: "src/controller/configs.ts",
    bug: "the configs of a topic are not checked against each other",
    text: "return checkTopicConfigsTogether(after, config);",
    replacement: "return;",
    test: "tests/controller/configs_test.ts",
  },
  {
    id: "C108",
    file: "src/controller/topics.ts",
    bug: "a topic named by its name and by its id is deleted",
    text: "const foundRepeatedly = duplicatesOf(found.flatMap((topic) => topic?.id ?? []));",
    replacement: "const foundRepeatedly = new Set<string>();",
    test: "tests/controller/topics_test.ts",
  },
];
