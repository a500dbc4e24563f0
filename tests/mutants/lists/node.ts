/**
 * Bugs in the wiring of a node.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The bugs of this folder. */
export const NODE_MUTANTS: readonly Mutant[] = [
  {
    id: "N1",
    file: "src/node/storage.ts",
    bug: "a failure of a directory before the node listens is lost",
    text:
      "if (this.#listener === null) this.#waiting.push(failure);\n    else this.#listener(failure);",
    replacement: "this.#listener?.(failure);",
    test: "tests/node/node_test.ts",
  },
  {
    id: "N2",
    file: "src/node/node.ts",
    bug: "nodes that share a bound on open segment files each have their own",
    text: "const { openSegments = new OpenSegments(shares.segmentFiles) } = options;",
    replacement: "const openSegments = new OpenSegments(shares.segmentFiles);",
    test: "tests/node/node_test.ts",
  },
  {
    id: "N3",
    file: "src/node/node.ts",
    bug: "the timers of background tasks outlive the node",
    text: "const tasks = this.#tasks.stop();",
    replacement: "const tasks = Promise.resolve();",
    test: "tests/node/shutdown_test.ts",
  },
  {
    id: "N4",
    file: "src/node/log_retention.ts",
    bug: "the retention runs once only",
    text: "        this.#timer = null;\n        this.start();",
    replacement: "        this.#timer = null;",
    test: "tests/node/background_tasks_test.ts",
  },
  {
    id: "N5",
    file: "src/node/log_retention.ts",
    bug: "a second start of the retention sets a second timer",
    text: "if (this.#timer !== null || this.#isStopped) return;",
    replacement: "if (this.#isStopped) return;",
    test: "tests/node/background_tasks_test.ts",
  },
  {
    id: "N6",
    file: "src/node/metadata_quorum.ts",
    bug: "a snapshot that cannot be written is tried again with every batch",
    text: "clock.monotonicMs() >= this.#nextSnapshotAt",
    replacement: "this.#nextSnapshotAt !== 0",
    test: "tests/node/metadata_quorum_test.ts",
  },
  {
    id: "N7",
    file: "src/node/metadata_quorum.ts",
    bug: "a log that begins at a snapshot is read without it",
    text: "if (this.#needsSnapshot()) await this.#loadSnapshot();\n        else {",
    replacement: "{",
    test: "tests/node/metadata_quorum_test.ts",
  },
  {
    id: "N8",
    file: "src/node/metadata_quorum.ts",
    bug: "requests for a change of the leader wait for ever when the node ends",
    text:
      "    await this.#snapshot;\n    for (const resolve of this.#leaderWaiters.splice(0)) resolve();",
    replacement: "    await this.#snapshot;",
    test: "tests/node/metadata_quorum_test.ts",
  },
  {
    id: "N9",
    file: "src/node/metadata_quorum.ts",
    bug: "a record that cannot be read leaves the node in service without what follows",
    text: "    this.onFailed(error);\n",
    replacement: "",
    test: "tests/node/metadata_quorum_test.ts",
  },
  {
    id: "N10",
    file: "src/node/format_node.ts",
    bug: "the metadata directory gets another id than the one listed",
    text: "path === metadataLogDir ? own",
    replacement: "path !== metadataLogDir ? own",
    test: "tests/node/format_node_test.ts",
  },
  {
    id: "N11",
    file: "src/node/format_node.ts",
    bug: "a new metadata directory is formatted beside directories in use",
    text: "if (!config.isController || metadata!.found !== null || other === undefined) return;",
    replacement: "if (config.isController || other === undefined) return;",
    test: "tests/node/format_node_test.ts",
  },
  {
    id: "N12",
    file: "src/node/format_node.ts",
    bug: "directories of another node are kept",
    text: "if (nodeId !== config.nodeId || found.clusterId !== known) {",
    replacement: "if (found.clusterId !== known) {",
    test: "tests/node/format_node_test.ts",
  },
  {
    id: "N13",
    file: "src/node/format_node.ts",
    bug: "a node that joins a cluster begins one of its own",
    text: 'if (config.isController && firstControllers.kind !== "joining") return',
    replacement: "if (config.isController) return",
    test: "tests/node/format_node_test.ts",
  },
];
