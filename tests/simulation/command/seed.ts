/**
 * Runs one seed of a scenario and collects everything that fails.
 *
 * @module
 */
import { isProcessEnded } from "../../../src/runtime/process_ended.ts";
import type { Outcome, RunOptions, Scenario } from "../outcome.ts";

/** Unhandled rejections of the current run. */
const unhandled: string[] = [];

/**
 * Reports unhandled rejections as failures of the seed that runs, except those of a process that has
 * ended: its code must not go on.
 */
export function collectUnhandledRejections(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    if (!isProcessEnded(event.reason)) unhandled.push(textOf(event.reason));
  });
}

/** Runs one seed. An error that it throws, and every unhandled rejection, is a failure of it. */
export async function runSeed(
  scenario: Scenario,
  seed: number,
  options: RunOptions = {},
): Promise<Outcome> {
  unhandled.length = 0;
  const outcome = await scenario(seed, options).catch((error): Outcome => ({
    seed,
    traceHash: "",
    failures: [textOf(error)],
    counts: {},
    schedule: [],
    transcript: [],
  }));
  await new Promise((resolve) => setTimeout(resolve));
  const rejections = unhandled.map((text) => `a rejection was not handled: ${text}`);
  return { ...outcome, failures: [...outcome.failures, ...rejections] };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
