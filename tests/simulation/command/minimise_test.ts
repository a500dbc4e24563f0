import { assert, assertEquals } from "@std/assert";
import { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { isWide, test } from "../../harness.ts";
import type { Outcome } from "../outcome.ts";
import { PLANTED_BUGS, runPlanted } from "../planted_bugs.ts";
import { droppedOf, minimise } from "./minimise.ts";

/** How far beyond `nearSeed` a planted bug is looked for. */
const SEEDS = 100;
/** Parts of the names of planted bugs whose schedules are minimised in a few seconds. */
const QUICK = ["only with the next one", "has not begun", "stores some batches twice"];

test("minimise() keeps what is needed, and nothing else", async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new Xoshiro128(seed);
    const count = random.between(1, 30);
    const needed = Array.from({ length: random.below(6) }, () => random.between(1, count));
    let runs = 0;
    const kept = await minimise(count, (kept) => {
      runs++;
      return Promise.resolve(needed.every((number) => kept.includes(number)));
    });
    assertEquals(kept, [...new Set(needed)].sort((one, other) => one - other));
    assert(runs <= 200, `${runs} runs for ${count}`);
  }
});

test("minimise() finds one of several ways to fail, of which it cannot remove a fault", async () => {
  const ways = [[1, 2, 3], [3, 9], [5, 6, 7, 8]];
  const fails = (kept: readonly number[]) =>
    Promise.resolve(ways.some((way) => way.every((number) => kept.includes(number))));
  const kept = await minimise(10, fails);
  assert(await fails(kept!));
  for (const number of kept!) assert(!await fails(kept!.filter((other) => other !== number)));
});

test("minimise() finds nothing in a run that does not fail", async () => {
  assertEquals(await minimise(5, () => Promise.resolve(false)), null);
  assertEquals(await minimise(0, () => Promise.resolve(true)), []);
  assertEquals(await minimise(5, () => Promise.resolve(true)), []);
});

/** The bugs whose schedules are minimised: all of them where there is time for it. */
const BUGS = isWide ? PLANTED_BUGS : QUICK.map((part) => {
  const bug = PLANTED_BUGS.find(({ name }) => name.includes(part));
  assert(bug !== undefined, `no planted bug is named ${part}`);
  return bug;
});

for (const bug of BUGS) {
  const { name, scenario, nearSeed = 1 } = bug;
  const run = (seed: number, dropped: ReadonlySet<number>): Promise<Outcome> =>
    runPlanted(bug, seed, { dropped });

  test(`minimise() leaves a schedule of ${scenario} that still finds ${name}`, async () => {
    let seed = nearSeed;
    let outcome = await run(seed, new Set());
    while (outcome.failures.length === 0 || outcome.schedule.length === 0) {
      assert(++seed < nearSeed + SEEDS, "no failing seed has faults");
      outcome = await run(seed, new Set());
    }
    const { length } = outcome.schedule;
    const fails = async (kept: readonly number[]): Promise<boolean> =>
      (await run(seed, droppedOf(length, kept))).failures.length > 0;
    const kept = await minimise(length, fails);
    assert(kept !== null && kept.length <= length);
    assert(await fails(kept), `with ${kept} of ${length} faults the bug is not found`);
    if (kept.length === 0) return;
    const [first, ...rest] = kept;
    assert(!await fails(rest), `fault ${first} is not needed`);
  });
}
