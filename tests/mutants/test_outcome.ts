/**
 * What one run of `deno test` says about a planted bug.
 *
 * @module
 */

/** How a test process ended. */
export interface TestRun {
  readonly code: number;
  readonly output: string;
  readonly durationMs: number;
  /** Ended by the time limit. */
  readonly timedOut: boolean;
  /** Ended by a signal other than that of the time limit. */
  readonly crashed: boolean;
}

/** - `broken`: the tests did not start, for example after a syntax error; says nothing about the bug */
export type TestOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly by: readonly FailedTest[] }
  | { readonly kind: "hung" }
  | { readonly kind: "crashed" }
  | { readonly kind: "broken"; readonly message: string };

/** A failed test as the runner names it. */
export interface FailedTest {
  readonly title: string;
  readonly file: string;
}

const RUNNING = /^running \d+ tests? from \.\/(\S+)$/;
/** The runner puts the file before the title if it runs several files at once. */
const FAILED_TEST = /^(?:\.\/(tests\/\S+_test\.ts) => )?(.+) \.\.\. FAILED \(/;
const FAILED_MODULE = /^Uncaught error from \.\/(\S+) FAILED$/;

/** Reads the outcome from the uncoloured output of `deno test`. */
export function outcomeOf(run: TestRun): TestOutcome {
  if (run.timedOut) return { kind: "hung" };
  if (run.crashed) return { kind: "crashed" };
  if (run.code === 0) {
    return /^ok \| [1-9]\d* passed/m.test(run.output)
      ? { kind: "passed" }
      : { kind: "broken", message: "no test ran" };
  }
  if (!/^FAILED \| /m.test(run.output)) {
    const message = run.output.split("\n").find((line) => line.startsWith("error: "));
    return { kind: "broken", message: message ?? `exit code ${run.code}` };
  }
  return { kind: "failed", by: failedTests(run.output) };
}

function failedTests(output: string): FailedTest[] {
  const failed: FailedTest[] = [];
  let running = "";
  for (const line of output.split("\n")) {
    running = RUNNING.exec(line)?.[1] ?? running;
    const module = FAILED_MODULE.exec(line)?.[1];
    if (module !== undefined) failed.push({ file: module, title: "(uncaught error)" });
    const test = FAILED_TEST.exec(line);
    if (test !== null) failed.push({ file: test[1] ?? running, title: test[2]! });
  }
  return failed;
}
