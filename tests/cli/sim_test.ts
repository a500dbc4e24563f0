/**
 * `deno task sim` as a command: its flags, its exit codes, what it prints, and its processes.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { test } from "../harness.ts";
import { runCommand } from "../simulation/command/command.ts";
import { SCENARIOS } from "./sim_scenarios.ts";

const OK = 0;
const FAILED = 1;
const USAGE = 2;

interface Ran {
  readonly code: number;
  /** Lines of the standard output. */
  readonly lines: readonly string[];
  readonly errors: string;
}

async function sim(...args: string[]): Promise<Ran> {
  return await run("tests/cli/sim_scenarios.ts", args);
}

async function run(program: string, args: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    lines: decoder.decode(stdout).split("\n").filter((line) => line !== ""),
    errors: decoder.decode(stderr),
  };
}

/** The same in this process, for arguments that run no scenario. */
async function simHere(...args: string[]): Promise<Ran> {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await runCommand(
    args,
    { all: SCENARIOS, module: "no module is loaded" },
    (line) => lines.push(line),
    (line) => errors.push(line),
  );
  return { code, lines, errors: errors.join("\n") };
}

/** The lines without how long it took. */
function untimed({ lines }: Ran): string[] {
  return lines.map((line) => line.replace(/ in [\d.]+ s:/, ":"));
}

test("sim --help prints every flag and scenario, and runs nothing", async () => {
  for (const args of [["--help"], ["-h"], ["--help", "--seeds", "3"]]) {
    const { code, lines } = await simHere(...args);
    assertEquals(code, OK);
    const text = lines.join("\n");
    const words = ["--seeds N", "--jobs N", "--first SEED", "--record", "--drop FAULTS"];
    for (const word of [...words, "--minimise", "fails_at_33"]) {
      assertStringIncludes(text, word);
    }
    assert(!text.includes(" seeds in "), text);
  }
  const { code, lines } = await run("tests/simulation/run.ts", ["--help"]);
  assertEquals(code, OK);
  assertStringIncludes(
    lines.join("\n"),
    "single_broker, clients, power_loss, control_plane, disk, directories",
  );
});

test("sim rejects arguments that it does not know or that exclude each other", async () => {
  const cases: readonly (readonly [args: string, sentence: string])[] = [
    ["--sceario well", "There is no flag --sceario, did you mean --scenario?"],
    ["--verbose", "There is no flag --verbose"],
    ["-n 3", "There is no flag -n"],
    ["well", '"well" is no flag'],
    ["--seeds 3 -- 4", '"4" is no flag'],
    ["--seeds", "--seeds needs a value"],
    ["--seeds= --scenario well", "--seeds needs a value"],
    ["--seeds 0", '--seeds cannot be "0": expected a whole number from 1'],
    ["--seeds 1.5", '--seeds cannot be "1.5"'],
    ["--seeds=-3", '--seeds cannot be "-3"'],
    ["--seeds 3 --seeds 4", "--seeds is given 2 times"],
    ["--first abc", '--first cannot be "abc"'],
    ["--first 9007199254740991", '--first cannot be "9007199254740991"'],
    ["--jobs 0", '--jobs cannot be "0": expected a whole number from 1 to 64'],
    ["--jobs 65", '--jobs cannot be "65"'],
    ["--seed 1 --seeds 2", "--seed and --seeds exclude each other"],
    ["--seed 1 --first 2", "--seed and --first exclude each other"],
    ["--seed 1 --jobs 2", "--seed and --jobs exclude each other"],
    ["--drop 3", "--drop needs --seed"],
    ["--minimise", "--minimise needs --seed"],
    ["--minimize --seed 1", "There is no flag --minimize, did you mean --minimise?"],
    ["--seed 1 --drop", "--drop needs a value"],
    ["--seed 1 --drop 1", "--drop needs one --scenario"],
    ["--seed 1 --drop 7 --scenario fails_by_faults", '--drop cannot be "7"'],
    ["--seed 1 --drop 1 --scenario well", "well, seed 1 has 0 faults"],
    ["--seed 1 --drop 0", '--drop cannot be "0": expected a whole number from 1'],
    ["--seed 1 --drop 2,x", '--drop cannot be "x"'],
    ["--seed 1 --drop 2 --minimise", "--minimise and --drop exclude each other"],
    ["--record --minimise --seed 1", "--record and --seed exclude each other"],
    ["--record --seed 1", "--record and --seed exclude each other"],
    ["--record --jobs 2", "--record and --jobs exclude each other"],
    ["--scenario other", 'There is no scenario "other": choose from well, '],
    ["--scenario well,", 'There is no scenario ""'],
    ["--scenario well,well=3", 'The scenario "well" is named twice'],
    ["--scenario well=0", '"well=0" cannot be "0"'],
    ["--scenario well=3 --seed 1", '--seed and "well=3" exclude each other'],
  ];
  for (const [args, sentence] of cases) {
    const { code, lines, errors } = await simHere(...args.split(" "));
    assertStringIncludes(errors, sentence);
    assertEquals([code, lines], [USAGE, []], args);
  }
  const [args, sentence] = cases[0]!;
  const { code, lines, errors } = await sim(...args.split(" "));
  assertStringIncludes(errors, sentence);
  assertEquals([code, lines], [USAGE, []], args);
});

for (const jobs of ["1", "3"]) {
  test(`sim --jobs ${jobs} adds up the seeds of each scenario once`, async () => {
    const ran = await sim(
      "--scenario",
      "well=50,prints",
      "--seeds",
      "45",
      "--first",
      "10",
      "--jobs",
      jobs,
    );
    assertEquals(ran.code, OK);
    assertEquals(untimed(ran).filter((line) => line !== "printed by a scenario"), [
      "well: 50 seeds: 50 runs, 1725 sum",
      "well: all is well",
      "prints: 45 seeds: 45 runs, 1440 sum",
      "prints: all is well",
    ]);
  });

  test(`sim --jobs ${jobs} prints what fails and how to repeat it`, async () => {
    const args = ["--scenario", "well,fails_at_33", "--seeds", "100", "--lines", "2"];
    const ran = await sim(...args, "--jobs", jobs);
    assertEquals(ran.code, FAILED);
    assertEquals(untimed(ran), [
      "well: 100 seeds: 100 runs, 5050 sum",
      "well: all is well",
      "  second",
      "  third",
      "fails_at_33, seed 33: it is 33",
      "fails_at_33, seed 33: it is odd",
      "repeat it: deno task sim --scenario fails_at_33 --seed 33",
      "fails_at_33: 100 seeds: 100 runs, 5050 sum",
      "fails_at_33: 1 seed failed",
    ]);
  });

  test(`sim --jobs ${jobs} stops a scenario after five seeds that fail, and goes on`, async () => {
    const ran = await sim(
      "--scenario",
      "fails,well",
      "--seeds",
      "90",
      "--lines",
      "0",
      "--jobs",
      jobs,
    );
    assertEquals(ran.code, FAILED);
    const failures = ran.lines.filter((line) => line.includes("it always fails"));
    assertEquals(failures.length, 5);
    assertEquals(untimed(ran).slice(-3), [
      "fails: 5 seeds failed",
      "well: 90 seeds: 90 runs, 4095 sum",
      "well: all is well",
    ]);
  });

  test(`sim --jobs ${jobs} counts errors and rejections that are not handled as failures`, async () => {
    const ran = await sim("--scenario", "rejects=1,forgets=60", "--lines", "0", "--jobs", jobs);
    assertEquals(ran.code, FAILED);
    const text = ran.lines.join("\n");
    assertMatch(text, /^rejects, seed 1: Error: no outcome/m);
    assertMatch(text, /^forgets, seed 50: a rejection was not handled: Error: forgotten/m);
    assertStringIncludes(text, "forgets: 1 seed failed");
  });
}

test("sim --jobs 2 reports the seeds at which its processes end, and runs the others", async () => {
  const ran = await sim("--scenario", "ends_the_process", "--seeds", "80", "--jobs", "2");
  assertEquals(ran.code, FAILED);
  const lines = untimed(ran);
  assertEquals(lines.filter((line) => line.startsWith("ends_the_process, ")).sort(), [
    "ends_the_process, seed 21: the process that ran it ended with exit code 9",
    "ends_the_process, seed 60: the process that ran it ended with exit code 9",
  ]);
  assertEquals(lines.slice(-2), [
    `ends_the_process: 80 seeds: 78 runs, ${80 * 81 / 2 - 81} sum`,
    "ends_the_process: 2 seeds failed",
  ]);
});

test("sim --seed runs one seed and prints its trace", async () => {
  const well = await sim("--seed", "33", "--scenario", "well,fails_at_33", "--lines", "1");
  assertEquals(well.code, FAILED);
  assertEquals(well.lines, [
    "  third",
    "well, seed 33 has the trace trace of 33: 1 runs, 33 sum",
    "  third",
    "fails_at_33, seed 33: it is 33",
    "fails_at_33, seed 33: it is odd",
    "repeat it: deno task sim --scenario fails_at_33 --seed 33",
    "fails_at_33, seed 33 has the trace trace of 33: 1 runs, 33 sum",
  ]);
  assertEquals((await sim("--seed", "0", "--scenario", "well")).code, OK);
});

test("sim --seed prints the faults, and --drop leaves some out", async () => {
  const all = await sim("--seed", "7", "--scenario", "fails_by_faults", "--lines", "1");
  assertEquals(all.code, FAILED);
  assertEquals(all.lines, [
    "fails_by_faults, seed 7 has these faults:",
    ...[1, 2, 3, 4, 5, 6].map((number) => `  ${number}. fault ${number}`),
    "  third",
    "fails_by_faults, seed 7: faults 2 and 5 came",
    "repeat it: deno task sim --scenario fails_by_faults --seed 7",
    "fails_by_faults, seed 7 has the trace trace of 7: 1 runs, 7 sum",
  ]);
  const some = await sim("--seed", "7", "--scenario", "fails_by_faults", "--drop", "1,5");
  assertEquals(some.code, OK);
  assertEquals(some.lines.filter((line) => line.includes("(left out)")), [
    "  1. fault 1 (left out)",
    "  5. fault 5 (left out)",
  ]);
});

test("sim --minimise finds the faults that are needed, and shows their run", async () => {
  const args = ["--seed", "7", "--minimise", "--lines", "0"];
  const ran = await sim(...args, "--scenario", "fails_by_faults");
  assertEquals(ran.code, FAILED);
  assertMatch(
    ran.lines[0]!,
    /^fails_by_faults, seed 7 fails with 2 of 6 faults, found in \d+ runs$/,
  );
  assertEquals(ran.lines.filter((line) => /^ {2}\d/.test(line)), [
    "  1. fault 1 (left out)",
    "  2. fault 2",
    "  3. fault 3 (left out)",
    "  4. fault 4 (left out)",
    "  5. fault 5",
    "  6. fault 6 (left out)",
  ]);
  assert(
    ran.lines.includes(
      "repeat it: deno task sim --scenario fails_by_faults --seed 7 --drop 1,3,4,6",
    ),
  );
  const others = await sim(...args, "--scenario", "well,fails");
  assertEquals([others.code, others.lines], [FAILED, [
    "well, seed 7 does not fail: there is nothing to minimise",
    "fails, seed 7 fails without a schedule of faults: nothing can be left out",
  ]]);
});

test("sim --jobs gives what one process gives", async () => {
  const args = ["--scenario", "disk=30,power_loss=2", "--first", "11"];
  const one = await run("tests/simulation/run.ts", args);
  const two = await run("tests/simulation/run.ts", [...args, "--jobs", "2"]);
  assertEquals([one.code, two.code], [OK, OK]);
  const sums = (ran: Ran) => untimed(ran).map((line) => line.split(/[:,] /).sort());
  assertEquals(sums(two), sums(one));
});
