/**
 * The arguments of `deno task sim`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { closest, UsageError } from "../../../cli/fail.ts";

/** A request to the command. */
export type Request =
  | { readonly kind: "help" }
  | {
    /** Runs many seeds of each scenario. */
    readonly kind: "seeds";
    readonly scenarios: readonly ScenarioSeeds[];
    readonly first: number;
    /** How many processes share the seeds of a scenario. */
    readonly jobs: number;
    /** How many lines of its transcript a failure shows. */
    readonly lines: number;
  }
  | {
    /** Runs one seed of each scenario and prints its outcome. */
    readonly kind: "seed";
    readonly scenarios: readonly string[];
    readonly seed: number;
    readonly lines: number;
    /** The faults of the schedule to leave out, numbered from 1. */
    readonly dropped: ReadonlySet<number>;
  }
  | {
    /** Finds the smallest schedule with which one seed of each scenario fails. */
    readonly kind: "minimise";
    readonly scenarios: readonly string[];
    readonly seed: number;
    readonly lines: number;
  }
  | {
    /** Records the trace hashes that the tests compare. */
    readonly kind: "record";
    readonly scenarios: readonly string[];
  };

/** A scenario and how many seeds of it are run. */
export interface ScenarioSeeds {
  readonly name: string;
  readonly seeds: number;
}

const DEFAULT_SEEDS = 200;
const DEFAULT_FIRST = 1;
const DEFAULT_LINES = 30;
const MAX_JOBS = 64;
const HINT = "see deno task sim --help";

const VALUES = [
  "scenario",
  "seeds",
  "default-seeds",
  "first",
  "jobs",
  "seed",
  "lines",
  "drop",
] as const;
const SWITCHES = ["minimise", "record", "help"] as const;
/** Flags that mean something else together, or nothing. */
const EXCLUSIVE: readonly (readonly [string, readonly string[]])[] = [
  ["record", ["seed", "seeds", "first", "jobs", "lines", "drop", "minimise"]],
  ["seed", ["seeds", "first", "jobs"]],
  ["minimise", ["drop"]],
];
/** Flags that are about one seed. */
const NEEDS_SEED = ["drop", "minimise"];

/** The help, as lines. `scenarios` are the names of all scenarios. */
export function helpLines(scenarios: readonly string[]): string[] {
  return [
    "Runs the simulated scenarios over seeds. The same seed is the same run, on every machine.",
    "",
    "Usage",
    "  deno task sim [--scenario NAMES] [--seeds N] [--first SEED] [--jobs N] [--lines N]",
    "  deno task sim [--scenario NAMES] --seed SEED [--lines N] [--drop FAULTS | --minimise]",
    "  deno task sim [--scenario NAMES] --record",
    "",
    "Flags",
    `  --scenario NAMES  scenarios with commas between them, each NAME or NAME=SEEDS; all by default:`,
    `                    ${scenarios.join(", ")}`,
    `  --seeds N         how many seeds of each scenario to run (default ${DEFAULT_SEEDS})`,
    "  --default-seeds N the default of --seeds, for tasks that are called with more flags",
    `  --first SEED      the first seed (default ${DEFAULT_FIRST})`,
    "  --jobs N          how many processes share the seeds of a scenario (default 1)",
    "  --seed SEED       run this seed only, and print its faults, trace hash and counts",
    `  --lines N         lines of the transcript to print for a failure, and for --seed, where requests`,
    `                    and responses are decoded (default ${DEFAULT_LINES})`,
    "  --drop FAULTS     leave out these faults of the seed, numbers with commas between them",
    "  --minimise        find the smallest set of faults with which the seed fails",
    "  --record          record the trace hashes that the tests compare, after an intended change of",
    "                    behaviour",
    "  -h, --help        print this help",
    "",
    "Exit codes: 0 all is well, 1 a seed failed, 2 wrong arguments",
  ];
}

/** Reads the arguments. `scenarios` are the names of all scenarios. Throws a `UsageError`. */
export function parseRequest(args: readonly string[], scenarios: readonly string[]): Request {
  const parsed = parseArgs([...args], {
    alias: { help: ["h"] },
    boolean: [...SWITCHES],
    string: ["_", ...VALUES],
    collect: [...VALUES],
    unknown(argument, key) {
      if (key === undefined) return true;
      throw unknownFlag(argument);
    },
  });
  if (parsed.help) return { kind: "help" };
  const [stray] = parsed._;
  if (stray !== undefined) {
    throw new UsageError(`"${stray}" is no flag, and the command has no other arguments (${HINT})`);
  }
  const values = new Map<string, string>();
  for (const name of VALUES) {
    const given = (parsed[name] ?? []) as string[];
    if (given.length > 1) throw new UsageError(`--${name} is given ${given.length} times`);
    if (given[0] === "") throw new UsageError(`--${name} needs a value (${HINT})`);
    if (given[0] !== undefined) values.set(name, given[0]);
  }
  const switches = SWITCHES.filter((name) => parsed[name]);
  const given = new Set<string>([...values.keys(), ...switches]);
  for (const [flag, others] of EXCLUSIVE) {
    const other = others.find((name) => given.has(name));
    if (!given.has(flag) || other === undefined) continue;
    throw new UsageError(`--${flag} and --${other} exclude each other (${HINT})`);
  }
  const lonely = NEEDS_SEED.find((name) => given.has(name) && !given.has("seed"));
  if (lonely !== undefined) throw new UsageError(`--${lonely} needs --seed (${HINT})`);
  return requestOf(values, given, scenarios);
}

function requestOf(
  values: ReadonlyMap<string, string>,
  given: ReadonlySet<string>,
  all: readonly string[],
): Request {
  const number = (name: string, fallback: number, least = 0, most = Number.MAX_SAFE_INTEGER) =>
    wholeNumber(`--${name}`, values.get(name), fallback, least, most);
  const chosen = chosenScenarios(values.get("scenario"), all);
  const lines = number("lines", DEFAULT_LINES);
  const counted = chosen.find(({ seeds }) => seeds !== null);
  if (given.has("record") || given.has("seed")) {
    const flag = given.has("record") ? "record" : "seed";
    if (counted !== undefined) {
      throw new UsageError(
        `--${flag} and "${counted.name}=${counted.seeds}" exclude each other (${HINT})`,
      );
    }
    const scenarios = chosen.map(({ name }) => name);
    if (flag === "record") return { kind: "record", scenarios };
    const seed = number("seed", 0);
    if (given.has("minimise")) return { kind: "minimise", scenarios, seed, lines };
    const dropped = droppedFaults(values.get("drop"));
    if (dropped.size > 0 && scenarios.length > 1) {
      throw new UsageError(`--drop needs one --scenario (${HINT})`);
    }
    return { kind: "seed", scenarios, seed, lines, dropped };
  }
  const seeds = number("seeds", number("default-seeds", DEFAULT_SEEDS, 1), 1);
  const scenarios = chosen.map((scenario) => ({ ...scenario, seeds: scenario.seeds ?? seeds }));
  const most = Number.MAX_SAFE_INTEGER - Math.max(...scenarios.map((scenario) => scenario.seeds));
  return {
    kind: "seeds",
    scenarios,
    first: number("first", DEFAULT_FIRST, 0, most),
    jobs: number("jobs", 1, 1, MAX_JOBS),
    lines,
  };
}

function chosenScenarios(
  text: string | undefined,
  all: readonly string[],
): { readonly name: string; readonly seeds: number | null }[] {
  if (text === undefined) return all.map((name) => ({ name, seeds: null }));
  const chosen = text.split(",").map((part) => {
    const [name, count, ...rest] = part.split("=");
    if (!all.includes(name!) || rest.length > 0) throw unknownScenario(part, all);
    const seeds = count === undefined ? null : wholeNumber(`"${part}"`, count, 0, 1);
    return { name: name!, seeds };
  });
  const names = chosen.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated === undefined) return chosen;
  throw new UsageError(`The scenario "${repeated}" is named twice`);
}

function droppedFaults(text: string | undefined): Set<number> {
  if (text === undefined) return new Set();
  return new Set(text.split(",").map((part) => wholeNumber("--drop", part, 0, 1)));
}

function wholeNumber(
  what: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(
    `${what} cannot be "${text}": expected a whole number from ${least} to ${most}`,
  );
}

function unknownFlag(argument: string): UsageError {
  const flag = argument.replace(/=.*$/s, "");
  const meant = closest(flag.replace(/^-+/, ""), [...VALUES, ...SWITCHES]);
  return new UsageError(
    `There is no flag ${flag}${meant === null ? "" : `, did you mean --${meant}?`} (${HINT})`,
  );
}

function unknownScenario(part: string, all: readonly string[]): UsageError {
  return new UsageError(
    `There is no scenario "${part}": choose from ${all.join(", ")}, each alone or as NAME=SEEDS`,
  );
}
