/**
 * Judges one planted bug by the tests that run while it is in the code.
 *
 * @module
 */
import { folderOf, type Mutant } from "./mutant.ts";
import { type FailedTest, outcomeOf, type TestRun } from "./test_outcome.ts";

/**
 * - `stray`: noticed by tests of the folder, though not by the test file that the entry names
 * - `unusable`: the tests say nothing about this bug, `why` says what to correct
 */
export type Verdict =
  | { readonly kind: "noticed"; readonly how: string }
  | { readonly kind: "stray"; readonly how: string }
  | { readonly kind: "missed" }
  | { readonly kind: "unusable"; readonly why: string };

/** Runs test files or folders of tests against the tree with the bug in it. */
export type RunTests = (paths: readonly string[]) => Promise<TestRun>;

/**
 * Judges a mutant: by the test file it names, then, if that passes, by all tests of its folder. One of
 * the options, or none, leaves one of the two out.
 */
export async function judge(
  mutant: Mutant,
  run: RunTests,
  { wholeFolder, fileOnly }: { wholeFolder: boolean; fileOnly: boolean },
): Promise<Verdict> {
  const folder = `tests/${folderOf(mutant)}`;
  const { test } = mutant;
  if (test === undefined || wholeFolder) {
    return judgeRun(folder, await run([folder]));
  }
  const verdict = judgeRun(test, await run([test]));
  if (verdict.kind !== "missed" || fileOnly) return verdict;
  const wider = judgeRun(folder, await run([folder]));
  return wider.kind === "noticed" ? { kind: "stray", how: wider.how } : wider;
}

/** Judges by one run of the tests in `path`. */
export function judgeRun(
  path: string,
  run: TestRun,
): Exclude<Verdict, { readonly kind: "stray" }> {
  const outcome = outcomeOf(run);
  switch (outcome.kind) {
    case "passed":
      return { kind: "missed" };
    case "failed":
      return { kind: "noticed", how: describe(outcome.by) };
    case "hung":
      return { kind: "noticed", how: `${path} hung and was ended` };
    case "crashed":
      return { kind: "noticed", how: `${path} crashed the test process` };
    case "broken":
      return { kind: "unusable", why: `${path} does not start: ${outcome.message}` };
  }
}

const MAX_DESCRIBED = 3;

function describe(failed: readonly FailedTest[]): string {
  const described = failed.slice(0, MAX_DESCRIBED).map(({ file, title }) => `${file}: ${title}`);
  const more = failed.length - described.length;
  return [...described, ...(more > 0 ? [`${more} more`] : [])].join("; ");
}
