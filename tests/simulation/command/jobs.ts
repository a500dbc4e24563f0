/**
 * Processes that share the seeds of a scenario: each runs a short range at a time, so that all of them
 * end together whatever the seeds cost.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import type { Outcome } from "../outcome.ts";
import type { Assignment, JobMessage } from "./job.ts";

/** How many seeds a job runs at a time. */
const RANGE = 20;
const JOB = new URL("./job.ts", import.meta.url).href;

/** A job's process. */
interface Job {
  readonly process: Deno.ChildProcess;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  readonly messages: ReadableStreamDefaultReader<string>;
}

/** A pool of jobs. Close it at the end. */
export class Jobs {
  readonly #scenarios: string;
  /** Idle ones. */
  readonly #idle: Job[] = [];

  /** `count` jobs for the scenarios of the module at the URL `scenarios`. */
  constructor(readonly count: number, scenarios: string) {
    this.#scenarios = scenarios;
  }

  /**
   * Runs seeds and calls `onOutcome` with each outcome, in the order in which seeds end, until it returns
   * false. A job that ends before its seed does is a failure of that seed.
   */
  async run(
    assignment: Assignment,
    onOutcome: (outcome: Outcome) => boolean,
  ): Promise<void> {
    const end = assignment.first + assignment.seeds;
    let next = assignment.first;
    let goesOn = true;
    const work = async (): Promise<void> => {
      while (goesOn && next < end) {
        const first = next;
        next = Math.min(end, first + RANGE);
        const range = { ...assignment, first, seeds: next - first };
        await this.#runRange(range, (outcome) => goesOn &&= onOutcome(outcome), () => goesOn);
      }
    };
    await Promise.all(Array.from({ length: this.count }, work));
  }

  /** Ends all jobs. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(end));
  }

  async #runRange(
    range: Assignment,
    onOutcome: (outcome: Outcome) => void,
    goesOn: () => boolean,
  ): Promise<void> {
    for (let { first, seeds } = range; seeds > 0 && goesOn();) {
      const job = this.#idle.pop() ?? start(this.#scenarios);
      const { ended, isDone } = await runOn(job, { ...range, first, seeds }, onOutcome);
      if (isDone) return void this.#idle.push(job);
      const { code, signal } = await end(job);
      const failure = `the process that ran it ended with ${signal ?? `exit code ${code}`}`;
      const lost = Math.min(ended, seeds - 1);
      onOutcome({
        seed: first + lost,
        traceHash: "",
        failures: [failure],
        counts: {},
        schedule: [],
        transcript: [],
      });
      // Another process runs the seeds behind the one that was lost.
      first += lost + 1;
      seeds -= lost + 1;
    }
  }
}

function start(scenarios: string): Job {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", JOB, scenarios],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const messages = process.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  return { process, input: process.stdin.getWriter(), messages: messages.getReader() };
}

/** Resolves with how many seeds have ended, and whether the process can run others. */
async function runOn(
  job: Job,
  assignment: Assignment,
  onOutcome: (outcome: Outcome) => void,
): Promise<{ readonly ended: number; readonly isDone: boolean }> {
  const line = new TextEncoder().encode(`${JSON.stringify(assignment)}\n`);
  let ended = 0;
  try {
    await job.input.write(line);
    for (;;) {
      const { value } = await job.messages.read();
      if (value === undefined) break;
      const message: JobMessage = JSON.parse(value);
      if (message === null) return { ended, isDone: true };
      ended++;
      onOutcome(message);
    }
  } catch (error) {
    // A pipe breaks, and a line may be cut, when the process ends.
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof SyntaxError)) throw error;
  }
  return { ended, isDone: false };
}

async function end({ process, input, messages }: Job): Promise<Deno.CommandStatus> {
  await input.close().catch(() => {});
  await messages.cancel().catch(() => {});
  return await process.status;
}
