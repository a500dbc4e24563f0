/**
 * Compares Millrace with Apache Kafka on this machine: `deno task bench:kafka`. Fetches Kafka from Maven
 * Central once, runs Kafka's own tools against both brokers in turn, and prints a table in Markdown.
 * `bench/README.md` explains the rows.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type RunningBroker, setTreeBefore, type Side, startBroker } from "./kafka/brokers.ts";
import {
  describeMachine,
  MissingToolError,
  prepare,
  removeData,
  setDataParent,
} from "./kafka/environment.ts";
import { loadGroups } from "./kafka/load.ts";
import { residentMb } from "./kafka/process.ts";
import { report } from "./kafka/report.ts";
import { measureKilled, measureMany } from "./kafka/restarts.ts";
import { RESTART_KILLED, RESTART_MANY, TESTS } from "./kafka/rows.ts";
import { Samples } from "./kafka/samples.ts";
import { measureFirstRecord, measureInProcess, measureStart } from "./kafka/startup.ts";

const HELP = `deno task bench:kafka [options]

  --only REGEX     run only tests whose names match: ${TESTS.join("; ")}
  --runs N         runs per test; prints medians (default: 3)
  --floor          include a server that does nothing, where it can be measured
  --before DIR     another tree of Millrace to compare with
  --data-dir DIR   parent of the data directories, such as /dev/shm: after thousands of deletions ext4
                   creates files a hundred times more slowly for some minutes
  --scale X        factor for the number of records; below 1 the rates are meaningless
  --out FILE.md    also write the table to this file`;

interface Options {
  readonly runs: number;
  readonly scale: number;
  readonly floor: boolean;
  /** The absolute path of another tree to compare with, or null. */
  readonly before: string | null;
  readonly out: string | undefined;
  isWanted(test: string): boolean;
}

function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["only", "runs", "scale", "out", "before", "data-dir"],
    boolean: ["help", "floor"],
    default: { runs: "3", scale: "1", only: "." },
    unknown: (arg) => void unknown.push(arg),
  });
  if (parsed.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  const runs = Number(parsed.runs);
  const scale = Number(parsed.scale);
  const only = new RegExp(parsed.only);
  const isWanted = (test: string) => only.test(test);
  if (
    unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || !(scale > 0) ||
    !TESTS.some(isWanted) || parsed.before === ""
  ) {
    console.error(HELP);
    Deno.exit(2);
  }
  if (parsed["data-dir"] !== undefined) setDataParent(parsed["data-dir"]);
  const before = parsed.before === undefined ? null : Deno.realPathSync(parsed.before);
  return { runs, scale, floor: parsed.floor, before, out: parsed.out, isWanted };
}

/** The brokers that are measured on their own. */
function sidesOf({ before }: Options): Side[] {
  return before === null ? ["kafka", "millrace"] : ["kafka", "before", "millrace"];
}

/** Brokers that are started for one test only. */
async function measureStarts(options: Options, samples: Samples): Promise<void> {
  const { runs, isWanted } = options;
  for (let i = 0; i < runs; i++) {
    for (const side of sidesOf(options)) {
      if (["start", "idle", "idle connections"].some(isWanted)) {
        progress(`start and idle, ${side}, ${i + 1} of ${runs}`);
        await measureStart(side, samples, isWanted);
      }
      if (isWanted("start")) await measureFirstRecord(side, samples);
    }
    if (!isWanted("in process")) continue;
    if (options.before !== null) await measureInProcess("before", samples);
    await measureInProcess("millrace", samples);
  }
}

/** Brokers that are restarted on their data. */
async function measureRestarts(options: Options, samples: Samples): Promise<void> {
  const { runs, scale, isWanted } = options;
  for (const side of sidesOf(options)) {
    if (isWanted(RESTART_KILLED)) {
      progress(`${RESTART_KILLED}, ${side}`);
      await measureKilled(side, runs, scale, samples);
    }
    if (isWanted(RESTART_MANY)) {
      progress(`${RESTART_MANY}, ${side}`);
      await measureMany(side, runs, samples);
    }
  }
}

/** Both brokers under load: one round that is not recorded, then the recorded rounds. */
async function measureLoad(options: Options, samples: Samples): Promise<void> {
  const groups = loadGroups(options);
  if (groups.length === 0) return;
  await using kafka = await startBroker("kafka");
  await using millrace = await startBroker("millrace");
  await using before = options.before === null ? null : await startBroker("before");
  await using floor = options.floor ? await startBroker("floor") : null;
  const brokers: RunningBroker[] = [kafka, before, millrace, floor].filter((it) => it !== null);
  // A broker may be affected by dirty pages of the previous one, so no order is used twice in a row.
  const orders = ordersOf(brokers);
  for (let round = 0; round <= options.runs; round++) {
    for (const [number, group] of groups.entries()) {
      for (const broker of orders.next().value!) {
        const which = round === 0 ? "warming up" : `${round} of ${options.runs}`;
        progress(`load ${number + 1} of ${groups.length}, ${broker.side}, ${which}`);
        await group(broker, round === 0 ? new Samples() : samples);
      }
    }
  }
  if (!options.isWanted("memory")) return;
  for (const { side, pid } of brokers) {
    if (side !== "floor") samples.add(side, "memory", "resident after everything", residentMb(pid));
  }
}

/**
 * Yields permutations of `items` without end. Each swaps two neighbours of the previous one: the last two
 * and the first two alternately, which covers all permutations of three items.
 */
function* ordersOf<T>(items: readonly T[]): Generator<readonly T[]> {
  const order = [...items];
  for (let index = order.length - 2;; index = index === 0 ? order.length - 2 : 0) {
    yield order;
    if (order.length > 1) order.splice(index, 2, order[index + 1]!, order[index]!);
  }
}

function progress(what: string): void {
  console.error(`${new Date().toTimeString().slice(0, 8)} ${what}`);
}

async function main(): Promise<void> {
  const options = readOptions(Deno.args);
  const samples = new Samples();
  if (options.before !== null) setTreeBefore(options.before);
  await prepare();
  try {
    await measureStarts(options, samples);
    await measureLoad(options, samples);
    await measureRestarts(options, samples);
  } finally {
    await removeData();
  }
  const text = report(samples, await describeMachine(), options.runs, {
    floor: options.floor,
    before: options.before !== null,
  });
  console.log(text);
  if (options.out !== undefined) await Deno.writeTextFile(options.out, `${text}\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof MissingToolError ? error.message : error);
    Deno.exit(1);
  }
}
