/**
 * Bugs planted in `src/runtime`. They went unnoticed when they were first tried by hand.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The bugs of this folder. */
export const RUNTIME_MUTANTS: readonly Mutant[] = [
  {
    id: "R1",
    file: "src/runtime/deno/deno_files.ts",
    bug: "after a failed write the known position of the file is stale",
    text: "this.#position = ANYWHERE;\n      throw fileError(`write",
    replacement: "throw fileError(`write",
    test: "tests/runtime/deno/deno_files_test.ts",
  },
];
