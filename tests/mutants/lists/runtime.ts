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
  {
    id: "R2",
    file: "src/runtime/killable_runtime.ts",
    bug: "promises of a killed process settle",
    text: "if (!this.#isKilled) return wrap(value);",
    replacement: "if (!this.#isKilled || value === value) return wrap(value);",
    test: "tests/runtime/killable_runtime_test.ts",
  },
  {
    id: "R3",
    file: "src/runtime/killable_runtime.ts",
    bug: "a killed process goes on writing",
    text: 'this.#use("write", path);',
    replacement: "",
    test: "tests/runtime/killable_runtime_test.ts",
  },
  {
    id: "R4",
    file: "src/runtime/killable_runtime.ts",
    bug: "the locks of a killed process stay",
    text: "const giveBack = this.#hold(`the lock ${path}`, () => lock.release());",
    replacement: "const giveBack = this.#hold(`the lock ${path}`, () => {});",
    test: "tests/runtime/killable_runtime_test.ts",
  },
  {
    id: "R5",
    file: "src/runtime/node/node.ts",
    bug: "an older Node.js with a larger minor version is accepted",
    text: "major === oldestMajor && minor >= oldestMinor",
    replacement: "minor >= oldestMinor",
    test: "tests/runtime/node/node_test.ts",
  },
];
