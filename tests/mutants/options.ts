/**
 * The flags of `deno task test:mutants`, and the mutants that they choose.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { folderOf, type Mutant } from "./mutant.ts";

/** What a run does. */
export interface MutantOptions {
  readonly help: boolean;
  /** Type-check the mutants instead of running tests. */
  readonly check: boolean;
  /** Run all tests of the folder even if the entry names a test file. */
  readonly wholeFolder: boolean;
  /** Run no tests but the named test file: what it misses is not noticed. */
  readonly fileOnly: boolean;
  /** Number of mutants tested at the same time, each in a copy of its own. */
  readonly jobs: number;
  readonly folders: readonly string[];
  readonly only: readonly string[];
  readonly share?: { readonly index: number; readonly of: number };
  readonly sample?: { readonly count: number; readonly seed: number };
}

/** Thrown for flags that are unknown, malformed or contradictory. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The text of `--help`. */
export const HELP = `Plants known bugs one at a time in a copy of the tree and runs the tests
that should notice them.

Usage: deno task test:mutants [flags]

  --folder NAME[,NAME]  only the bugs in these folders of src/
  --only ID[,ID]        only these bugs
  --share K/N           only every N-th bug, beginning with the K-th
  --sample N            only N bugs, drawn at random
  --seed S              the seed of the draw, defaults to 1
  --jobs N              number of bugs tested at the same time, defaults to the number of cores
  --whole-folder        run all tests of the folder, not only the named test file
  --file-only           run the named test file only, not the folder if that file passes
  --check               type-check the bugs instead of running tests
  --help                this text

Exits with 1 if a bug is not noticed or an entry is stale, with 2 if a flag is wrong.`;

const FLAGS = {
  string: ["folder", "only", "share", "sample", "seed", "jobs"],
  boolean: ["help", "check", "whole-folder", "file-only"],
} as const;

/**
 * Parses the command line.
 *
 * @throws {UsageError} If a flag is unknown or its value is not one.
 */
export function parseMutantOptions(args: readonly string[], cores: number): MutantOptions {
  const flags = parseArgs([...args], {
    ...FLAGS,
    unknown: (argument) => {
      throw new UsageError(`unknown argument "${argument}", see --help`);
    },
  });
  const sample = number("sample", flags.sample);
  const seed = number("seed", flags.seed);
  if (seed !== undefined && sample === undefined) throw new UsageError("--seed needs --sample");
  if (flags.share !== undefined && sample !== undefined) {
    throw new UsageError("--share and --sample exclude each other");
  }
  if (flags["whole-folder"] && flags["file-only"]) {
    throw new UsageError("--whole-folder and --file-only exclude each other");
  }
  return {
    help: flags.help,
    check: flags.check,
    wholeFolder: flags["whole-folder"],
    fileOnly: flags["file-only"],
    jobs: positive("jobs", number("jobs", flags.jobs) ?? cores),
    folders: names("folder", flags.folder),
    only: names("only", flags.only),
    ...(flags.share === undefined ? {} : { share: share(flags.share) }),
    ...(sample === undefined
      ? {}
      : { sample: { count: positive("sample", sample), seed: seed ?? 1 } }),
  };
}

function names(flag: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  const parts = text.split(",");
  if (parts.includes("")) throw new UsageError(`--${flag} needs a name`);
  return parts;
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${flag} "${text}" is not a whole number`);
  return Number(text);
}

function positive(flag: string, value: number): number {
  if (value < 1) throw new UsageError(`--${flag} must be at least 1`);
  return value;
}

function share(text: string): { index: number; of: number } {
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (index >= 1 && index <= of) return { index, of };
  throw new UsageError(`--share "${text}" is not K/N with 1 <= K <= N`);
}

/**
 * Returns the mutants that the options choose, in the order of the lists.
 *
 * @throws {UsageError} If a folder or id has no mutant.
 */
export function selectMutants(all: readonly Mutant[], options: MutantOptions): Mutant[] {
  const { folders, only, share, sample } = options;
  for (const folder of folders) {
    if (all.some((mutant) => folderOf(mutant) === folder)) continue;
    throw new UsageError(`no bug is planted in src/${folder}`);
  }
  for (const id of only) {
    if (!all.some((mutant) => mutant.id === id)) throw new UsageError(`there is no bug ${id}`);
  }
  const chosen = all
    .filter((mutant) => folders.length === 0 || folders.includes(folderOf(mutant)))
    .filter((mutant) => only.length === 0 || only.includes(mutant.id));
  if (share !== undefined) {
    return chosen.filter((_, index) => index % share.of === share.index - 1);
  }
  if (sample !== undefined) return draw(chosen, sample.count, sample.seed);
  return chosen;
}

/** Draws `count` mutants without repetition; the same seed draws the same ones. */
function draw(from: readonly Mutant[], count: number, seed: number): Mutant[] {
  const random = mulberry32(seed);
  const ranked = from.map((mutant, index) => ({ mutant, index, rank: random() }));
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .sort((a, b) => a.index - b.index)
    .map(({ mutant }) => mutant);
}

function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
