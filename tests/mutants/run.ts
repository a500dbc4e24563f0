/**
 * `deno task test:mutants`: plants known bugs one at a time and reports those that no test notices.
 * See `--help` and tests/mutants/README.md.
 *
 * @module
 */
import { MUTANTS } from "./lists/all.ts";
import { folderOf, type Mutant, problemsOf } from "./mutant.ts";
import {
  HELP,
  type MutantOptions,
  parseMutantOptions,
  selectMutants,
  UsageError,
} from "./options.ts";
import { removeCachedCode, TreeCopy } from "./tree_copy.ts";
import { judge, judgeRun, type Verdict } from "./verdict.ts";

/** A test process with a bug may take this much longer than without before it counts as hanging. */
const HANG_FACTOR = 5;
const HANG_GRACE_MS = 20_000;
/** For the tests without a bug, and for the type check. */
const PLAIN_LIMIT_MS = 300_000;

/** Thrown if tests fail without any bug: they would notice everything. */
class PlainTestsFail extends Error {}

const options = optionsOrExit();
if (options.help) {
  console.log(HELP);
  Deno.exit(0);
}
const problems = problemsOf(MUTANTS, readText);
for (const problem of problems) console.error(problem);
if (problems.length > 0) Deno.exit(1);

const chosen = selectedOrExit(options);
const copies = Array.from(
  { length: Math.min(options.jobs, chosen.length) },
  () => TreeCopy.create(),
);
Deno.addSignalListener("SIGINT", () => {
  for (const copy of copies) copy.remove();
  Deno.exit(130);
});
let failed: number;
try {
  failed = options.check ? await checkTypes(copies[0]!) : await testAll();
} finally {
  for (const copy of copies) copy.remove();
  await removeCachedCode(copies);
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

function optionsOrExit(): MutantOptions {
  try {
    return parseMutantOptions(Deno.args, navigator.hardwareConcurrency);
  } catch (error) {
    return exitWithUsage(error);
  }
}

function selectedOrExit(options: MutantOptions): Mutant[] {
  try {
    return selectMutants(MUTANTS, options);
  } catch (error) {
    return exitWithUsage(error);
  }
}

function exitWithUsage(error: unknown): never {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Tests every chosen mutant and returns the number of those not noticed or unusable. */
async function testAll(): Promise<number> {
  const threads = Math.max(1, Math.floor(navigator.hardwareConcurrency / copies.length));
  /** How long tests take without a bug, by test file or folder. */
  const plain = new Map<string, Promise<number>>();
  const queue = [...chosen];
  const verdicts = new Map<Mutant, Verdict>();
  await Promise.all(copies.map(async (copy) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await testOne(mutant, copy, plain, threads);
      verdicts.set(mutant, verdict);
      console.log(lineOf(mutant, verdict));
    }
  }));
  printFolders(verdicts);
  return [...verdicts.values()].filter(({ kind }) => kind === "missed" || kind === "unusable")
    .length;
}

async function testOne(
  mutant: Mutant,
  copy: TreeCopy,
  plain: Map<string, Promise<number>>,
  threads: number,
): Promise<Verdict> {
  try {
    return await judge(mutant, async (paths) => {
      const plainMs = await plainDuration(paths, copy, plain, threads);
      const limitMs = HANG_GRACE_MS + HANG_FACTOR * plainMs;
      return await copy.withBugs([mutant], () => copy.test(paths, { threads, limitMs }));
    }, options);
  } catch (error) {
    if (error instanceof PlainTestsFail) return { kind: "unusable", why: error.message };
    throw error;
  }
}

function plainDuration(
  paths: readonly string[],
  copy: TreeCopy,
  known: Map<string, Promise<number>>,
  threads: number,
): Promise<number> {
  const key = paths.join(" ");
  let duration = known.get(key);
  if (duration === undefined) known.set(key, duration = measure());
  return duration;

  async function measure(): Promise<number> {
    const run = await copy.test(paths, { threads, limitMs: PLAIN_LIMIT_MS });
    const verdict = judgeRun(key, run);
    if (verdict.kind !== "missed") {
      const how = verdict.kind === "noticed" ? verdict.how : verdict.why;
      throw new PlainTestsFail(`tests fail without a bug too, correct them first: ${how}`);
    }
    return run.durationMs;
  }
}

function lineOf({ id, file, bug }: Mutant, verdict: Verdict): string {
  switch (verdict.kind) {
    case "noticed":
      return `${id}: noticed by ${verdict.how}`;
    case "stray":
      return `${id}: noticed, but not by the test file it names: by ${verdict.how}`;
    case "missed":
      return `${id}: NOT NOTICED: ${bug} (${file})`;
    case "unusable":
      return `${id}: UNUSABLE: ${verdict.why}`;
  }
}

function printFolders(verdicts: ReadonlyMap<Mutant, Verdict>): void {
  const folders = new Map<string, { noticed: number; all: number }>();
  for (const [mutant, { kind }] of verdicts) {
    const count = folders.get(folderOf(mutant)) ?? { noticed: 0, all: 0 };
    count.all++;
    if (kind === "noticed" || kind === "stray") count.noticed++;
    folders.set(folderOf(mutant), count);
  }
  for (const [folder, { noticed, all }] of folders) {
    console.log(`src/${folder}: ${noticed} of ${all} bugs noticed`);
  }
}

/** Type-checks every chosen mutant and returns the number of those that do not pass. */
async function checkTypes(copy: TreeCopy): Promise<number> {
  let wrong = 0;
  for (const round of roundsOf(chosen)) {
    const errors = await copy.withBugs(round, () => copy.check(["src/"], PLAIN_LIMIT_MS));
    if (errors === "") continue;
    for (const mutant of round) {
      const own = await copy.withBugs([mutant], () => copy.check(["src/"], PLAIN_LIMIT_MS));
      if (own === "") continue;
      wrong++;
      console.log(`${mutant.id}: UNUSABLE: does not pass the type check\n${own.trim()}`);
    }
  }
  return wrong;
}

/** Splits the mutants so that no two of a round change the same file: one check serves a round. */
function roundsOf(mutants: readonly Mutant[]): Mutant[][] {
  const rounds: Mutant[][] = [];
  const used = new Map<string, number>();
  for (const mutant of mutants) {
    const index = used.get(mutant.file) ?? 0;
    used.set(mutant.file, index + 1);
    (rounds[index] ??= []).push(mutant);
  }
  return rounds;
}
