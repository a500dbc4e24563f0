/**
 * The effect on other clients of a request that swells: a few KB that decompress to 64 or 120 MB, sent to
 * a plain topic and to one that recompresses. `deno task bench:swell` prints the longest wait of another
 * client and the time to the response, compared with Apache Kafka.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Admin } from "../mod.ts";
import { PeerConnection } from "../src/network/peer_connection.ts";
import { errorName } from "../src/protocol/errors.ts";
import { produce } from "../src/protocol/messages/produce.ts";
import { type CompressionType, encodeBatch } from "../src/protocol/records/batch.ts";
import { denoRuntime } from "../src/runtime/deno/deno.ts";
import {
  askApiVersions,
  type RunningBroker,
  setTreeBefore,
  type Side,
  startBroker,
} from "./kafka/brokers.ts";
import {
  describeMachine,
  KAFKA_VERSION,
  MissingToolError,
  prepare,
  removeData,
} from "./kafka/environment.ts";
import { cpuSeconds, machineUse } from "./kafka/process.ts";
import { Samples } from "./kafka/samples.ts";

const HELP = `deno task bench:swell [options]

  --only REGEX     run only cases whose names match, such as "gzip" or "to lz4"
  --runs N         runs per case after one warm-up run (default: 5)
  --before DIR     another tree of Millrace to compare with
  --without-kafka  without Apache Kafka, so without JDK and Maven
  --out FILE.md    also write the table to this file`;

const MB = 1_000_000;
/** Time between two requests of the other client, ms. */
const PROBE_EVERY_MS = 1;
/** Time it is observed before and after the request, ms. */
const QUIET_MS = 30;
const REQUEST_TIMEOUT_MS = 120_000;
/** Attempts to use a new topic. */
const MOST_TRIES = 200;

/** A request and its topic. */
interface Case {
  readonly name: string;
  readonly source: CompressionType;
  readonly megabytes: number;
  /** `compression.type` of the topic. */
  readonly target: string;
}

const CASES: readonly Case[] = ([
  ["gzip", 64, "lz4"],
  ["gzip", 120, "zstd"],
  ["zstd", 120, "lz4"],
  ["lz4", 120, "gzip"],
  ["snappy", 120, "zstd"],
  ["none", 64, "gzip"],
] as const).flatMap(([source, megabytes, other]) =>
  ["producer", other].map((target) => ({
    name: `${megabytes} MB as ${source}, ${target === "producer" ? "plain" : `to ${target}`}`,
    source,
    megabytes,
    target,
  }))
);

const WAITS = "longest wait of another client";
const ANSWER = "answer to the request";

interface Options {
  readonly runs: number;
  readonly cases: readonly Case[];
  readonly sides: readonly Side[];
  readonly out: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["only", "runs", "out", "before"],
    boolean: ["help", "without-kafka"],
    default: { runs: "5", only: "." },
    unknown: (arg) => void unknown.push(arg),
  });
  if (parsed.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  const runs = Number(parsed.runs);
  const only = new RegExp(parsed.only);
  const cases = CASES.filter(({ name }) => only.test(name));
  if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || cases.length === 0) {
    console.error(HELP);
    Deno.exit(2);
  }
  const sides: Side[] = parsed["without-kafka"] ? [] : ["kafka"];
  if (parsed.before !== undefined) {
    setTreeBefore(Deno.realPathSync(parsed.before));
    sides.push("before");
  }
  return { runs, cases, sides: [...sides, "millrace"], out: parsed.out };
}

/** Returns a batch with one record of `megabytes` zeros. */
function swellingBatch({ source, megabytes }: Case): Uint8Array<ArrayBuffer> {
  const codecs = denoRuntime().codecs();
  return encodeBatch([{ value: new Uint8Array(megabytes * MB), timestamp: Date.now() }], {
    compression: source,
    codecs,
  });
}

/** A client that is delayed by the request of another one. */
class Bystander {
  readonly #connection: Deno.TcpConn;
  readonly #waits: number[] = [];
  #isDone = false;
  readonly #running: Promise<void>;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#running = this.#ask();
  }

  static async of({ address }: RunningBroker): Promise<Bystander> {
    const port = Number(address.split(":").at(-1));
    return new Bystander(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Resolves with the longest time to a response, ms. */
  async longestWait(): Promise<number> {
    this.#isDone = true;
    await this.#running;
    this.#connection.close();
    return Math.max(...this.#waits);
  }

  async #ask(): Promise<void> {
    while (!this.#isDone) {
      const began = performance.now();
      await askApiVersions(this.#connection);
      this.#waits.push(performance.now() - began);
      await pause(PROBE_EVERY_MS);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

let topicCount = 0;

/** Sends the request once and records the result. */
async function measure(
  broker: RunningBroker,
  { name, target }: Case,
  records: Uint8Array<ArrayBuffer>,
  samples: Samples,
): Promise<void> {
  const { address, side, pid } = broker;
  const topic = `swell-${++topicCount}`;
  const [host, port] = address.split(":");
  const limit = String(100 * MB);
  await using admin = new Admin({ bootstrapServers: address });
  await admin.createTopics([{
    name: topic,
    partitions: 1,
    replicationFactor: 1,
    configs: { "compression.type": target, "max.message.bytes": limit },
  }]);
  const connection = await PeerConnection.open({
    runtime: denoRuntime(),
    address: { host: host!, port: Number(port) },
    clientId: "swell",
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectTimeoutMs: REQUEST_TIMEOUT_MS,
    maxResponseBytes: MB,
  });
  const send = async (batch: Uint8Array<ArrayBuffer>) => {
    const answer = await connection.request(produce, {
      acks: 1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: batch }] }],
    }, { maxVersion: 12 });
    return answer.responses[0]!.partitionResponses[0]!.errorCode;
  };
  // Kafka responds to the creation of a topic before its partitions have a leader.
  const small = encodeBatch([{ value: new Uint8Array(1), timestamp: Date.now() }]);
  for (let tries = 1; await send(small) !== 0; tries++) {
    if (tries === MOST_TRIES) throw new Error(`${side} does not take records for ${topic}`);
    await pause(QUIET_MS);
  }
  const bystander = await Bystander.of(broker);
  const cpuBefore = cpuSeconds(pid) + cpuSeconds(Deno.pid);
  const machineBefore = machineUse().busy;
  const watchedFrom = performance.now();
  await pause(QUIET_MS);
  const began = performance.now();
  const errorCode = await send(records);
  const answeredMs = performance.now() - began;
  await pause(QUIET_MS);
  const wait = await bystander.longestWait();
  const capacity = navigator.hardwareConcurrency * (performance.now() - watchedFrom) / 1000;
  const own = cpuSeconds(pid) + cpuSeconds(Deno.pid) - cpuBefore;
  const others = Math.max(0, machineUse().busy - machineBefore - own) / capacity;
  connection.close();
  await admin.deleteTopics([topic]);
  if (errorCode !== 0) throw new Error(`${side} answers ${name} with ${errorName(errorCode)}`);
  samples.add(side, name, WAITS, wait, others);
  samples.add(side, name, ANSWER, answeredMs, others);
}

function table({ cases, sides }: Options, samples: Samples, machine: string, runs: number): string {
  const names = { kafka: `Kafka ${KAFKA_VERSION}`, before: "before", millrace: "Millrace" };
  const shown = sides.filter((side) => side !== "floor");
  const columns = [WAITS, ANSWER].flatMap((figure) =>
    shown.map((side) => ({ side, figure, title: `${names[side]}: ${figure}, ms` }))
  );
  const rows = cases.map(({ name }) => {
    const values = columns.map(({ side, figure }) =>
      samples.median(side, name, figure)?.toFixed(figure === WAITS ? 1 : 0) ?? ""
    );
    return `| ${name}${samples.isDisturbed(name) ? " \\*" : ""} | ${values.join(" | ")} |`;
  });
  const isDisturbed = cases.some(({ name }) => samples.isDisturbed(name));
  return [
    `${machine}; medians of ${runs}`,
    "",
    `| request | ${columns.map(({ title }) => title).join(" | ")} |`,
    `| --- | ${columns.map(() => "---:").join(" | ")} |`,
    ...rows,
    ...(isDisturbed
      ? ["", "\\* others used more than 15% of the machine in one of the runs: measure again"]
      : []),
  ].join("\n");
}

async function main(): Promise<void> {
  const options = readOptions(Deno.args);
  const { runs, cases, sides, out } = options;
  if (sides.includes("kafka")) await prepare();
  const samples = new Samples();
  try {
    for (const side of sides) {
      await using broker = await startBroker(side);
      for (const one of cases) {
        console.error(`${new Date().toTimeString().slice(0, 8)} ${side}, ${one.name}`);
        const records = swellingBatch(one);
        await measure(broker, one, records, new Samples());
        for (let run = 0; run < runs; run++) await measure(broker, one, records, samples);
      }
    }
  } finally {
    await removeData();
  }
  const text = table(options, samples, await describeMachine(), runs);
  console.log(text);
  if (out !== undefined) await Deno.writeTextFile(out, `${text}\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof MissingToolError ? error.message : error);
    Deno.exit(1);
  }
}
