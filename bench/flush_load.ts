/**
 * Minimal producers: each is a connection that repeatedly sends the same request, with a given number in
 * flight, and checks each response for an error.
 *
 * @module
 */
import { finishFrame, startFrame } from "../src/protocol/frame.ts";
import { readResponseHeader, writeRequestHeader } from "../src/protocol/header.ts";
import { produce } from "../src/protocol/messages/produce.ts";
import { encodeBatch } from "../src/protocol/records/batch.ts";
import { ByteReader, ByteWriter } from "../src/protocol/wire.ts";

const VERSION = 9;
const PREFIX = 4;

/** Options of the load. */
export interface Load {
  /** Port of the broker. */
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  /** Number of connections. */
  readonly producers: number;
  /** Requests in flight per connection. */
  readonly inFlight: number;
  /** Size of a batch, including its header. */
  readonly batchBytes: number;
  readonly acks: 1 | -1;
  /** Warm-up time, not measured. */
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /**
   * Interval of a steady load, ms: each producer sends by a schedule in which the producers are evenly
   * spread, and skips requests it is too late for. Without it they wait for responses only. If the
   * interval started at the last response, producers answered together would send together from then on,
   * and wait for each other.
   */
  readonly intervalMs?: number;
}

/** The result of a load. */
export interface LoadResult {
  /** Acknowledged batches in the measured time. */
  readonly batches: number;
  readonly seconds: number;
  /** Times from sending a request to its response, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs the load. Throws if the broker rejects a batch. */
export async function run(load: Load): Promise<LoadResult> {
  const beginMs = performance.now() + load.warmUpMs;
  const endMs = beginMs + load.measuredMs;
  const latencies: number[] = [];
  await Promise.all(
    Array.from(
      { length: load.producers },
      (_, i) => produceUntil(load, i, beginMs, endMs, latencies),
    ),
  );
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? NaN;
  return {
    batches: latencies.length,
    seconds: load.measuredMs / 1_000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

async function produceUntil(
  load: Load,
  number: number,
  beginMs: number,
  endMs: number,
  latencies: number[],
): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: load.port });
  connection.setNoDelay();
  const request = requestOf(load, number % load.partitions);
  const sentMs: number[] = [];
  const answers = new Answers(connection);
  const { intervalMs } = load;
  let dueMs = beginMs - load.warmUpMs + (intervalMs ?? 0) * number / load.producers;
  const untilDue = async () => {
    if (!intervalMs) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    do dueMs += intervalMs; while (dueMs < performance.now());
  };
  await untilDue();
  for (let i = 0; i < load.inFlight; i++) {
    sentMs.push(performance.now());
    await writeAll(connection, request);
  }
  for (;;) {
    checkAnswer(await answers.next());
    const now = performance.now();
    const sent = sentMs.shift()!;
    if (now >= beginMs && now < endMs) latencies.push(now - sent);
    if (now >= endMs) {
      // Wait for the requests in flight before the connections are closed.
      if (sentMs.length === 0) return;
      continue;
    }
    await untilDue();
    sentMs.push(performance.now());
    await writeAll(connection, request);
  }
}

/** Returns a produce request with one batch of about `batchBytes` bytes. */
function requestOf({ topic, batchBytes, acks }: Load, index: number): Uint8Array {
  const value = new Uint8Array(batchBytes - 61 - 12);
  for (let i = 0; i < value.length; i++) value[i] = (i * 31 + (i >>> 8) * 17) & 0xff;
  const records = encodeBatch([{ value, timestamp: Date.now() }]);
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writeRequestHeader(writer, produce, VERSION, 1, "flush-bench");
  produce.requestCodec(VERSION).write(writer, {
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  });
  finishFrame(writer, start);
  return writer.toBytes();
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

function checkAnswer(frame: Uint8Array): void {
  const reader = new ByteReader(frame);
  readResponseHeader(reader, produce, VERSION);
  const { responses } = produce.responseCodec(VERSION).read(reader);
  const { errorCode, errorMessage } = responses[0]!.partitionResponses[0]!;
  if (errorCode !== 0) throw new Error(`The broker rejected a batch: ${errorCode} ${errorMessage}`);
}

/** Splits the bytes of a connection into responses. */
export class Answers {
  #buffer = new Uint8Array(65_536);
  #start = 0;
  #end = 0;

  /** Reads responses from `connection`. */
  constructor(readonly connection: Deno.TcpConn) {}

  /** Returns the next response, without its length. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const length = this.#length();
      if (length !== -1 && this.#end - this.#start >= PREFIX + length) {
        const from = this.#start + PREFIX;
        this.#start = from + length;
        return this.#buffer.subarray(from, this.#start);
      }
      if (this.#start > 0) {
        this.#buffer.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      const count = await this.connection.read(this.#buffer.subarray(this.#end));
      if (count === null) throw new Error("The broker closed the connection");
      this.#end += count;
    }
  }

  #length(): number {
    if (this.#end - this.#start < PREFIX) return -1;
    return new DataView(this.#buffer.buffer, this.#start).getInt32(0);
  }
}
