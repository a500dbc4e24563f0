/**
 * `deno task sim`: runs the simulated scenarios over as many seeds as one likes.
 *
 * - `deno task sim --seeds 1000 [--first 5000]` runs that many, one after another;
 * - `deno task sim --seed 42` runs one and prints what it came to;
 * - `deno task sim --record` writes down the trace hash that the test compares on every runtime,
 *   after a change that was meant to change what happens.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { runSingleBroker } from "./single_broker.ts";
import { RECORDED_SEED, TRACE_HASH_FILE } from "./trace_hash.ts";

const DEFAULT_SEEDS = 500;
const MAX_FAILURES = 5;

const options = parseArgs(Deno.args, { string: ["seeds", "seed", "first"], boolean: ["record"] });

function number(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`"${text}" is no seed and no count: give a whole number`);
  Deno.exit(2);
}

if (options.record) {
  const { traceHash } = await runSingleBroker(RECORDED_SEED);
  Deno.writeTextFileSync(TRACE_HASH_FILE, `${traceHash}\n`);
  console.log(`seed ${RECORDED_SEED}: ${traceHash} recorded`);
  Deno.exit(0);
}

const single = options.seed !== undefined;
const first = number(single ? options.seed : options.first, 1);
const count = single ? 1 : number(options.seeds, DEFAULT_SEEDS);
const started = performance.now();
let kills = 0;
let acknowledged = 0;
let failed = 0;
for (let seed = first; seed < first + count && failed < MAX_FAILURES; seed++) {
  const outcome = await runSingleBroker(seed);
  kills += outcome.kills;
  acknowledged += outcome.acknowledged;
  if (single) console.log(`seed ${seed}: trace ${outcome.traceHash}`);
  if (outcome.failures.length === 0) continue;
  failed++;
  for (const failure of outcome.failures) console.log(`seed ${seed}: ${failure}`);
  console.log(`repeat it: deno task sim --seed ${seed}`);
}
const seconds = (performance.now() - started) / 1000;
console.log(
  `${count} seeds in ${
    seconds.toFixed(1)
  } s: ${acknowledged} records acknowledged over ${kills} kills, ` +
    (failed === 0 ? "all there" : `${failed} seeds failed`),
);
Deno.exit(failed === 0 ? 0 : 1);
