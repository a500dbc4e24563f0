/**
 * `producer_eval`: how fast, and how soon, records are written.
 *
 * @module
 */
import { Producer, type ProducerOptions } from "../src/client/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS } from "./client_flags.ts";
import { BOUND_FLAGS, Evaluation } from "./evaluation.ts";
import { turnOfLoop } from "./host.ts";

/** How it is called. */
export const spec: CommandSpec = {
  name: "producer_eval",
  summary: "Measures sending: so many producers, each a record every so many milliseconds",
  details: [
    "With an interval of 0 each sends as fast as it can. It ends at Ctrl-C, or as --records or",
    "--seconds say. Latency is from the sending of a record to its acknowledgement.",
  ],
  positionals: [
    { name: "<num_producer>", flag: "producers" },
    { name: "<interval_ms>", flag: "interval" },
    { name: "<topic>", flag: "topic" },
    { name: "<bootstrap ip>", flag: "host" },
    { name: "<bootstrap port>", flag: "port" },
  ],
  flags: [
    { name: "producers", value: "<number>", help: "how many send", default: "1" },
    {
      name: "interval",
      value: "<ms>",
      help: "between two records of one, 0 for none",
      default: "0",
    },
    { name: "topic", value: "<topic>", help: "where they send" },
    ...BOOTSTRAP_FLAGS,
    ...BOUND_FLAGS,
    { name: "size", value: "<bytes>", help: "the size of a record's value", default: "100" },
    { name: "linger", value: "<ms>", help: "how long a record waits for its batch", default: "0" },
    { name: "batch-size", value: "<bytes>", help: "how much a batch gathers", default: "16384" },
    { name: "acks", value: "<all|1|0>", help: "when a record counts as written", default: "all" },
    {
      name: "compression",
      value: "<type>",
      help: "none, gzip, snappy, lz4 or zstd",
      default: "none",
    },
    {
      name: "keys",
      value: "<number>",
      help: "how many different keys, 0 for no keys",
      default: "0",
    },
  ],
  examples: [
    "millrace producer_eval 4 10 chat 127.0.0.1 9092",
    "millrace producer_eval --topic chat --records 1000000 --size 100",
  ],
};

/** Bytes of records that one producer has under way: enough for full batches, few enough for true latencies. */
const UNDER_WAY = 1_048_576;
/** A request takes so many bytes, or a batch of the size that is asked for. */
const LEAST_REQUEST_BYTES = 1_048_576;
/** Records sent between two looks at the event loop. */
const BURST = 256;

/** Sends until a bound is reached or it is told to end. */
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
    maxRequestBytes: Math.max(batchSize, LEAST_REQUEST_BYTES),
    acks: acks === "all" ? "all" : acks === "1" ? 1 : 0,
    compression: args.oneOf("compression", ["none", "gzip", "snappy", "lz4", "zstd"]),
    bufferBytes: UNDER_WAY,
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
  // Counted from the start, so that late timers do not add up.
  const startMs = performance.now();
  for (let i = 0; !isDone(); i++) {
    const waitMs = startMs + i * intervalMs - performance.now();
    if (waitMs > 0) await pause(waitMs, evaluation);
    if (!isDone()) sendOne(producer);
    await producer.ready;
  }
}

/** Waits, but not beyond the end of the evaluation. */
function pause(ms: number, evaluation: Evaluation): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    evaluation.onStop(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A thousand different texts of `size` bytes, which compress about as well as text does. */
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
