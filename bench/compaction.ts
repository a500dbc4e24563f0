/**
 * What compaction does, and what it costs those who produce meanwhile: `deno task bench:compaction`.
 * Fills a log with records over many keys, starts a broker on it, and has it compacted twice: alone,
 * for its speed and its memory, and beside a steady load of producers of another topic, for the times
 * that they wait.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Admin } from "../mod.ts";
import { DEFAULT_LOG_CONFIG } from "../src/log/log_config.ts";
import { PartitionLog } from "../src/log/partition_log.ts";
import { encodeBatch } from "../src/protocol/records/batch.ts";
import { hostRuntime } from "../src/runtime/host.ts";
import { type LoadResult, run } from "./flush_load.ts";

const HELP = `deno task bench:compaction [options]

  --mb N           of records; 1,024 unless told
  --keys N         100,000 unless told
  --value-bytes N  1,024 unless told
  --batch-kb N     the size of a batch; 16 unless told
  --producers N    of another topic, beside the compaction; 16 unless told
  --load-kb N      the size of their batches; 16 unless told
  --interval-ms N  how long each of them waits between two batches; 10 unless told, 0 for not at all
  --seconds N      of load measured; 4 unless told
  --runs N         3 unless told
  --dir DIRECTORY  on the disk to be measured; .cache/bench/compaction unless told`;

const args = parseArgs(Deno.args, {
  string: [
    ...["mb", "keys", "value-bytes", "batch-kb", "producers", "load-kb", "seconds", "runs", "dir"],
    "interval-ms",
  ],
  boolean: ["help"],
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}

function numberOf(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (Number.isFinite(value)) return value;
  console.error(HELP);
  Deno.exit(2);
}

const megabytes = numberOf(args.mb, 1_024);
const keys = numberOf(args.keys, 100_000);
const valueBytes = numberOf(args["value-bytes"], 1_024);
const batchBytes = numberOf(args["batch-kb"], 16) * 1_024;
const producers = numberOf(args.producers, 16);
const loadBytes = numberOf(args["load-kb"], 16) * 1_024;
const intervalMs = numberOf(args["interval-ms"], 10);
const measuredMs = numberOf(args.seconds, 4) * 1_000;
const runs = numberOf(args.runs, 3);
const directory = args.dir ?? new URL("../.cache/bench/compaction", import.meta.url).pathname;

const runtime = await hostRuntime();
const TOPIC = "keys";
const LOAD_TOPIC = "load";

interface BrokerProcess {
  readonly port: number;
  readonly pid: number;
  /** Resolves with the seconds that it took when the broker says that it has compacted the log. */
  compacted(): Promise<number>;
  stop(): Promise<void>;
}

/** `settings` are Kafka's keys, as `name=value`. */
async function startBroker(...settings: string[]): Promise<BrokerProcess> {
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", main, "start", "--port", "0", "--data-dir", `${directory}/data`],
      "--verbose",
      ...settings.flatMap((setting) => ["--set", setting]),
    ],
    cwd: directory,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const wake: (() => void)[] = [];
  const listen = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said += text;
      for (const resolve of wake.splice(0)) resolve();
    }
  };
  const ended = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const find = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(said);
      if (found !== null) return found;
      const next = new Promise<void>((resolve) => wake.push(resolve));
      const status = await Promise.race([next, child.status]);
      if (status !== undefined) throw new Error(`The broker ended:\n${said}`);
    }
  };
  const port = Number((await find(/:(\d+) /))[1]);
  return {
    port,
    pid: child.pid,
    async compacted() {
      return Number((await find(/Compacted keys-0 [^\n]* in ([\d.]+) s/))[1]);
    },
    async stop() {
      child.kill("SIGTERM");
      await child.status;
      await ended;
    },
  };
}

/** Makes the topics, and fills the log of one of them while no broker has it. */
async function fill(): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const broker = await startBroker("log.cleaner.enable=false");
  const admin = new Admin({ bootstrapServers: `127.0.0.1:${broker.port}` });
  await admin.createTopics([
    {
      name: TOPIC,
      partitions: 1,
      configs: { "cleanup.policy": "compact" },
    },
    { name: LOAD_TOPIC, partitions: 4 },
  ]);
  await admin.close();
  await broker.stop();
  const log = PartitionLog.open({
    runtime,
    directory: `${directory}/data/${TOPIC}-0`,
    topic: TOPIC,
    partition: 0,
    config: { ...DEFAULT_LOG_CONFIG, compact: true },
  });
  const perBatch = Math.max(1, Math.floor(batchBytes / (valueBytes + 30)));
  const value = crypto.getRandomValues(new Uint8Array(valueBytes));
  let seed = 7;
  for (let size = 0; size < megabytes * 1_048_576;) {
    const records = Array.from({ length: perBatch }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const key = new TextEncoder().encode(`key-${(seed >>> 8) % keys}`);
      return { key, value, timestamp: Date.now() };
    });
    const batch = encodeBatch(records);
    log.append(batch, { leaderEpoch: 0, origin: "coordinator" });
    size += batch.length;
  }
  log.roll();
  await log.flush();
  log.close();
}

/** Resident memory of the process, MiB; 0 where the host does not tell. */
function residentMb(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

const load = (port: number, measuredMs: number): Promise<LoadResult> =>
  run({
    port,
    topic: LOAD_TOPIC,
    partitions: 4,
    producers,
    inFlight: 1,
    batchBytes: loadBytes,
    acks: -1,
    warmUpMs: 1_000,
    measuredMs,
    intervalMs,
  });

const rate = (seconds: number) => Math.round(megabytes / seconds);
console.log(
  `${megabytes} MB of ${valueBytes} B records over ${keys.toLocaleString("en")} keys, ` +
    `${batchBytes / 1_024} KB batches; load: ${producers} producers, ${loadBytes / 1_024} KB ` +
    `batches, one every ${intervalMs} ms\n`,
);
console.log(
  "| run | MB/s alone | extra MB | MB/s with load | p50 ms | p99 ms | p99 with | ratio |",
);
console.log(
  "| --: | ---------: | -------: | -------------: | -----: | -----: | -------: | ----: |",
);
for (let i = 0; i < runs; i++) {
  await fill();
  let broker = await startBroker("log.cleaner.backoff.ms=3000");
  // What a running broker has anyway: compiled code and buffers.
  await load(broker.port, 1_500);
  const before = residentMb(broker.pid);
  let peak = before;
  const sampler = setInterval(() => peak = Math.max(peak, residentMb(broker.pid)), 20);
  const alone = await broker.compacted();
  clearInterval(sampler);
  await broker.stop();

  await fill();
  broker = await startBroker("log.cleaner.enable=false");
  const without = await load(broker.port, measuredMs);
  await broker.stop();
  broker = await startBroker("log.cleaner.backoff.ms=500");
  let isOver = false;
  const beside = broker.compacted();
  void beside.then(() => isOver = true);
  const meanwhile = await load(broker.port, measuredMs);
  const note = isOver ? " (ended before the load)" : "";
  const seconds = await beside;
  await broker.stop();
  const cells = [
    i + 1,
    rate(alone),
    Math.round(peak - before),
    rate(seconds),
    without.p50Ms.toFixed(2),
    without.p99Ms.toFixed(2),
    meanwhile.p50Ms.toFixed(2),
    meanwhile.p99Ms.toFixed(2) + note,
    (meanwhile.p99Ms / without.p99Ms).toFixed(2),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
await Deno.remove(directory, { recursive: true });
