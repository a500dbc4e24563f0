/**
 * A broker process with two data directories, the second on a disk that fails on demand, and the
 * records that it has acknowledged to its clients, among them confluent-kafka.
 *
 * @module
 */
import { Admin, errorName, type LogDirInfo } from "../../src/client/mod.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { batchOf, fetchFrom, produceTo } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";
import { Broker, type BrokerCommand, freePort } from "./broker.ts";
import { FailingDisk } from "./failing_disk.ts";
import { type Kafka, run } from "./kafka.ts";
import type { PythonClient } from "./python_client.ts";

/** Options of a trial. */
export interface TrialOptions {
  /** The command of the broker, with `{flush}`. */
  readonly command: BrokerCommand;
  readonly flush: "os" | "always";
  /** The compiled `clients/disk/failing_disk.c`. */
  readonly library: string;
  readonly client: PythonClient;
  /** Apache Kafka's tools. */
  readonly kafka: Kafka;
  /** Broker settings, `key=value`. */
  readonly settings?: readonly string[];
}

/** A directory as reported by Apache Kafka's tool. */
export interface ReportedDirectory {
  readonly logDir: string;
  readonly error: string | null;
  readonly partitions: readonly { readonly partition: string; readonly size: number }[];
}

/** A record as reported by the client. */
export interface Fetched {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
}

/** A topic with one partition in each directory. */
export interface TwoPartitions {
  readonly topic: string;
  readonly onOne: number;
  readonly onTwo: number;
}

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
/** Maximum time to wait for a state of the broker or of a file. */
const LIMIT_MS = 15_000;

/** A broker that can be started and killed repeatedly, and the records it has acknowledged. */
export class TwoDisks {
  /** The directory with the metadata log. */
  readonly one: string;
  /** The directory that may fail. */
  readonly two: string;
  readonly disk: FailingDisk;
  /** The acknowledged values by partition name, from offset 0. */
  readonly acknowledged = new Map<string, string[]>();
  #broker: Broker | null = null;
  readonly #clients: RawClient[] = [];
  #sent = 0;

  private constructor(
    readonly options: TrialOptions,
    readonly root: string,
    readonly runtime: Runtime,
  ) {
    this.one = `${root}/one`;
    this.two = `${root}/two`;
    this.disk = new FailingDisk(options.library, `${root}/failing_disk`);
  }

  /** Creates two empty directories, without a broker. */
  static async create(options: TrialOptions): Promise<TwoDisks> {
    const root = await Deno.makeTempDir({ prefix: "millrace-disk-" });
    return new TwoDisks(options, root, hostRuntime());
  }

  /** Starts the broker on the failing disk, or on a working one if `onWorkingDisk`. */
  async start(onWorkingDisk = false): Promise<void> {
    const { command, flush, settings = [] } = this.options;
    const own = [
      ...command.map((part) => part.replaceAll("{flush}", flush)),
      ...settings.flatMap((setting) => ["--set", setting]),
    ];
    const under = onWorkingDisk ? own : this.disk.under(own);
    this.#broker = await Broker.start(under, freePort(), `${this.one},${this.two}`);
  }

  get broker(): Broker {
    return this.#broker!;
  }

  /** Kills the broker and starts it on a working disk. */
  async killAndStart(): Promise<void> {
    await this.kill();
    await this.start(true);
  }

  /** Kills the broker with SIGKILL. */
  async kill(): Promise<void> {
    if (this.broker.ended) throw new Error(`the broker ended by itself: ${this.broker.tail()}`);
    await this.broker.kill();
    this.disk.restoreAll();
  }

  /** Ends all processes and removes the directories. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.disk.restoreAll();
    await this.#broker?.kill();
    this.disk.close();
    await Deno.remove(this.root, { recursive: true });
  }

  /** Creates a topic with two partitions, one on each disk. */
  async topic(topic: string, config: Record<string, string> = {}): Promise<TwoPartitions> {
    await this.options.client.ask("create", this.broker.bootstrap, topic, 2, config);
    const onTwo = [0, 1].filter((partition) => exists(`${this.two}/${topic}-${partition}`));
    if (onTwo.length !== 1) throw new Error(`${onTwo.length} partitions are on the second disk`);
    return { topic, onOne: 1 - onTwo[0]!, onTwo: onTwo[0]! };
  }

  /** Returns unique values of slightly more than `bytes` bytes. */
  values(count: number, bytes = 100): string[] {
    return Array.from({ length: count }, () => `${this.#sent++} ${"x".repeat(bytes)}`);
  }

  /** Produces with confluent-kafka. Every record must be acknowledged with the next offset. */
  async produce(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const known = this.known(topic, partition);
    const answers = await this.answers(topic, partition, values);
    for (const [i, answer] of answers.entries()) {
      if (answer !== known.length) {
        throw new Error(`${topic}-${partition} answers ${answer}, not offset ${known.length}`);
      }
      known.push(values[i]!);
    }
  }

  /** Produces with confluent-kafka. Every record must be rejected with KAFKA_STORAGE_ERROR. */
  async refused(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const answers = await this.answers(topic, partition, values);
    const wrong = answers.find((answer) => answer !== "KAFKA_STORAGE_ERROR");
    if (wrong !== undefined) throw new Error(`${topic}-${partition} answers ${wrong}`);
  }

  /** Produces and returns the result of each record: its offset, or the name of an error. */
  async answers(
    topic: string,
    partition: number,
    values: readonly string[],
  ): Promise<(number | string)[]> {
    const { client } = this.options;
    return await client.ask("produce", this.broker.bootstrap, topic, partition, values);
  }

  /** The acknowledged values of a partition. */
  known(topic: string, partition: number): string[] {
    const name = `${topic}-${partition}`;
    let known = this.acknowledged.get(name);
    if (known === undefined) this.acknowledged.set(name, known = []);
    return known;
  }

  /**
   * Reads a partition with confluent-kafka. It must contain the acknowledged records, followed only
   * by a prefix of the rejected `mayFollow`. Returns the number of those.
   */
  async reads(topic: string, partition: number, mayFollow: readonly string[] = []) {
    const known = this.known(topic, partition);
    const found = await this.fetched(topic, [partition], known.length);
    const allowed = [...known, ...mayFollow];
    for (const [i, { offset, value }] of found.entries()) {
      if (offset === i && value === allowed[i]) continue;
      throw new Error(`${topic}-${partition} has "${value.slice(0, 20)}" at offset ${offset}`);
    }
    if (found.length < known.length) {
      throw new Error(
        `${topic}-${partition} has ${found.length} records, ${known.length} were acknowledged`,
      );
    }
    // Records produced later follow them.
    known.push(...mayFollow.slice(0, found.length - known.length));
    return found.length;
  }

  /**
   * Returns the records that a confluent-kafka consumer gets from these partitions until it has
   * `count` or gives up.
   */
  async fetched(topic: string, partitions: readonly number[], count: number): Promise<Fetched[]> {
    const { client } = this.options;
    return await client.ask("read", this.broker.bootstrap, topic, partitions, count);
  }

  /** Reads every partition like {@linkcode TwoDisks.reads}. Returns the number of records. */
  async readsAll(): Promise<string> {
    let count = 0;
    for (const name of this.acknowledged.keys()) {
      const at = name.lastIndexOf("-");
      count += await this.reads(name.slice(0, at), Number(name.slice(at + 1)));
    }
    return `${count} records`;
  }

  /** Opens a raw connection for arbitrary requests. */
  async raw(): Promise<RawClient> {
    const port = Number(this.broker.bootstrap.split(":")[1]);
    const client = await RawClient.connect(this.runtime, { host: "127.0.0.1", port });
    this.#clients.push(client);
    return client;
  }

  /** Returns the error in the response to one batch. */
  async errorOf(topic: string, partition: number, values: readonly string[]): Promise<string> {
    const answer = await produceTo(await this.raw(), topic, partition, batchOf(values));
    return errorName(answer.errorCode);
  }

  /** Returns the partition's high watermark. */
  async highWatermark(topic: string, partition: number): Promise<number> {
    const end = this.known(topic, partition).length;
    return (await fetchFrom(await this.raw(), topic, partition, end)).highWatermark;
  }

  /** Returns the directories as reported by DescribeLogDirs, the first one first. */
  async logDirs(): Promise<[LogDirInfo, LogDirInfo]> {
    await using admin = new Admin({ bootstrapServers: this.broker.bootstrap });
    const found = await admin.describeLogDirs();
    const of = (path: string) => found.find((directory) => directory.path === path)!;
    return [of(this.one), of(this.two)];
  }

  /** Returns the directories as reported by Apache Kafka's tool, the first one first. */
  async logDirsByKafka(): Promise<[ReportedDirectory, ReportedDirectory]> {
    const { out, err } = await this.options.kafka.tool(
      "org.apache.kafka.tools.LogDirsCommand",
      ...["--describe", "--bootstrap-server", this.broker.bootstrap],
    );
    const line = out.split("\n").find((line) => line.startsWith("{"));
    if (line === undefined) throw new Error(`kafka-log-dirs: ${out} ${err}`);
    const told: ReportedDirectory[] = JSON.parse(line).brokers[0].logDirs;
    const of = (path: string) => told.find(({ logDir }) => logDir === path)!;
    return [of(this.one), of(this.two)];
  }

  /**
   * Checks that the sizes reported for `directory` are those of its files. Returns the total size.
   */
  checkReportedSizes(directory: LogDirInfo): number {
    let total = 0;
    for (const { topic, partition, size } of directory.partitions) {
      const actual = logBytes(`${directory.path}/${topic}-${partition}`);
      if (size !== actual) {
        throw new Error(`${topic}-${partition} is reported as ${size}, not ${actual}`);
      }
      total += size;
    }
    const missing = [...Deno.readDirSync(directory.path)].filter(({ name }) =>
      /-\d+$/.test(name) && !name.startsWith("__cluster_metadata") &&
      !directory.partitions.some(({ topic, partition }) => name === `${topic}-${partition}`)
    );
    if (missing.length > 0) throw new Error(`${missing[0]!.name} is missing`);
    if (total === 0) throw new Error(`${directory.path} is reported as empty`);
    return total;
  }

  /** Returns the size of the partition's segments. */
  logBytes(directory: string, topic: string, partition: number): number {
    return logBytes(`${directory}/${topic}-${partition}`);
  }

  /** Waits until `holds()`, which `what` describes. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Throws unless `count` operations of the kind have failed, or at least one. */
  expectFailures(operation: Parameters<FailingDisk["failures"]>[0], count?: number): string {
    const failed = this.disk.failures(operation);
    if (count === undefined ? failed === 0 : failed !== count) {
      throw new Error(`${failed} ${operation} operations failed, not ${count ?? "any"}`);
    }
    return `${failed} ${operation} failed`;
  }

  /** Stops the broker and checks both directories with `log verify`. */
  async stopAndVerify(): Promise<string> {
    await this.broker.stop();
    return await this.verify();
  }

  /**
   * Checks both directories with `log verify` while no broker uses them. All findings must match
   * `allowed`.
   */
  async verify(allowed?: RegExp): Promise<string> {
    const command = [Deno.execPath(), "run", "-A", MAIN, "log", "verify"];
    const { code, out, err } = await run([...command, this.one, this.two, "--deep"]);
    const found = out.trim().split("\n").filter((line) =>
      !/^\S+: (no damage|\d+ damage)/.test(line)
    );
    const isAllowed = allowed !== undefined && found.length > 0 &&
      found.every((line) => allowed.test(line));
    if (code !== 0 && !isAllowed) throw new Error(`log verify: ${out} ${err}`);
    const summary = [...out.matchAll(/\((\d+ partitions.*)\)/g)].map(([, counts]) => counts);
    return [...summary, ...(isAllowed ? found : [])].join("; ").replaceAll(this.root, "");
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function logBytes(directory: string): number {
  let bytes = 0;
  for (const { name } of Deno.readDirSync(directory)) {
    if (name.endsWith(".log")) bytes += Deno.statSync(`${directory}/${name}`).size;
  }
  return bytes;
}
