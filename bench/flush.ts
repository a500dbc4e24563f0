/**
 * The cost of flushing every batch before it is acknowledged: `deno task bench:flush`. Starts a broker
 * with `--flush os` and one with `--flush always` in turn, sends batches on many connections, and prints
 * the rates and their ratio.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Admin } from "../mod.ts";
import { type LoadResult, run } from "./flush_load.ts";

const HELP = `deno task bench:flush [options]

  --producers N    number of connections (default: 64)
  --in-flight N    batches in flight per connection (default: 1)
  --partitions N   partitions of the topic (default: 1)
  --batch-kb N     size of a batch (default: 16)
  --acks 1|-1      (default: -1)
  --seconds N      measured time per run (default: 3)
  --runs N         runs of each, alternating; prints medians (default: 5)
  --dir DIRECTORY  directory on the disk to measure (default: .cache/bench/flush)`;

const POLICIES = ["os", "always"] as const;
type Policy = (typeof POLICIES)[number];

const WARM_UP_MS = 1_000;
const TOPIC = "flush";

function numberOf(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!Number.isFinite(value) || value === 0) {
    console.error(HELP);
    Deno.exit(2);
  }
  return value;
}

const args = parseArgs(Deno.args, {
  string: ["producers", "in-flight", "partitions", "batch-kb", "acks", "seconds", "runs", "dir"],
  boolean: ["help"],
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}
const producers = numberOf(args.producers, 64);
const inFlight = numberOf(args["in-flight"], 1);
const partitions = numberOf(args.partitions, 1);
const batchKb = numberOf(args["batch-kb"], 16);
const seconds = numberOf(args.seconds, 3);
const runs = numberOf(args.runs, 5);
const directory = args.dir ?? new URL("../.cache/bench/flush", import.meta.url).pathname;

/** A broker process. */
async function startBroker(policy: Policy): Promise<{ port: number; stop(): Promise<void> }> {
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", main, "start", "--port", "0", "--data-dir", `${directory}/data`],
      ...["--flush", policy],
    ],
    cwd: directory,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The broker ended before it was ready: ${said}`);
    said += value;
  }
  const port = Number(/:(\d+) /.exec(said)?.[1]);
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function measure(policy: Policy): Promise<LoadResult> {
  const broker = await startBroker(policy);
  try {
    const admin = new Admin({ bootstrapServers: `127.0.0.1:${broker.port}` });
    await admin.createTopics([{ name: TOPIC, partitions }]);
    await admin.close();
    return await run({
      port: broker.port,
      topic: TOPIC,
      partitions,
      producers,
      inFlight,
      batchBytes: batchKb * 1_024,
      acks: args.acks === "1" ? 1 : -1,
      warmUpMs: WARM_UP_MS,
      measuredMs: seconds * 1_000,
    });
  } finally {
    await broker.stop();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const results: Record<Policy, LoadResult[]> = { os: [], always: [] };
for (let i = 0; i < runs; i++) {
  // The order alternates from run to run.
  for (const policy of i % 2 === 0 ? POLICIES : POLICIES.toReversed()) {
    results[policy].push(await measure(policy));
  }
}

const rate = (policy: Policy) =>
  median(results[policy].map(({ batches, seconds }) => batches / seconds));
console.log(
  `${producers} producers, ${inFlight} in flight, ${partitions} partitions, ${batchKb} KB batches, ` +
    `acks=${args.acks ?? "-1"}, medians of ${runs} × ${seconds} s`,
);
console.log("\n| flush  | batches/s | MB/s | p50 ms | p99 ms |");
console.log("| ------ | --------: | ---: | -----: | -----: |");
for (const policy of POLICIES) {
  const cells = [
    policy.padEnd(6),
    Math.round(rate(policy)).toLocaleString("en-US").padStart(9),
    String(Math.round(rate(policy) * batchKb / 1_024)).padStart(4),
    median(results[policy].map(({ p50Ms }) => p50Ms)).toFixed(2).padStart(6),
    median(results[policy].map(({ p99Ms }) => p99Ms)).toFixed(2).padStart(6),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
console.log(`\nalways has ${Math.round(rate("always") / rate("os") * 100)}% of the rate of os`);
