/**
 * `deno task sim` apart from the process that it runs in.
 *
 * @module
 */
import { UsageError } from "../../../cli/fail.ts";
import type { Scenario } from "../outcome.ts";
import { RECORDED_SEED, traceHashFile } from "../trace_hash.ts";
import { Jobs } from "./jobs.ts";
import { helpLines, parseRequest, type Request } from "./options.ts";
import { droppedOf, minimise } from "./minimise.ts";
import { counted, type Print, printOutcome, printSchedule, ScenarioReport } from "./report.ts";
import { collectUnhandledRejections, runSeed } from "./seed.ts";

/** The scenarios to choose from. */
export interface Scenarios {
  /** By their names. */
  readonly all: Readonly<Record<string, Scenario>>;
  /** The URL of the module that exports them as `SCENARIOS`, for other processes. */
  readonly module: string;
}

/** Runs the command and resolves with its exit code. */
export async function runCommand(
  args: readonly string[],
  scenarios: Scenarios,
  print: Print = console.log,
  printError: Print = console.error,
): Promise<number> {
  try {
    const request = parseRequest(args, Object.keys(scenarios.all));
    if (request.kind !== "help") collectUnhandledRejections();
    return await carryOut(request, scenarios, print);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printError(error.message);
    return error.exitCode;
  }
}

async function carryOut(request: Request, scenarios: Scenarios, print: Print): Promise<number> {
  switch (request.kind) {
    case "help":
      for (const line of helpLines(Object.keys(scenarios.all))) print(line);
      return 0;
    case "record": {
      let failed = 0;
      for (const name of request.scenarios) failed += await record(name, scenarios, print);
      return failed === 0 ? 0 : 1;
    }
    case "seed": {
      let failed = 0;
      for (const name of request.scenarios) {
        failed += await showSeed(name, request, scenarios, print);
      }
      return failed === 0 ? 0 : 1;
    }
    case "minimise": {
      let failed = 0;
      for (const name of request.scenarios) {
        failed += await minimiseSeed(name, request, scenarios, print);
      }
      return failed === 0 ? 0 : 1;
    }
    case "seeds":
      return await runSeeds(request, scenarios, print) === 0 ? 0 : 1;
  }
}

/** Runs a seed and prints all about it. Resolves with the number of failures. */
async function showSeed(
  name: string,
  { seed, lines, dropped }: Request & { readonly kind: "seed" },
  scenarios: Scenarios,
  print: Print,
): Promise<number> {
  const outcome = await runSeed(scenarios.all[name]!, seed, { dropped, decodesFrames: true });
  const last = Math.max(0, ...dropped);
  if (last > outcome.schedule.length) {
    throw new UsageError(
      `--drop cannot be "${last}": ${name}, seed ${seed} has ` +
        counted(outcome.schedule.length, "fault"),
    );
  }
  printSchedule(print, name, outcome, dropped);
  printOutcome(print, name, outcome, lines, dropped);
  const counts = Object.entries(outcome.counts).map(([what, times]) => `${times} ${what}`);
  print(`${name}, seed ${seed} has the trace ${outcome.traceHash}: ${counts.join(", ")}`);
  return outcome.failures.length;
}

/** Finds the smallest schedule with which a seed fails, and shows its run. */
async function minimiseSeed(
  name: string,
  { seed, lines }: Request & { readonly kind: "minimise" },
  scenarios: Scenarios,
  print: Print,
): Promise<number> {
  const scenario = scenarios.all[name]!;
  const { schedule, failures } = await runSeed(scenario, seed);
  if (failures.length > 0 && schedule.length === 0) {
    print(`${name}, seed ${seed} fails without a schedule of faults: nothing can be left out`);
    return failures.length;
  }
  let runs = 0;
  const kept = await minimise(schedule.length, async (kept) => {
    runs++;
    const dropped = droppedOf(schedule.length, kept);
    return (await runSeed(scenario, seed, { dropped })).failures.length > 0;
  });
  if (kept === null) {
    print(`${name}, seed ${seed} does not fail: there is nothing to minimise`);
    return 0;
  }
  print(
    `${name}, seed ${seed} fails with ${kept.length} of ${counted(schedule.length, "fault")}, ` +
      `found in ${counted(runs, "run")}`,
  );
  const dropped = droppedOf(schedule.length, kept);
  return await showSeed(
    name,
    { kind: "seed", scenarios: [name], seed, lines, dropped },
    scenarios,
    print,
  );
}

/** Runs many seeds of each scenario. Resolves with the number of those that failed. */
async function runSeeds(
  { scenarios: chosen, first, jobs, lines }: Request & { readonly kind: "seeds" },
  scenarios: Scenarios,
  print: Print,
): Promise<number> {
  const pool = jobs === 1 ? null : new Jobs(jobs, scenarios.module);
  let failed = 0;
  for (const { name, seeds } of chosen) {
    const report = new ScenarioReport(name, lines, print);
    const started = performance.now();
    if (pool !== null) {
      const assignment = { scenario: name, first, seeds, lines };
      await pool.run(assignment, (outcome) => report.add(outcome));
    } else {
      for (let seed = first; seed < first + seeds; seed++) {
        if (!report.add(await runSeed(scenarios.all[name]!, seed))) break;
      }
    }
    report.end(performance.now() - started);
    failed += report.failed;
  }
  await pool?.close();
  return failed;
}

/** Records the trace hash of a scenario, unless its run fails. Resolves with the number of failures. */
async function record(name: string, scenarios: Scenarios, print: Print): Promise<number> {
  const outcome = await runSeed(scenarios.all[name]!, RECORDED_SEED);
  const { traceHash, failures } = outcome;
  if (failures.length > 0) {
    printOutcome(print, name, outcome, 0);
    return failures.length;
  }
  Deno.writeTextFileSync(traceHashFile(name), `${traceHash}\n`);
  print(`${name}: seed ${RECORDED_SEED} has the trace ${traceHash}, recorded`);
  return 0;
}
