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
import { type Print, printOutcome, ScenarioReport } from "./report.ts";
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
        const outcome = await runSeed(scenarios.all[name]!, request.seed);
        printOutcome(print, name, outcome, request.lines);
        const counts = Object.entries(outcome.counts).map(([what, times]) => `${times} ${what}`);
        print(
          `${name}, seed ${outcome.seed} has the trace ${outcome.traceHash}: ${counts.join(", ")}`,
        );
        failed += outcome.failures.length;
      }
      return failed === 0 ? 0 : 1;
    }
    case "seeds":
      return await runSeeds(request, scenarios, print) === 0 ? 0 : 1;
  }
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
