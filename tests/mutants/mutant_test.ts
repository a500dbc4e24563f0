import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "../harness.ts";
import { applyMutant, folderOf, InvalidMutant, type Mutant, problemsOf } from "./mutant.ts";
import { HELP, parseMutantOptions, selectMutants, UsageError } from "./options.ts";
import { outcomeOf, type TestRun } from "./test_outcome.ts";
import { judge } from "./verdict.ts";

const MUTANT: Mutant = {
  id: "X1",
  file: "src/log/one.ts",
  bug: "counts one too many",
  text: "count < end",
  replacement: "count <= end",
  test: "tests/log/one_test.ts",
};

function mutant(id: string, folder: string): Mutant {
  return { ...MUTANT, id, file: `src/${folder}/one.ts` };
}

function run(output: string, more: Partial<TestRun> = {}): TestRun {
  return { code: 1, output, durationMs: 5, timedOut: false, crashed: false, ...more };
}

test("applyMutant() replaces the text, dollar signs included", () => {
  assertEquals(applyMutant(MUTANT, "if (count < end) go();"), "if (count <= end) go();");
  const dollars = { ...MUTANT, replacement: "$& $1 $$" };
  assertEquals(applyMutant(dollars, "if (count < end)"), "if ($& $1 $$)");
  assertEquals(applyMutant({ ...MUTANT, replacement: "" }, "a count < end b"), "a  b");
});

test("applyMutant() rejects a text that does not occur exactly once", () => {
  for (const [source, times] of [["", 0], ["count<end", 0], ["count < end, count < end", 2]]) {
    const error = assertThrows(() => applyMutant(MUTANT, String(source)), InvalidMutant);
    assertStringIncludes(error.message, `X1: its text occurs ${times} times in src/log/one.ts`);
    assertStringIncludes(error.message, "correct the entry in tests/mutants/lists/");
  }
  assertThrows(() => applyMutant({ ...MUTANT, text: "" }, "text"), InvalidMutant, "0 times");
  const same = { ...MUTANT, replacement: MUTANT.text };
  assertThrows(() => applyMutant(same, "count < end"), InvalidMutant, "the same");
});

test("problemsOf() names every stale entry", () => {
  const files = new Map([
    ["src/log/one.ts", "count < end"],
    ["src/log/two.ts", "count > end"],
    ["tests/log/one_test.ts", ""],
  ]);
  const read = (path: string) => files.get(path);
  assertEquals(problemsOf([MUTANT], read), []);
  const problems = problemsOf(
    [
      MUTANT,
      MUTANT,
      { ...MUTANT, id: "X2", file: "src/log/two.ts" },
      { ...MUTANT, id: "X3", file: "src/log/gone.ts" },
      { ...MUTANT, id: "X4", test: "tests/log/gone_test.ts" },
      { ...MUTANT, id: "X5", file: "cli/main.ts" },
    ],
    read,
  );
  const expected = [
    "X1: two entries have this id",
    "X2: its text occurs 0 times",
    "X3: src/log/gone.ts does not exist",
    "X4: test file tests/log/gone_test.ts does not exist",
    "X5: cli/main.ts is not a file of a folder of src/",
  ];
  assertEquals(problems.length, expected.length);
  expected.forEach((text, i) => assertStringIncludes(problems[i]!, text));
});

test("folderOf() is the folder below src/", () => {
  assertEquals(folderOf({ ...MUTANT, file: "src/log/compaction/cleaner.ts" }), "log");
});

test("parseMutantOptions() reads every flag and has defaults", () => {
  assertEquals(parseMutantOptions([], 4), {
    help: false,
    check: false,
    wholeFolder: false,
    fileOnly: false,
    jobs: 4,
    folders: [],
    only: [],
  });
  const flags = ["--folder", "log,broker", "--only=L1", "--jobs", "2", "--share", "2/8"];
  assertEquals(parseMutantOptions([...flags, "--whole-folder", "--check", "--help"], 4), {
    help: true,
    check: true,
    wholeFolder: true,
    fileOnly: false,
    jobs: 2,
    folders: ["log", "broker"],
    only: ["L1"],
    share: { index: 2, of: 8 },
  });
  assertEquals(parseMutantOptions(["--file-only"], 1).fileOnly, true);
  assertEquals(parseMutantOptions(["--sample", "9"], 1).sample, { count: 9, seed: 1 });
  assertEquals(parseMutantOptions(["--sample=9", "--seed=7"], 1).sample, { count: 9, seed: 7 });
});

test("parseMutantOptions() rejects unknown flags, wrong values and contradictions", () => {
  const table: [string[], string][] = [
    [["--jbos", "2"], 'unknown argument "--jbos"'],
    [["log"], 'unknown argument "log"'],
    [["--jobs", "0"], "--jobs must be at least 1"],
    [["--jobs", "many"], '--jobs "many" is not a whole number'],
    [["--share", "0/4"], '--share "0/4" is not K/N'],
    [["--share", "5/4"], '--share "5/4" is not K/N'],
    [["--share", "2"], '--share "2" is not K/N'],
    [["--sample", "0"], "--sample must be at least 1"],
    [["--seed", "3"], "--seed needs --sample"],
    [["--sample", "3", "--share", "1/2"], "exclude each other"],
    [["--whole-folder", "--file-only"], "exclude each other"],
    [["--folder="], "--folder needs a name"],
    [["--only", "L1,"], "--only needs a name"],
  ];
  for (const [args, message] of table) {
    assertThrows(() => parseMutantOptions(args, 2), UsageError, message);
  }
});

test("the help names every flag", () => {
  for (
    const flag of [
      "folder",
      "only",
      "share",
      "sample",
      "seed",
      "jobs",
      "whole-folder",
      "file-only",
      "check",
    ]
  ) {
    assertStringIncludes(HELP, `--${flag}`);
  }
});

test("selectMutants() chooses by folder, id, share and sample", () => {
  const all = ["L1", "L2", "B1", "L3", "B2"].map((id) =>
    mutant(id, id[0] === "L" ? "log" : "broker")
  );
  const ids = (...args: string[]) =>
    selectMutants(all, parseMutantOptions(args, 1)).map(({ id }) => id);
  assertEquals(ids(), ["L1", "L2", "B1", "L3", "B2"]);
  assertEquals(ids("--folder", "broker"), ["B1", "B2"]);
  assertEquals(ids("--only", "B2,L1"), ["L1", "B2"]);
  assertEquals(ids("--share", "1/2"), ["L1", "B1", "B2"]);
  assertEquals(ids("--share", "2/2"), ["L2", "L3"]);
  assertEquals(ids("--sample", "9"), ids());
  assertEquals(ids("--sample", "2", "--seed", "3"), ids("--sample", "2", "--seed", "3"));
  const drawn = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const sample = ids("--sample", "2", "--seed", String(seed));
    assertEquals(new Set(sample).size, 2);
    for (const id of sample) drawn.add(id);
  }
  assertEquals(drawn.size, all.length);
  assertThrows(() => ids("--folder", "client"), UsageError, "no bug is planted in src/client");
  assertThrows(() => ids("--only", "L9"), UsageError, "there is no bug L9");
});

test("outcomeOf() names failed tests, of one file and of several", () => {
  const one = [
    "running 2 tests from ./tests/log/one_test.ts",
    "append() works ... ok (2ms)",
    "read() => works ... FAILED (3ms)",
    "",
    "FAILED | 1 passed | 1 failed (9ms)",
  ];
  assertEquals(outcomeOf(run(one.join("\n"))), {
    kind: "failed",
    by: [{ file: "tests/log/one_test.ts", title: "read() => works" }],
  });
  const several = [
    "./tests/log/one_test.ts => append() works ... FAILED (2ms)",
    "Uncaught error from ./tests/log/two_test.ts FAILED",
    "FAILED | 0 passed | 2 failed (9ms)",
  ];
  assertEquals(outcomeOf(run(several.join("\n"))), {
    kind: "failed",
    by: [
      { file: "tests/log/one_test.ts", title: "append() works" },
      { file: "tests/log/two_test.ts", title: "(uncaught error)" },
    ],
  });
});

test("outcomeOf() tells a hang, a crash and tests that did not run from failed ones", () => {
  assertEquals(outcomeOf(run("", { timedOut: true })), { kind: "hung" });
  assertEquals(outcomeOf(run("", { crashed: true })), { kind: "crashed" });
  assertEquals(outcomeOf(run("ok | 3 passed | 0 failed (1ms)", { code: 0 })), { kind: "passed" });
  assertEquals(outcomeOf(run("ok | 0 passed | 0 failed (1ms)", { code: 0 })).kind, "broken");
  assertEquals(outcomeOf(run("error: SyntaxError: Unexpected token\n  |")), {
    kind: "broken",
    message: "error: SyntaxError: Unexpected token",
  });
  assertEquals(outcomeOf(run("")), { kind: "broken", message: "exit code 1" });
});

const PASSED = run("ok | 3 passed | 0 failed (1ms)", { code: 0 });
const FAILED = run("./tests/log/x_test.ts => x ... FAILED (1ms)\nFAILED | 2 passed | 1 failed");

/** Judges `MUTANT` by what each path of tests comes to. */
async function judged(
  runs: Record<string, TestRun>,
  options = { wholeFolder: false, fileOnly: false },
  one: Mutant = MUTANT,
) {
  const paths: string[] = [];
  const verdict = await judge(one, ([path]) => {
    paths.push(path!);
    return Promise.resolve(runs[path!]!);
  }, options);
  return { kind: verdict.kind, paths };
}

test("judge() runs the named test file, and the folder only if that passes", async () => {
  const file = "tests/log/one_test.ts";
  const folder = "tests/log";
  const table: [Record<string, TestRun>, { kind: string; paths: string[] }][] = [
    [{ [file]: FAILED }, { kind: "noticed", paths: [file] }],
    [{ [file]: run("", { timedOut: true }) }, { kind: "noticed", paths: [file] }],
    [{ [file]: run("", { crashed: true }) }, { kind: "noticed", paths: [file] }],
    [{ [file]: run("error: no") }, { kind: "unusable", paths: [file] }],
    [{ [file]: PASSED, [folder]: FAILED }, { kind: "stray", paths: [file, folder] }],
    [{ [file]: PASSED, [folder]: PASSED }, { kind: "missed", paths: [file, folder] }],
  ];
  for (const [runs, expected] of table) assertEquals(await judged(runs), expected);
});

test("judge() leaves the folder out if only the named test file counts", async () => {
  const file = "tests/log/one_test.ts";
  const options = { wholeFolder: false, fileOnly: true };
  assertEquals(await judged({ [file]: PASSED }, options), { kind: "missed", paths: [file] });
  assertEquals(await judged({ [file]: FAILED }, options), { kind: "noticed", paths: [file] });
});

test("judge() runs the folder at once if no test file is named, or all are wanted", async () => {
  const { test: _, ...unnamed } = MUTANT;
  const expected = { kind: "noticed", paths: ["tests/log"] };
  const options = { wholeFolder: false, fileOnly: false };
  assertEquals(await judged({ "tests/log": FAILED }, { ...options, wholeFolder: true }), expected);
  assertEquals(await judged({ "tests/log": FAILED }, options, unnamed), expected);
});
