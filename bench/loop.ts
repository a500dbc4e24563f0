/**
 * The longest turns of a node's event loop during its longest operations, and their durations:
 * `deno task bench:loop`. A broker process creates many topics in one request, starts with many partitions
 * after an orderly shutdown and after `kill -9`, deletes them, compacts a segment, and stores batches of
 * 1 MB in every codec. `loop_probe.ts` measures the delays in the process.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Admin, Producer } from "../mod.ts";
import type { CompressionType } from "../src/protocol/records/batch.ts";
import { type RunningBroker, setTreeBefore, startBroker, treeOf } from "./kafka/brokers.ts";
import { dataFileSystem, removeData, setDataParent } from "./kafka/environment.ts";
import { machineUse, residentMb } from "./kafka/process.ts";
import { clearReport, longestTurnSince, PROBE } from "./loop_report.ts";

const HELP = `deno task bench:loop [options]

  --only REGEX    run only groups whose names match: "2,000", "10,000", compaction, produce
  --runs N        runs per case (default: 3)
  --before DIR    another tree of Millrace to compare with
  --data-dir DIR  parent of the data directories, such as /dev/shm: after thousands of deletions ext4
                  creates files a hundred times more slowly for some minutes
  --out FILE.md   also write the table to this file`;

type TreeSide = "before" | "millrace";

const TOPICS_PER_REQUEST = 1_000;
const PARTITIONS_PER_TOPIC = 2;
const CODECS: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const BATCHES_PER_CODEC = 20;
const RECORDS_PER_BATCH = 1_000;
const SEGMENT_MB = 128;
/** The shortest delay that the probe reports, ms. */
const LEAST_DELAY_MS = 2;
const REPORT_NAME = "loop-delays";
const PREPARED_WITHIN_MS = 120_000;

interface Figures {
  readonly turnMs: number;
  readonly tookMs: number;
  readonly residentMb: number;
}

interface Options {
  readonly only: RegExp;
  readonly runs: number;
  readonly sides: readonly TreeSide[];
  readonly out: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["only", "runs", "before", "out", "data-dir"],
    boolean: ["help"],
    default: { only: ".", runs: "3" },
    unknown: (arg) => void unknown.push(arg),
  });
  const runs = Number(parsed.runs);
  if (parsed.help || unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
    (parsed.help ? console.log : console.error)(HELP);
    Deno.exit(parsed.help ? 0 : 2);
  }
  if (parsed.before !== undefined) setTreeBefore(Deno.realPathSync(parsed.before));
  if (parsed["data-dir"] !== undefined) setDataParent(parsed["data-dir"]);
  return {
    only: new RegExp(parsed.only),
    runs,
    sides: parsed.before === undefined ? ["millrace"] : ["before", "millrace"],
    out: parsed.out,
  };
}

/** The figures of every case, by side, in the order in which they were first measured. */
class Table {
  readonly #figures = new Map<string, Map<TreeSide, Figures[]>>();

  add(side: TreeSide, name: string, figures: Figures): void {
    const sides = this.#figures.get(name) ?? new Map<TreeSide, Figures[]>();
    this.#figures.set(name, sides);
    sides.set(side, [...sides.get(side) ?? [], figures]);
  }

  markdown(sides: readonly TreeSide[]): string {
    const titles = { before: "before: ", millrace: sides.length > 1 ? "now: " : "" };
    const columns = sides.flatMap((side) =>
      ["longest turn, ms", "time, ms", "resident MB"].map((title) => titles[side] + title)
    );
    const rows = [...this.#figures].map(([name, bySide]) => {
      const cells = sides.flatMap((side) => {
        const all = bySide.get(side) ?? [];
        const turn = Math.max(...all.map(({ turnMs }) => turnMs));
        return [
          turn < LEAST_DELAY_MS ? `< ${LEAST_DELAY_MS}` : turn.toFixed(1),
          median(all.map(({ tookMs }) => tookMs)).toFixed(0),
          median(all.map(({ residentMb }) => residentMb)).toFixed(0),
        ];
      });
      return `| ${[name, ...cells].join(" | ")} |`;
    });
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    return [line(["case", ...columns]), line(["---", ...columns.map(() => "---:")]), ...rows]
      .join("\n");
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** A broker whose event loop is observed. */
class Bench {
  readonly #report: string;
  #broker: RunningBroker;

  private constructor(
    readonly side: TreeSide,
    private readonly table: Table,
    report: string,
    broker: RunningBroker,
  ) {
    this.#report = report;
    this.#broker = broker;
  }

  static async start(side: TreeSide, table: Table, settings: readonly string[] = []) {
    const report = await Deno.makeTempFile({ prefix: REPORT_NAME });
    const broker = await startBroker(side, {
      settings,
      preload: PROBE,
      env: { MILLRACE_LOOP_REPORT: report, MILLRACE_LOOP_TREE: treeOf(side) },
    });
    return new Bench(side, table, report, broker);
  }

  get broker(): RunningBroker {
    return this.#broker;
  }

  admin(): Admin {
    return new Admin({
      bootstrapServers: this.#broker.address,
      requestTimeoutMs: PREPARED_WITHIN_MS,
    });
  }

  /** Runs `work` and records the result under `name`. A `tookMs` that it returns replaces the measured time. */
  async measure(name: string, work: () => Promise<number | void>): Promise<void> {
    console.error(`${new Date().toTimeString().slice(0, 8)} ${this.side}, ${name}`);
    const beganAt = Date.now();
    const began = performance.now();
    const tookMs = await work() ?? performance.now() - began;
    const resident = residentMb(this.#broker.pid);
    // The probe reports a delay when it ends.
    await pause(50);
    const turnMs = longestTurnSince(this.#report, beganAt);
    this.table.add(this.side, name, { turnMs, tookMs, residentMb: resident });
  }

  /** Shuts the broker down in order, or kills it, and restarts it. Resolves with the time to a response. */
  async restart({ isClean }: { readonly isClean: boolean }): Promise<number> {
    if (isClean) await this.#broker[Symbol.asyncDispose]();
    else await this.#broker.kill();
    clearReport(this.#report);
    this.#broker = await this.#broker.restart();
    return this.#broker.readyAfterMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
    await Deno.remove(this.#report);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Creates partitions, restarts with them, and deletes them. */
async function measurePartitions(side: TreeSide, count: number, table: Table): Promise<void> {
  const amount = count.toLocaleString("en");
  const perRequest = TOPICS_PER_REQUEST * PARTITIONS_PER_TOPIC;
  const requests = Array.from(
    { length: count / perRequest },
    (_, request) =>
      Array.from({ length: TOPICS_PER_REQUEST }, (_, topic) => `many-${request}-${topic}`),
  );
  await using bench = await Bench.start(side, table);
  await bench.measure(
    `create ${requests.length} × 1,000 topics × ${PARTITIONS_PER_TOPIC}`,
    async () => {
      await using admin = bench.admin();
      for (const names of requests) {
        await admin.createTopics(
          names.map((name) => ({ name, partitions: PARTITIONS_PER_TOPIC, replicationFactor: 1 })),
        );
      }
    },
  );
  // The first restart follows the creation in the same process, the second an orderly shutdown.
  await bench.measure(
    `start after kill -9, ${amount} partitions`,
    () => bench.restart({ isClean: false }),
  );
  await bench.measure(
    `end in order and start, ${amount} partitions`,
    () => bench.restart({ isClean: true }),
  );
  await bench.measure(
    `start after kill -9 of a process that wrote nothing, ${amount} partitions`,
    () => bench.restart({ isClean: false }),
  );
  await bench.measure(`delete all ${amount} partitions`, async () => {
    await using admin = bench.admin();
    for (const names of requests) await admin.deleteTopics(names);
  });
}

/** Fills one segment and a little more, and waits until the first has been compacted. */
async function measureCompaction(side: TreeSide, table: Table): Promise<void> {
  const segmentBytes = SEGMENT_MB * 1_048_576;
  await using bench = await Bench.start(side, table, ["log.cleaner.backoff.ms=100"]);
  const topic = "compacted";
  await bench.measure(`compact a segment of ${SEGMENT_MB} MB`, async () => {
    await using admin = bench.admin();
    await admin.createTopics([{
      name: topic,
      partitions: 1,
      replicationFactor: 1,
      configs: { "cleanup.policy": "compact", "segment.bytes": String(segmentBytes) },
    }]);
    await using producer = new Producer({
      bootstrapServers: bench.broker.address,
      batchSize: 65_536,
    });
    const value = crypto.getRandomValues(new Uint8Array(1_024));
    for (let sent = 0; sent < segmentBytes * 1.1; sent += value.length) {
      await producer.ready;
      producer.send({ topic, key: String(sent / value.length % 20_000), value }).catch(() => {});
    }
    await producer.flush();
    const began = performance.now();
    const first = `${bench.broker.directory}/${topic}-0/${"0".repeat(20)}.log`;
    while (Deno.statSync(first).size > segmentBytes / 2) {
      if (performance.now() - began > PREPARED_WITHIN_MS) throw new Error(`${first} stays large`);
      await pause(20);
    }
    return performance.now() - began;
  });
}

/** Stores batches of 1 MB, unchanged and recompressed. */
async function measureProduce(side: TreeSide, table: Table): Promise<void> {
  await using bench = await Bench.start(side, table);
  await using admin = bench.admin();
  const topics = [["plain", "producer"], ["recompressed", "gzip"]] as const;
  await admin.createTopics(topics.map(([name, compression]) => ({
    name,
    partitions: 1,
    replicationFactor: 1,
    configs: { "compression.type": compression },
  })));
  for (const [topic, target] of topics) {
    for (const compression of CODECS) {
      if (compression === target) continue;
      await using producer = new Producer({
        bootstrapServers: bench.broker.address,
        compression,
        batchSize: 1_048_576,
        lingerMs: 1_000,
        maxInFlight: 1,
      });
      const send = (batch: number) => {
        const sent = Array.from(
          { length: RECORDS_PER_BATCH },
          (_, i) => producer.send({ topic, value: `${batch} ${i} `.padEnd(1_000, words) }),
        );
        return Promise.all([...sent, producer.flush()]);
      };
      await send(-1);
      const name = `${BATCHES_PER_CODEC} × produce 1 MB, ${compression}${
        target === "producer" ? "" : ` to ${target}`
      }`;
      await bench.measure(name, async () => {
        for (let batch = 0; batch < BATCHES_PER_CODEC; batch++) await send(batch);
      });
    }
  }
}

/** Returns text that compresses to about a third. */
const words = Array.from(
  { length: 200 },
  (_, i) => ["offset", "leader", "epoch", "batch"][i * 7 % 4]! + (i * 7_919 % 1_013).toString(36),
).join(" ");

const GROUPS: readonly (readonly [string, (side: TreeSide, table: Table) => Promise<void>])[] = [
  ["2,000", (side, table) => measurePartitions(side, 2_000, table)],
  ["10,000", (side, table) => measurePartitions(side, 10_000, table)],
  ["compaction", measureCompaction],
  ["produce", measureProduce],
];

const { only, runs, sides, out } = readOptions(Deno.args);
const table = new Table();
const fileSystem = await dataFileSystem();
const before = machineUse();
const began = performance.now();
try {
  for (const [name, measure] of GROUPS.filter(([name]) => only.test(name))) {
    for (let run = 0; run < runs; run++) {
      for (const side of sides) {
        console.error(`${name}, run ${run + 1} of ${runs}`);
        await measure(side, table);
      }
    }
  }
} finally {
  await removeData();
}
const busy = (machineUse().busy - before.busy) / ((performance.now() - began) / 1_000);
const text = [
  `${navigator.hardwareConcurrency} cores, ${busy.toFixed(1)} of them busy, Deno ` +
  `${Deno.version.deno}, data on ${fileSystem}; the longest turn of ${runs} runs, medians of the rest`,
  "",
  table.markdown(sides),
].join("\n");
console.log(text);
if (out !== undefined) await Deno.writeTextFile(out, `${text}\n`);
