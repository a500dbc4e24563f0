/**
 * `producer_eval`: measures throughput and latency of writing.
 *
 * @module
 */
import { Producer, type ProducerOptions } from "../src/client/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS } from "./client_flags.ts";
import { BOUND_FLAGS, Evaluation } from "./evaluation.ts";
import { turnOfLoop } from "./host.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "producer_eval",
  summary: "Measures writing with a number of producers",
  details: [
    "Each producer sends a record every <interval_ms> milliseconds, or as fast as possible if that is",
    "0. The command ends at Ctrl-C or at a limit given by --records or --seconds. Latency is the time",
    "from sending a record to its acknowledgement.",
  ],
  positionals: [
    { name: "<num_producer>", flag: "producers" },
    { name: "<interval_ms>", flag: "interval" },
    { name: "<topic>", flag: "topic" },
    { name: "<bootstrap ip>", flag: "host" },
    { name: "<bootstrap port>", flag: "port" },
  ],
  flags: [
    { name: "producers", value: "<number>", help: "number of producers", default: "1" },
    {
      name: "interval",
      value: "<ms>",
      help: "time between two records of a producer",
      default: "0",
    },
    { name: "topic", value: "<topic>", help: "topic to write to" },
    ...BOOTSTRAP_FLAGS,
    ...BOUND_FLAGS,
    { name: "size", value: "<bytes>", help: "size of a record's value", default: "100" },
    {
      name: "linger",
      value: "<ms>",
      help: "time a record waits for its batch to fill",
      default: "0",
    },
    { name: "batch-size", value: "<bytes>", help: "maximum size of a batch", default: "16384" },
    {
      name: "acks",
      value: "<all|1|0>",
      help: "acknowledgements required for a record",
      default: "all",
    },
    {
      name: "compression",
      value: "<type>",
      help: "none, gzip, snappy, lz4 or zstd",
      default: "none",
    },
    {
      name: "keys",
      value: "<number>",
      help: "number of different keys, 0 for records without keys",
      default: "0",
    },
  ],
  examples: [
    "millrace producer_eval 4 10 chat 127.0.0.1 9092",
    "millrace producer_eval --topic chat --records 1000000 --size 100",
  ],
};

/** Bytes in flight per producer: enough for full batches, few enough for meaningful latencies. */
const IN_FLIGHT_BYTES = 1_048_576;
/** Minimum for the maximum request size; a larger --batch-size raises it. */
const MIN_REQUEST_BYTES = 1_048_576;
/** Records sent between two turns of the event loop. */
const BURST = 256;

/** Sends until a limit is reached or the process is interrupted. */
export async function run(args: Arguments): Promise<number> {
  const workers = args.whole("producers", 1, 1_000);
  const intervalMs = args.whole("interval", 0, 3_600_000);
  const topic = args.text("topic");
  const size = args.whole("size", 0, 1_000_000);
  const keys = args.whole("keys", 0, 1_000_000);
  const acks = args.oneOf("acks", ["all", "1", "0"]);
  const batchSize = args.whole("batch-size", 1, 100_000_000);
  const options: ProducerOptions = {
    bootstrapServers: args.bootstrapServers(),
    lingerMs: args.whole("linger", 0, 60_000),
    batchSize,
    maxRequestBytes: Math.max(batchSize, MIN_REQUEST_BYTES),
    acks: acks === "all" ? "all" : acks === "1" ? 1 : 0,
    compression: args.oneOf("compression", ["none", "gzip", "snappy", "lz4", "zstd"]),
    bufferBytes: IN_FLIGHT_BYTES,
  };
  const evaluation = new Evaluation("Producer", args);
  const producers = await connectAll(workers, options);
  let failure: unknown = null;
  try {
    evaluation.begin();
    const values = payload(size);
    let sent = 0;
    let next = 0;
    const sendOne = (producer: Producer) => {
      sent++;
      evaluation.started();
      const atMs = performance.now();
      const value = values[next++ & 1023]!;
      const record = keys === 0 ? { topic, value } : { topic, value, key: `key-${next % keys}` };
      producer.send(record).then(() => {
        evaluation.latencies.add(performance.now() - atMs);
        evaluation.counted(1);
      }, (error) => {
        failure ??= error;
        evaluation.stop();
      });
    };
    const isDone = () => evaluation.isStopped || sent >= evaluation.limit;
    await Promise.all(
      producers.map((producer) =>
        intervalMs === 0
          ? sendFast(producer, sendOne, isDone)
          : sendPaced(producer, intervalMs, evaluation, sendOne, isDone)
      ),
    );
  } finally {
    await Promise.all(producers.map((producer) => producer.close()));
  }
  if (failure !== null) throw failure;
  evaluation.report();
  return 0;
}

async function connectAll(count: number, options: ProducerOptions): Promise<Producer[]> {
  const ids = Array.from({ length: count }, (_, i) => `producer_eval-${i + 1}`);
  const opened = await Promise.allSettled(
    ids.map((clientId) => Producer.connect({ ...options, clientId })),
  );
  const failed = opened.find((one) => one.status === "rejected");
  const producers = opened.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  if (failed === undefined) return producers;
  await Promise.all(producers.map((producer) => producer.close()));
  throw failed.reason;
}

async function sendFast(
  producer: Producer,
  sendOne: (producer: Producer) => void,
  isDone: () => boolean,
): Promise<void> {
  while (!isDone()) {
    for (let i = 0; i < BURST && !isDone(); i++) sendOne(producer);
    await producer.ready;
    await turnOfLoop();
  }
}

async function sendPaced(
  producer: Producer,
  intervalMs: number,
  evaluation: Evaluation,
  sendOne: (producer: Producer) => void,
  isDone: () => boolean,
): Promise<void> {
  // Scheduled from the start, so that the delays of late timers do not accumulate.
  const startMs = performance.now();
  for (let i = 0; !isDone(); i++) {
    const waitMs = startMs + i * intervalMs - performance.now();
    if (waitMs > 0) await pause(waitMs, evaluation);
    if (!isDone()) sendOne(producer);
    await producer.ready;
  }
}

/** Waits for `ms`, or until the evaluation ends. */
function pause(ms: number, evaluation: Evaluation): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    evaluation.onStop(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Returns 1,024 different values of `size` bytes that compress about as well as text. */
function payload(size: number): Uint8Array[] {
  const words = "stream batch offset leader record broker topic partition commit fetch".split(" ");
  const utf8 = new TextEncoder();
  return Array.from({ length: 1024 }, (_, i) => {
    let text = `${i} `;
    for (let word = i; text.length < size; word = word * 7 + 3 & 0xffff) {
      text += `${words[word % words.length]} `;
    }
    return utf8.encode(text.slice(0, size));
  });
}
