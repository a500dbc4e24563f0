/**
 * Measures a cluster: how fast it starts, survives the death of its nodes and changes its metadata, and what
 * it costs when idle: `deno task bench:cluster`, with `--kafka` beside Apache Kafka.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  measureBrokerKills,
  measureControllerKills,
  measureIsolations,
} from "./cluster/failures.ts";
import { measureIdle, measureTopics } from "./cluster/load.ts";
import type { ClusterSide } from "./cluster/nodes.ts";
import { report } from "./cluster/report.ts";
import { TEST, TESTS } from "./cluster/rows.ts";
import { measureClusterStart, measureInProcess, measureSingleNode } from "./cluster/starts.ts";
import { setTreeBefore, type Side } from "./kafka/brokers.ts";
import {
  describeMachine,
  MissingToolError,
  prepare,
  removeData,
  setDataParent,
} from "./kafka/environment.ts";
import { cpuSeconds, machineUse } from "./kafka/process.ts";
import { Samples } from "./kafka/samples.ts";

const HELP = `deno task bench:cluster [options]

  --only REGEX    run only tests whose names match: ${TESTS.join("; ")}
  --runs N        starts, requests and idle times per test (default: 5)
  --failures N    failures per test, half as many isolations (default: 20)
  --kafka         also measure Apache Kafka, which needs a JDK and Maven
  --before DIR    another tree of Millrace to compare a single node with
  --data-dir DIR  parent of the data directories, such as /dev/shm
  --out FILE.md   also write the table to this file`;

interface Options {
  readonly runs: number;
  readonly failures: number;
  readonly kafka: boolean;
  readonly before: boolean;
  readonly out: string | undefined;
  isWanted(test: string): boolean;
}

function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["only", "runs", "failures", "before", "data-dir", "out"],
    boolean: ["help", "kafka"],
    default: { runs: "5", failures: "20", only: "." },
    unknown: (arg) => void unknown.push(arg),
  });
  const [runs, failures] = [Number(parsed.runs), Number(parsed.failures)];
  const only = new RegExp(parsed.only);
  const isWanted = (test: string) => only.test(test);
  const isValid = unknown.length === 0 && TESTS.some(isWanted) &&
    [runs, failures].every((count) => Number.isInteger(count) && count >= 1);
  if (parsed.help || !isValid) {
    (parsed.help ? console.log : console.error)(HELP);
    Deno.exit(parsed.help ? 0 : 2);
  }
  if (parsed.before !== undefined) setTreeBefore(Deno.realPathSync(parsed.before));
  if (parsed["data-dir"] !== undefined) setDataParent(parsed["data-dir"]);
  const { kafka, before, out } = parsed;
  return { runs, failures, kafka, before: before !== undefined, out, isWanted };
}

/** Measures one side and adds its figures. */
type Measure<Measured extends Side> = (side: Measured, samples: Samples) => Promise<void>;

interface Benchmark {
  readonly options: Options;
  readonly samples: Samples;
}

/** Runs a test on each side in turn, and notes the share of the machine that others used meanwhile. */
async function measure<Measured extends Side>(
  { options, samples }: Benchmark,
  { test, sides, runs }: {
    readonly test: string;
    readonly sides: readonly Measured[];
    readonly runs: number;
  },
  work: Measure<Measured>,
): Promise<void> {
  if (!options.isWanted(test)) return;
  for (let run = 1; run <= runs; run++) {
    for (const side of sides) {
      console.error(
        `${new Date().toTimeString().slice(0, 8)} ${test}, ${side}, ${run} of ${runs}`,
      );
      const others = othersUse();
      await work(side, samples);
      samples.noteDisturbance(test, others());
    }
  }
}

async function measureAll(benchmark: Benchmark): Promise<void> {
  const { options: { runs, failures, kafka, before } } = benchmark;
  const clusters: ClusterSide[] = kafka ? ["millrace", "kafka"] : ["millrace"];
  const singles: Side[] = before ? ["before", ...clusters] : clusters;
  await measure(benchmark, { test: TEST.start, sides: clusters, runs }, async (side, samples) => {
    await measureClusterStart(side, samples);
    if (side === "millrace") await measureInProcess(samples);
  });
  await measure(benchmark, { test: TEST.single, sides: singles, runs }, measureSingleNode);
  const once = { sides: clusters, runs: 1 };
  await measure(
    benchmark,
    { test: TEST.controllerKilled, ...once },
    (side, samples) => measureControllerKills(side, failures, samples),
  );
  await measure(
    benchmark,
    { test: TEST.brokerKilled, ...once },
    (side, samples) => measureBrokerKills(side, failures, samples),
  );
  await measure(
    benchmark,
    { test: TEST.brokerIsolated, ...once },
    (side, samples) => measureIsolations(side, Math.ceil(failures / 2), samples),
  );
  await measure(benchmark, { test: TEST.topics, sides: clusters, runs }, measureTopics);
  await measure(benchmark, { test: TEST.idle, sides: clusters, runs }, measureIdle);
}

/** Begins to measure. The result returns the share of the machine, 0 to 1, that others have used since. */
function othersUse(): () => number {
  const began = performance.now();
  const used = () => {
    const { busy, children } = machineUse();
    return busy - children - cpuSeconds(Deno.pid);
  };
  const before = used();
  return () =>
    (used() - before) / (navigator.hardwareConcurrency * (performance.now() - began) / 1000);
}

function loads(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(" ");
}

async function main(): Promise<void> {
  const options = readOptions(Deno.args);
  const samples = new Samples();
  if (options.kafka) await prepare();
  const machine = await describeMachine({ kafka: options.kafka });
  const loadBefore = loads();
  const others = othersUse();
  try {
    await measureAll({ options, samples });
  } finally {
    await removeData();
  }
  const sides: Side[] = [
    "millrace",
    ...(options.before ? ["before" as const] : []),
    ...(options.kafka ? ["kafka" as const] : []),
  ];
  const text = [
    `${machine}; load average before ${loadBefore} and after ${loads()}, other processes used ` +
    `${(others() * 100).toFixed(1)}% of the machine`,
    "",
    report(samples, sides),
  ].join("\n");
  console.log(text);
  if (options.out !== undefined) await Deno.writeTextFile(options.out, `${text}\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof MissingToolError ? error.message : error);
    Deno.exit(1);
  }
}
