/**
 * The speed of compaction, and its effect on producers: `deno task bench:compaction`. Fills logs with
 * records over many keys, starts a broker on them, warms it up, and compacts them in turn: one without
 * load, for its speed and memory, the next under a steady load of producers to another topic. The
 * latencies of these are compared with those of the same load just before.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Admin } from "../mod.ts";
import { DEFAULT_LOG_CONFIG } from "../src/log/log_config.ts";
import { PartitionLog } from "../src/log/partition_log.ts";
import { finishFrame, startFrame } from "../src/protocol/frame.ts";
import { readResponseHeader, writeRequestHeader } from "../src/protocol/header.ts";
import { incrementalAlterConfigs } from "../src/protocol/messages/incremental_alter_configs.ts";
import { encodeBatch } from "../src/protocol/records/batch.ts";
import { ByteReader, ByteWriter } from "../src/protocol/wire.ts";
import { hostRuntime } from "../src/runtime/host.ts";
import { Answers, type LoadResult, run, writeAll } from "./flush_load.ts";

const HELP = `deno task bench:compaction [options]

  --mb N           size of a log (default: 1,024)
  --keys N         number of keys (default: 100,000)
  --value-bytes N  size of a value (default: 1,024)
  --batch-kb N     size of a batch (default: 16)
  --producers N    producers of another topic during compaction (default: 16)
  --load-kb N      size of their batches (default: 16)
  --interval-ms N  time between two batches of a producer, 0 for none (default: 10)
  --seconds N      measured time under load (default: 4)
  --runs N         number of runs (default: 3)
  --dir DIRECTORY  directory on the disk to measure (default: .cache/bench/compaction)`;

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

const runtime = hostRuntime();
const LOAD_TOPIC = "load";
/** The topics to compact, in sequence. */
const topics = [
  { name: "warm-up", megabytes: megabytes / 2 },
  ...Array.from({ length: runs }, (_, i) => [
    { name: `alone-${i}`, megabytes },
    { name: `beside-${i}`, megabytes },
  ]).flat(),
];
const ALTER_VERSION = 1;
const TOPIC_RESOURCE = 2;
const SET = 0;

interface BrokerProcess {
  readonly port: number;
  readonly pid: number;
  /** Resolves with the duration in seconds when the broker logs that it has compacted `topic`. */
  compacted(topic: string): Promise<number>;
  stop(): Promise<void>;
}

/** `settings` are Kafka's keys, as `name=value`. */
async function startBroker(...settings: string[]): Promise<BrokerProcess> {
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", main, "start", "--port", "0", "--data-dir", `${directory}/data`],
      "--log-level=info",
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
    async compacted(topic) {
      return Number((await find(new RegExp(`Compacted ${topic}-0 [^\\n]* in ([\\d.]+) s`)))[1]);
    },
    async stop() {
      child.kill("SIGTERM");
      await child.status;
      await ended;
    },
  };
}

/** Creates the topics, and fills the logs of those to compact while no broker runs. */
async function prepare(): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const broker = await startBroker("log.cleaner.enable=false");
  const admin = new Admin({ bootstrapServers: `127.0.0.1:${broker.port}` });
  await admin.createTopics([
    ...topics.map(({ name }) => ({ name, partitions: 1 })),
    { name: LOAD_TOPIC, partitions: 4 },
  ]);
  await admin.close();
  await broker.stop();
  for (const topic of topics) await fill(topic.name, topic.megabytes);
}

async function fill(topic: string, megabytes: number): Promise<void> {
  const log = PartitionLog.open({
    runtime,
    directory: `${directory}/data/${topic}-0`,
    topic,
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

/** Makes the broker compact `topic`. */
async function letCompact(port: number, topic: string): Promise<void> {
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writeRequestHeader(writer, incrementalAlterConfigs, ALTER_VERSION, 1, "compaction-bench");
  incrementalAlterConfigs.requestCodec(ALTER_VERSION).write(writer, {
    resources: [{
      resourceType: TOPIC_RESOURCE,
      resourceName: topic,
      configs: [{ name: "cleanup.policy", configOperation: SET, value: "compact" }],
    }],
    validateOnly: false,
  });
  finishFrame(writer, start);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(connection, writer.toBytes());
  const reader = new ByteReader(await new Answers(connection).next());
  readResponseHeader(reader, incrementalAlterConfigs, ALTER_VERSION);
  const [answer] = incrementalAlterConfigs.responseCodec(ALTER_VERSION).read(reader).responses;
  if (answer!.errorCode !== 0) throw new Error(`Cannot alter ${topic}: ${answer!.errorMessage}`);
}

/** Returns the resident memory of the process, MiB, or 0 if the host does not report it. */
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
await prepare();
const broker = await startBroker("log.cleaner.backoff.ms=100");
// Warm up: compiled code and buffers.
await letCompact(broker.port, "warm-up");
await load(broker.port, measuredMs);
await broker.compacted("warm-up");
for (let i = 0; i < runs; i++) {
  const before = residentMb(broker.pid);
  let peak = before;
  const sampler = setInterval(() => peak = Math.max(peak, residentMb(broker.pid)), 20);
  await letCompact(broker.port, `alone-${i}`);
  const alone = await broker.compacted(`alone-${i}`);
  clearInterval(sampler);

  const without = await load(broker.port, measuredMs);
  await letCompact(broker.port, `beside-${i}`);
  let isOver = false;
  const beside = broker.compacted(`beside-${i}`);
  void beside.then(() => isOver = true);
  const meanwhile = await load(broker.port, measuredMs);
  const note = isOver ? " (ended before the load)" : "";
  const seconds = await beside;
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
await broker.stop();
await Deno.remove(directory, { recursive: true });
