/**
 * Scenarios that end in every way there is, and `deno task sim` over them.
 *
 * @module
 */
import { runCommand } from "../simulation/command/command.ts";
import type { Outcome, Scenario } from "../simulation/outcome.ts";

function outcome(seed: number, failures: readonly string[] = []): Outcome {
  const transcript = ["first", "second", "third"];
  return {
    seed,
    traceHash: `trace of ${seed}`,
    failures,
    counts: { runs: 1, sum: seed },
    schedule: [],
    transcript,
  };
}

/** What the tests of the command run. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  well: (seed) => Promise.resolve(outcome(seed)),
  fails_at_33: (seed) =>
    Promise.resolve(outcome(seed, seed === 33 ? ["it is 33", "it is odd"] : [])),
  fails: (seed) => Promise.resolve(outcome(seed, ["it always fails"])),
  fails_by_faults(seed, { dropped } = {}) {
    const came = [1, 2, 3, 4, 5, 6].filter((number) => !dropped?.has(number));
    const isBad = came.includes(2) && came.includes(5);
    return Promise.resolve({
      ...outcome(seed, isBad ? ["faults 2 and 5 came"] : []),
      schedule: [1, 2, 3, 4, 5, 6].map((number) => `fault ${number}`),
    });
  },
  rejects: () => Promise.reject(new Error("no outcome")),
  forgets(seed) {
    if (seed % 50 === 0) Promise.reject(new Error("forgotten"));
    return Promise.resolve(outcome(seed));
  },
  ends_the_process(seed) {
    if (seed === 21 || seed === 60) Deno.exit(9);
    return Promise.resolve(outcome(seed));
  },
  prints(seed) {
    console.log("printed by a scenario");
    return Promise.resolve(outcome(seed));
  },
};

if (import.meta.main) {
  Deno.exit(await runCommand(Deno.args, { all: SCENARIOS, module: import.meta.url }));
}
