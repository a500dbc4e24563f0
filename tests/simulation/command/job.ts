/**
 * A job of `deno task sim`: `job.ts SCENARIOS`, where SCENARIOS is the URL of a module that exports
 * them. It reads ranges of seeds from its standard input, one line of JSON each, and writes the outcome
 * of each seed to its standard output.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import type { Outcome, Scenario } from "../outcome.ts";
import { collectUnhandledRejections, runSeed } from "./seed.ts";

/** A range of seeds to run. */
export interface Assignment {
  readonly scenario: string;
  readonly first: number;
  readonly seeds: number;
  /** How many lines of its transcript a failure shows. */
  readonly lines: number;
}

/** The output of a job: the outcome of each seed in order, and null after the last one of a range. */
export type JobMessage = Outcome | null;

if (import.meta.main) {
  // The output of a scenario must not be read as a message.
  console.log = console.error;
  collectUnhandledRejections();
  const { SCENARIOS } = await import(Deno.args[0]!) as {
    SCENARIOS: Readonly<Record<string, Scenario>>;
  };
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) await run(SCENARIOS, JSON.parse(line));
}

async function run(
  scenarios: Readonly<Record<string, Scenario>>,
  { scenario, first, seeds, lines }: Assignment,
): Promise<void> {
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await runSeed(scenarios[scenario]!, seed);
    const shown = outcome.failures.length === 0 ? 0 : lines;
    const transcript = outcome.transcript.slice(outcome.transcript.length - shown);
    write({ ...outcome, transcript });
  }
  write(null);
}

function write(message: JobMessage): void {
  let bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}
