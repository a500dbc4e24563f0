/**
 * One seed of a scenario, run so that nothing that fails is missed.
 *
 * @module
 */
import { isProcessEnded } from "../../../src/runtime/process_ended.ts";
import type { Outcome, RunOptions, Scenario } from "../outcome.ts";

/** Rejections that were not handled in the run under way. */
const unhandled: string[] = [];

/** Reports rejections that are not handled as failures of the seed that is run. */
export function collectUnhandledRejections(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    // A process that was killed in the middle of its work throws, and awaits nothing any more.
    if (isProcessEnded(event.reason)) return;
    unhandled.push(textOf(event.reason));
  });
}

/** Runs one seed. An error that it throws, and a rejection that is not handled, are failures of it. */
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
