/**
 * A cluster of one controller and four brokers as processes of the commands `controller` and `broker`: the
 * commands of a walk-through, then `kill -9` and a restart of each process in turn while kcat and a Java client
 * produce and the command `consumer` reads.
 *
 * Run alone: `deno run -A tests/interop/processes.ts [--kills 20] [--seed N]`.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Consumer } from "../../src/client/mod.ts";
import { freePort } from "./broker.ts";
import { CommandProcess, type CommandResult } from "./command_process.ts";
import { KcatStream } from "./kcat_stream.ts";
import { newSeed, xorshift } from "./kill9.ts";
import { LineClient } from "./line_client.ts";
import { cacheDirectory, options } from "./options.ts";
import { millraceProgram } from "./program.ts";
import { Setup } from "./setup.ts";

/** Options of a run. */
export interface ProcessesOptions {
  /** Number of kills. */
  readonly kills: number;
  /** Determines the times of the kills. */
  readonly seed: number;
  /** What the nodes run on, one of `RUNTIMES`. */
  readonly runtime: string;
  /** Prints a line for each check, `ok processes …` or `not ok processes …: why`. */
  readonly print: (line: string) => void;
}

const CONTROLLER = 1;
const BROKERS = [2, 3, 4, 5];
const HOST = "127.0.0.1";
const TOPICS = [
  { name: "chat", partitions: 4, replication_factor: 2 },
  { name: "event", partitions: 2 },
  { name: "stream", partitions: 8 },
];
const STREAM_PARTITIONS = 8;
/** Maximum time between a restart and the next kill. */
const LONGEST_MS = 300;
/** Records of an evaluation. */
const EVALUATED = 2_000;

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function processes(
  setup: Setup,
  { kills, seed, runtime, print }: ProcessesOptions,
): Promise<void> {
  const program = await millraceProgram(runtime);
  await setup.install("kcat");
  const { command: java } = await setup.java("Stream");
  const name = "processes";
  const parts: [string, (cluster: Cluster, ok: (what: string) => void) => Promise<void>][] = [
    ["0", (cluster, ok) => leadersOnOneBroker(cluster, ok)],
    ["1", async (cluster, ok) => {
      await walkThrough(cluster, ok);
      await killAll(cluster, { java, kills, random: xorshift(seed), ok });
    }],
  ];
  for (const [flag, run] of parts) {
    const root = await Deno.makeTempDir({ prefix: "millrace-processes-" });
    const cluster = new Cluster(program, root, flag);
    try {
      await run(cluster, (what) => print(`ok ${name} ${what}`));
      await cluster.stop();
      print(`ok ${name} all processes with flag ${flag} end with code 0 on Ctrl-C`);
    } catch (error) {
      const text = `${(error as Error).message}; ${cluster.tails()} (repeat with --seed ${seed})`;
      print(`not ok ${name} flag ${flag}: ${text.replace(/\s+/g, " ")}`);
    } finally {
      await cluster.kill();
      await Deno.remove(root, { recursive: true });
    }
  }
}

/** The processes of one cluster. */
class Cluster {
  readonly #ports = new Map([CONTROLLER, ...BROKERS].map((id) => [id, String(freePort())]));
  readonly #nodes = new Map<number, CommandProcess>();

  constructor(
    readonly program: readonly string[],
    readonly root: string,
    /** Whether leaders are spread ("1") or on one broker ("0"). */
    readonly flag: string,
  ) {}

  /** The address of a broker as arguments. */
  place(id: number): string[] {
    return [HOST, this.#ports.get(id)!];
  }

  /** The addresses of all brokers. */
  get bootstrapServers(): string {
    return BROKERS.map((id) => this.place(id).join(":")).join(",");
  }

  /** Starts a command of a client in the cluster's directory. */
  command(...args: string[]): CommandProcess {
    return new CommandProcess(args[0]!, [...this.program, ...args], { cwd: this.root });
  }

  /** Runs a command of a client to its end. */
  run(...args: string[]): Promise<CommandResult> {
    return this.command(...args).end();
  }

  /** Starts all processes and resolves with the controller when all are ready. */
  async start(): Promise<CommandProcess> {
    await Deno.writeTextFile(`${this.root}/topic.json`, JSON.stringify(TOPICS));
    for (const id of [CONTROLLER, ...BROKERS]) this.launch(id);
    await Promise.all(BROKERS.map((id) => this.ready(id)));
    return this.#nodes.get(CONTROLLER)!;
  }

  /** Starts a process. */
  launch(id: number): void {
    const args = id === CONTROLLER
      ? [
        ...["controller", "1", ...this.place(1), String(BROKERS.length)],
        ...["topic.json", "controller.log", this.flag],
      ]
      : ["broker", String(id), ...this.place(id), "1", ...this.place(1), `broker-${id}`, "0"];
    this.#nodes.set(
      id,
      new CommandProcess(`node ${id}`, [...this.program, ...args], { cwd: this.root }),
    );
  }

  /** Resolves when a process has printed that it is ready. */
  async ready(id: number): Promise<void> {
    await this.#nodes.get(id)!.line(new RegExp(`^(controller|broker) ${id} ready on `, "m"));
  }

  /** Kills a process with SIGKILL, and resolves when it has ended. Throws if it had ended before. */
  async killNode(id: number): Promise<void> {
    const node = this.#nodes.get(id)!;
    if (node.hasEnded) throw new Error(`node ${id} ended by itself: ${node.tail()}`);
    await node.end("SIGKILL");
  }

  /** Ends all as Ctrl-C does, brokers first. */
  async stop(): Promise<void> {
    for (const id of [...BROKERS, CONTROLLER]) {
      const { code, err } = await this.#nodes.get(id)!.end("SIGINT");
      assertEquals(code, 0, `node ${id}: ${err}`);
    }
  }

  /** Ends all that is left. */
  async kill(): Promise<void> {
    for (const node of this.#nodes.values()) await node.end("SIGKILL");
  }

  /** The last lines of all processes. */
  tails(): string {
    return [...this.#nodes.values()].map((node) => `${node.name}: ${node.tail().slice(-300)}`)
      .join(" | ");
  }
}

/** With flag 0 all leaders are on the broker with the lowest id. */
async function leadersOnOneBroker(cluster: Cluster, ok: (what: string) => void): Promise<void> {
  const controller = await cluster.start();
  await controller.line(
    /^created topic chat: 4 partitions, partition:leader 0:2 1:2 2:2 3:2, 1 replica instead of 2\n/m,
  );
  await controller.line(/^created topic event: 2 partitions, partition:leader 0:2 1:2\n/m);
  ok("flag 0: all leaders are on broker 2");
}

/** The commands of a walk-through with flag 1. */
async function walkThrough(cluster: Cluster, ok: (what: string) => void): Promise<void> {
  const began = performance.now();
  const controller = await cluster.start();
  await controller.line(
    /^created topic chat: 4 partitions, partition:leader 0:2 1:3 2:4 3:5, 1 replica instead of 2\n/m,
  );
  await controller.line(/^created topic event: 2 partitions, partition:leader 0:2 1:3\n/m);
  await controller.line(/^created topic stream: 8 partitions, /m);
  const ms = Math.round(performance.now() - began);
  ok(`flag 1: leaders are spread over four brokers, ${ms} ms after the start`);

  const producer = cluster.command("producer", "1", ...cluster.place(3));
  for (const key of ["ann", "bob", "cid"]) await producer.write(`send chat ${key} hello ${key}`);
  await producer.write("batch chat ann one,two");
  const sent = await producer.end();
  assertEquals([sent.code, sent.err], [0, ""]);
  assertMatch(sent.out, /^sent 2 records to chat-\d at offsets \d+ to \d+\n/m);
  const consumer = await cluster.run("consumer", "1", ...cluster.place(5), "chat", "--count", "5");
  assertEquals([consumer.code, consumer.err], [0, ""]);
  assertEquals(
    consumer.out.trim().split("\n").map((line) => /\((.*)\)/.exec(line)![1]).sort(),
    ["ann:hello ann", "ann:one", "ann:two", "bob:hello bob", "cid:hello cid"],
  );
  ok("producer through broker 3 and consumer through broker 5: five records");

  const limit = ["--records", String(EVALUATED)];
  const wrote = await cluster.run(
    "producer_eval",
    "2",
    "0",
    "event",
    ...cluster.place(2),
    ...limit,
  );
  assertEquals([wrote.code, wrote.err], [0, ""]);
  const args = ["consumer_eval", "1", "event", "true", "out", ...cluster.place(4), ...limit];
  const read = await cluster.run(...args);
  assertEquals([read.code, read.err], [0, ""]);
  const rows = (await Deno.readTextFile(`${cluster.root}/out/consumer_1.txt`)).trim().split("\n");
  assertEquals(rows.length, EVALUATED);
  assert(rows.every((row) => /^event,[01],/.test(row)), rows[0]);
  ok("producer_eval through broker 2 and consumer_eval through broker 4: 2000 records");
}

/** Kills every process in turn while clients produce and consume, and reads everything back. */
async function killAll(
  cluster: Cluster,
  { java, kills, random, ok }: {
    readonly java: readonly string[];
    readonly kills: number;
    readonly random: () => number;
    readonly ok: (what: string) => void;
  },
): Promise<void> {
  const { bootstrapServers } = cluster;
  const kcat = new KcatStream(bootstrapServers, "stream");
  const stream = new LineClient("the Java client", [...java, bootstrapServers, "stream"]);
  const settle = async (command: "settle" | "stop") => {
    await stream.send(command);
    const line = await stream.line();
    if (!line.startsWith("ok ")) throw new Error(`the Java client: ${line}`);
    return Number(line.slice(3));
  };
  const consumer = cluster.command("consumer", "2", ...cluster.place(2), "stream");
  try {
    await Promise.all([settle("settle"), kcat.settle()]);
    const ids = [CONTROLLER, ...BROKERS];
    for (let kill = 0; kill < kills; kill++) {
      const id = ids[kill % ids.length]!;
      const waitMs = Math.round(random() * LONGEST_MS);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await cluster.killNode(id);
      const began = performance.now();
      cluster.launch(id);
      await cluster.ready(id);
      const readyMs = Math.round(performance.now() - began);
      await Promise.all([settle("settle"), kcat.settle()]);
      const settledMs = Math.round(performance.now() - began);
      const role = id === CONTROLLER ? "controller" : "broker";
      ok(
        `kill ${
          kill + 1
        } of ${kills}, ${role} ${id} after ${waitMs} ms: ready in ${readyMs} ms, all ` +
          `records acknowledged in ${settledMs} ms`,
      );
    }
    const [fromKcat, fromJava] = await Promise.all([kcat.stop(), settle("stop")]);
    const expected = new Map([
      ...Array.from({ length: fromKcat }, (_, i) => [`kcat-${i}`, `value ${i}`] as const),
      ...Array.from({ length: fromJava }, (_, i) => [`java-${i}`, `value ${i}`] as const),
    ]);
    const total = expected.size;
    await consumer.until(`all ${total} records`, () => countLines(consumer.out) >= total);
    const { code, out, err } = await consumer.end("SIGINT");
    assertEquals([code, err], [0, ""]);
    checkRecords(expected, linesOf(out));
    ok(`a consumer that read all the time has each of ${total} acknowledged records once`);
    checkRecords(expected, await readBack(bootstrapServers, total));
    ok(`${fromKcat} records of kcat and ${fromJava} of Java are read back, each once`);
  } finally {
    await kcat.kill();
    await stream.end();
    await consumer.end("SIGKILL");
  }
}

/** A record as the consumers return it. */
interface Read {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function linesOf(out: string): Read[] {
  return out.trim().split("\n").map((line) => {
    const match = /^\[stream-(\d+)-(\d+)\]: \((\S+):(.*)\)$/.exec(line);
    assert(match !== null, line);
    const [, partition, offset, key, value] = match;
    return { partition: Number(partition), offset: Number(offset), key: key!, value: value! };
  });
}

async function readBack(bootstrapServers: string, count: number): Promise<Read[]> {
  const consumer = new Consumer({ bootstrapServers, topics: "stream" });
  const found: Read[] = [];
  try {
    for await (const { partition, offset, keyText, valueText } of consumer) {
      found.push({ partition, offset: Number(offset), key: keyText!, value: valueText! });
      if (found.length >= count) break;
    }
  } finally {
    await consumer.close();
  }
  return found;
}

/** Checks that each record is there once, and that offsets begin with 0 and have no gaps. */
function checkRecords(expected: ReadonlyMap<string, string>, found: readonly Read[]): void {
  const next = new Array<number>(STREAM_PARTITIONS).fill(0);
  const seen = new Set<string>();
  for (const { partition, offset, key, value } of found) {
    assertEquals(offset, next[partition]!++, `offset in partition ${partition}`);
    assert(!seen.has(key), `${key} is there twice`);
    seen.add(key);
    assertEquals(value, expected.get(key), key);
  }
  const lost = [...expected.keys()].filter((key) => !seen.has(key));
  assertEquals(lost.slice(0, 10), [], `${lost.length} acknowledged records are lost`);
}

if (import.meta.main) {
  const given = options(Deno.args, ["kills", "seed", "runtime"]);
  let failed = 0;
  await processes(new Setup(cacheDirectory()), {
    kills: Number(given.kills ?? 20),
    seed: Number(given.seed ?? newSeed()),
    runtime: given.runtime ?? "deno",
    print: (line) => {
      if (!line.startsWith("ok ")) failed++;
      console.log(line);
    },
  });
  Deno.exit(failed > 0 ? 1 : 0);
}
