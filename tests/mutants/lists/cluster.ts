/**
 * Bugs planted in `src/cluster`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The clusters of one process, and the faults injected into them. */
export const CLUSTER_MUTANTS: readonly Mutant[] = [
  {
    id: "CL101",
    file: "src/cluster/links.ts",
    bug: "a partition leaves open connections alone",
    text: "if (this.#isCut(from, to)) connection.close();",
    replacement: "if (this.#isCut(from, to)) continue;",
    test: "tests/cluster/links_test.ts",
  },
  {
    id: "CL102",
    file: "src/cluster/links.ts",
    bug: "an attempt to connect during a partition fails at once, as if nothing listened",
    text: "    await this.#healed.promise;\n",
    replacement: "    await Promise.resolve();\n",
    test: "tests/cluster/links_test.ts",
  },
  {
    id: "CL103",
    file: "src/cluster/layout.ts",
    bug: "two brokers are two voters, which need each other",
    text: "brokers < MAX_COMBINED ? 1 : MAX_COMBINED",
    replacement: "Math.min(brokers, MAX_COMBINED)",
    test: "tests/cluster/layout_test.ts",
  },
  {
    id: "CL104",
    file: "src/cluster/interceptions.ts",
    bug: "an interceptor gets the request from before the changes of the others",
    text: "({ ...intercepted, request, nodeId }",
    replacement: "({ ...intercepted, nodeId }",
    test: "tests/cluster/interceptions_test.ts",
  },
];
