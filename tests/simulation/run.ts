/**
 * `deno task sim`: runs the simulated scenarios over as many seeds as one likes.
 *
 * - `deno task sim --seeds 1000 [--first 5000]` runs that many of every scenario;
 * - `deno task sim --scenario clients --seeds 1000` those of one;
 * - `deno task sim --scenario clients --seed 42 [--lines 40]` runs one, and prints what it came to
 *   and the last lines of its transcript;
 * - `deno task sim:disk` does the same with `disk,directories`, the scenarios of storage, over 2,000
 *   seeds unless told;
 * - `deno task sim --record` writes down the trace hashes that the tests compare on every runtime,
 *   after a change that was meant to change what happens.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import type { Outcome, Scenario } from "./outcome.ts";
import { SCENARIOS } from "./scenarios.ts";
import { RECORDED_SEED, traceHashFile } from "./trace_hash.ts";

const DEFAULT_SEEDS = 200;
const MAX_FAILURES = 5;
const DEFAULT_LINES = 30;

const options = parseArgs(Deno.args, {
  string: ["seeds", "seed", "first", "scenario", "lines", "default-seeds"],
  boolean: ["record"],
});

/** Rejections that nobody caught in the run under way. */
const unhandled: string[] = [];
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  unhandled.push(event.reason?.stack ?? String(event.reason));
});

function number(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(`"${text}" is no seed and no count: give a whole number`);
}

function refuse(why: string): never {
  console.error(why);
  Deno.exit(2);
}

async function record(): Promise<void> {
  for (const [name, run] of chosen()) {
    const { traceHash } = await run(RECORDED_SEED);
    Deno.writeTextFileSync(traceHashFile(name), `${traceHash}\n`);
    console.log(`${name}: seed ${RECORDED_SEED} comes to ${traceHash}, recorded`);
  }
}

function chosen(): [string, Scenario][] {
  const all = Object.entries(SCENARIOS);
  if (options.scenario === undefined) return all;
  const wanted = options.scenario.split(",");
  const found = all.filter(([name]) => wanted.includes(name));
  if (found.length === wanted.length) return found;
  return refuse(
    `There is no scenario "${options.scenario}": choose of ${Object.keys(SCENARIOS).join(", ")}`,
  );
}

/** Runs one seed. Whatever nobody caught counts as a failure of it. */
async function runSeed(run: Scenario, seed: number): Promise<Outcome> {
  unhandled.length = 0;
  const outcome = await run(seed);
  await new Promise((resolve) => setTimeout(resolve));
  return {
    ...outcome,
    failures: [...outcome.failures, ...unhandled.map((text) => `nobody caught ${text}`)],
  };
}

function report(name: string, outcome: Outcome, lines: number): void {
  const { seed, failures, transcript } = outcome;
  for (const line of transcript.slice(transcript.length - Math.min(lines, transcript.length))) {
    console.log(`  ${line}`);
  }
  for (const failure of failures) console.log(`${name}, seed ${seed}: ${failure}`);
  if (failures.length > 0) {
    console.log(`repeat it: deno task sim --scenario ${name} --seed ${seed}`);
  }
}

/** Runs the seeds of one scenario and returns how many failed. */
async function runAll(name: string, run: Scenario, first: number, count: number): Promise<number> {
  const started = performance.now();
  const counts: Record<string, number> = {};
  let failed = 0;
  let seed = first;
  for (; seed < first + count && failed < MAX_FAILURES; seed++) {
    const outcome = await runSeed(run, seed);
    for (const [what, times] of Object.entries(outcome.counts)) {
      counts[what] = (counts[what] ?? 0) + times;
    }
    if (outcome.failures.length === 0) continue;
    failed++;
    report(name, outcome, number(options.lines, DEFAULT_LINES));
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const told = Object.entries(counts).map(([what, times]) => `${times} ${what}`).join(", ");
  console.log(`${name}: ${seed - first} seeds in ${seconds} s: ${told}`);
  console.log(`${name}: ${failed === 0 ? "all is well" : `${failed} seeds failed`}`);
  return failed;
}

if (options.record) {
  await record();
  Deno.exit(0);
}
let failed = 0;
for (const [name, run] of chosen()) {
  if (options.seed === undefined) {
    failed += await runAll(
      name,
      run,
      number(options.first, 1),
      number(options.seeds ?? options["default-seeds"], DEFAULT_SEEDS),
    );
    continue;
  }
  const outcome = await runSeed(run, number(options.seed, 1));
  report(name, outcome, number(options.lines, DEFAULT_LINES));
  console.log(`${name}, seed ${outcome.seed}: trace ${outcome.traceHash}`, outcome.counts);
  if (outcome.failures.length > 0) failed++;
}
Deno.exit(failed === 0 ? 0 : 1);
