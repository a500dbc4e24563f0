/**
 * A broker process with two data directories, of which the second lies on a disk that fails when it
 * is told to; and what clients, one of them confluent-kafka, were promised by it.
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

/** What a trial is made of. */
export interface TrialOptions {
  /** How to start the broker, with `{flush}` in it. */
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

/** A directory in the words of Apache Kafka's tool. */
export interface ToldDirectory {
  readonly logDir: string;
  readonly error: string | null;
  readonly partitions: readonly { readonly partition: string; readonly size: number }[];
}

/** A record as the client tells it. */
export interface Fetched {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
}

/** A partition in each directory. */
export interface TwoPartitions {
  readonly topic: string;
  readonly onOne: number;
  readonly onTwo: number;
}

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
/** No state of the broker or of a file takes longer to come. */
const LIMIT_MS = 15_000;

/** One broker, started and killed as often as one likes, and what it has acknowledged. */
export class TwoDisks {
  /** The directory with the metadata log. */
  readonly one: string;
  /** The one that may fail. */
  readonly two: string;
  readonly disk: FailingDisk;
  /** The acknowledged values, by partition name, from offset 0 on. */
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

  /** Two empty directories, and no broker yet. */
  static async create(options: TrialOptions): Promise<TwoDisks> {
    const root = await Deno.makeTempDir({ prefix: "millrace-disk-" });
    return new TwoDisks(options, root, hostRuntime());
  }

  /** Starts the broker: over the disk that fails, or `onGoodDisk`. */
  async start(onGoodDisk = false): Promise<void> {
    const { command, flush, settings = [] } = this.options;
    const own = [
      ...command.map((part) => part.replaceAll("{flush}", flush)),
      ...settings.flatMap((setting) => ["--set", setting]),
    ];
    const under = onGoodDisk ? own : this.disk.under(own);
    this.#broker = await Broker.start(under, freePort(), `${this.one},${this.two}`);
  }

  get broker(): Broker {
    return this.#broker!;
  }

  /** kill -9, and a start on a disk that works. */
  async killAndStart(): Promise<void> {
    await this.kill();
    await this.start(true);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.broker.ended) throw new Error(`the broker ended by itself: ${this.broker.tail()}`);
    await this.broker.kill();
    this.disk.mendAll();
  }

  /** Ends everything and removes the directories. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.disk.mendAll();
    await this.#broker?.kill();
    this.disk.close();
    await Deno.remove(this.root, { recursive: true });
  }

  /** Makes a topic of two partitions, one on each disk. */
  async topic(topic: string, config: Record<string, string> = {}): Promise<TwoPartitions> {
    await this.options.client.ask("create", this.broker.bootstrap, topic, 2, config);
    const onTwo = [0, 1].filter((partition) => exists(`${this.two}/${topic}-${partition}`));
    if (onTwo.length !== 1) throw new Error(`${onTwo.length} partitions are on the second disk`);
    return { topic, onOne: 1 - onTwo[0]!, onTwo: onTwo[0]! };
  }

  /** Values that were never sent before, of `bytes` bytes and a few. */
  values(count: number, bytes = 100): string[] {
    return Array.from({ length: count }, () => `${this.#sent++} ${"x".repeat(bytes)}`);
  }

  /** Produces with confluent-kafka; every record must be acknowledged at the next offset. */
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

  /** Produces with confluent-kafka; every record must be refused with KAFKA_STORAGE_ERROR. */
  async refused(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const answers = await this.answers(topic, partition, values);
    const wrong = answers.find((answer) => answer !== "KAFKA_STORAGE_ERROR");
    if (wrong !== undefined) throw new Error(`${topic}-${partition} answers ${wrong}`);
  }

  /** What each record came to: its offset, or the name of an error. */
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
   * Reads a partition with confluent-kafka: it must have what was acknowledged, and behind that
   * nothing but the beginning of `mayFollow`, which was refused. Returns how many of those it has.
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
    // Later ones come behind them.
    known.push(...mayFollow.slice(0, found.length - known.length));
    return found.length;
  }

  /** What one consumer of confluent-kafka gets of these partitions: it is through with `count`, or gives up. */
  async fetched(topic: string, partitions: readonly number[], count: number): Promise<Fetched[]> {
    const { client } = this.options;
    return await client.ask("read", this.broker.bootstrap, topic, partitions, count);
  }

  /** Reads every partition as {@linkcode TwoDisks.reads}. Returns how many records there are. */
  async readsAll(): Promise<string> {
    let count = 0;
    for (const name of this.acknowledged.keys()) {
      const at = name.lastIndexOf("-");
      count += await this.reads(name.slice(0, at), Number(name.slice(at + 1)));
    }
    return `${count} records`;
  }

  /** A connection of our own, which says what it is told to. */
  async raw(): Promise<RawClient> {
    const port = Number(this.broker.bootstrap.split(":")[1]);
    const client = await RawClient.connect(this.runtime, { host: "127.0.0.1", port });
    this.#clients.push(client);
    return client;
  }

  /** The error with which one batch is answered. */
  async errorOf(topic: string, partition: number, values: readonly string[]): Promise<string> {
    const answer = await produceTo(await this.raw(), topic, partition, batchOf(values));
    return errorName(answer.errorCode);
  }

  /** The partition's high watermark. */
  async highWatermark(topic: string, partition: number): Promise<number> {
    const end = this.known(topic, partition).length;
    return (await fetchFrom(await this.raw(), topic, partition, end)).highWatermark;
  }

  /** What DescribeLogDirs says of the directories, the first one before the second. */
  async logDirs(): Promise<[LogDirInfo, LogDirInfo]> {
    await using admin = new Admin({ bootstrapServers: this.broker.bootstrap });
    const found = await admin.describeLogDirs();
    const of = (path: string) => found.find((directory) => directory.path === path)!;
    return [of(this.one), of(this.two)];
  }

  /** What Apache Kafka's own tool says of the directories, the first one before the second. */
  async logDirsByKafka(): Promise<[ToldDirectory, ToldDirectory]> {
    const { out, err } = await this.options.kafka.tool(
      "org.apache.kafka.tools.LogDirsCommand",
      ...["--describe", "--bootstrap-server", this.broker.bootstrap],
    );
    const line = out.split("\n").find((line) => line.startsWith("{"));
    if (line === undefined) throw new Error(`kafka-log-dirs: ${out} ${err}`);
    const told: ToldDirectory[] = JSON.parse(line).brokers[0].logDirs;
    const of = (path: string) => told.find(({ logDir }) => logDir === path)!;
    return [of(this.one), of(this.two)];
  }

  /** Whether the sizes that `directory` tells are those of its files. Returns how many bytes. */
  mustTellSizes(directory: LogDirInfo): number {
    let total = 0;
    for (const { topic, partition, size } of directory.partitions) {
      const actual = logBytes(`${directory.path}/${topic}-${partition}`);
      if (size !== actual) {
        throw new Error(`${topic}-${partition} is told as ${size}, not ${actual}`);
      }
      total += size;
    }
    const missing = [...Deno.readDirSync(directory.path)].filter(({ name }) =>
      /-\d+$/.test(name) && !name.startsWith("__cluster_metadata") &&
      !directory.partitions.some(({ topic, partition }) => name === `${topic}-${partition}`)
    );
    if (missing.length > 0) throw new Error(`${missing[0]!.name} is missing`);
    if (total === 0) throw new Error(`${directory.path} is told as empty`);
    return total;
  }

  /** Bytes of the partition's segments. */
  logBytes(directory: string, topic: string, partition: number): number {
    return logBytes(`${directory}/${topic}-${partition}`);
  }

  /** Waits until `holds`, which `what` says in words. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Throws unless operations of the kind have failed: `count` of them, or any number. */
  mustHaveStruck(operation: Parameters<FailingDisk["struck"]>[0], count?: number): string {
    const struck = this.disk.struck(operation);
    if (count === undefined ? struck === 0 : struck !== count) {
      throw new Error(`${struck} ${operation} operations failed, not ${count ?? "any"}`);
    }
    return `${struck} ${operation} failed`;
  }

  /** Stops the broker in order, and has `log verify` look over both directories. */
  async stopAndVerify(): Promise<string> {
    await this.broker.stop();
    return await this.verify();
  }

  /**
   * Has `log verify` look over both directories, which no broker uses. It must find nothing but what
   * `allowed` is found in.
   */
  async verify(allowed?: RegExp): Promise<string> {
    const command = [Deno.execPath(), "run", "-A", MAIN, "log", "verify"];
    const { code, out, err } = await run([...command, this.one, this.two, "--deep"]);
    const found = out.trim().split("\n").filter((line) =>
      !/^\S+: (all is well|\d+ damage)/.test(line)
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
