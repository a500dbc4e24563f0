/**
 * A broker with a hard limit on open files far below the number of its topics. Every topic accepts
 * and returns records, connections are served, hundreds of idle connections do not take descriptors
 * from the data, few messages are logged, and Ctrl-C ends the broker cleanly.
 *
 * @module
 */
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { decodeBatch, splitBatches } from "../../src/protocol/records/batch.ts";
import { Admin, Producer } from "../../src/client/mod.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { RawClient } from "../broker/raw_client.ts";
import { Broker, type BrokerCommand, freePort } from "./broker.ts";

/** Options of a run. */
export interface OpenFilesOptions {
  readonly command: BrokerCommand;
  /** Prints a line for each check, `ok files …` or `not ok files …: why`. */
  readonly print: (line: string) => void;
}

/** The limits, with the number of topics under each. */
const LIMITS: readonly { readonly files: number; readonly topics: number }[] = [
  { files: 1_024, topics: 1_500 },
  { files: 256, topics: 600 },
];
/** Number of topics read by one request. */
const TOPICS_AT_A_TIME = 500;
/** Later versions of Fetch use topic ids. */
const LAST_VERSION_WITH_NAMES = 12;
const RUNTIME = hostRuntime();
const CODECS = RUNTIME.codecs();
const IDLE_CONNECTIONS = 1_200;
const NEW_CONNECTIONS = 6;
/** Maximum number of lines a broker may log while descriptors are scarce. */
const MAX_LINES = 20;
const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";

/** Runs the checks under several limits. Each check prints a line; nothing is thrown. */
export async function openFiles({ command, print }: OpenFilesOptions): Promise<void> {
  for (const { files, topics } of LIMITS) {
    const dir = await Deno.makeTempDir({ prefix: "millrace-files-" });
    const names = Array.from({ length: topics }, (_, i) => `t${i}`);
    const run = new Run(
      limited(command, files),
      dir,
      names,
      (line) => print(`${line} (limit ${files})`),
    );
    try {
      await run.all();
    } catch (error) {
      const why = (error as Error).message.replace(/\s+/g, " ");
      print(`not ok files ${run.what}: ${why} (limit ${files})`);
    } finally {
      await run.end();
      await Deno.remove(dir, { recursive: true });
    }
  }
}

/** Returns `command` under a hard limit of `limit` open files. */
function limited(command: BrokerCommand, limit: number): BrokerCommand {
  return ["bash", "-c", `ulimit -n ${limit} && exec "$@"`, "bash", ...command];
}

class Run {
  /** The current check. */
  what = "starts";
  #broker: Broker | null = null;
  readonly #idle: Deno.Conn[] = [];

  constructor(
    private readonly command: BrokerCommand,
    private readonly dir: string,
    private readonly topics: readonly string[],
    private readonly print: (line: string) => void,
  ) {}

  async all(): Promise<void> {
    const broker = this.#broker = await Broker.start(this.command, freePort(), this.dir);
    const { bootstrap } = broker;
    await this.#check("each topic accepts a record", () => this.#produce(bootstrap, "1"));
    await this.#check("each topic returns its record", () => this.#consume(bootstrap, 1));
    await this.#check("new connections are served", () => askOnNew(bootstrap));
    await this.#check(
      "idle connections leave descriptors for the data",
      () => this.#produce(bootstrap, "2", () => this.#holdIdle(bootstrap)),
    );
    await this.#check("connections are served once the idle ones are closed", async () => {
      for (const connection of this.#idle.splice(0)) connection.close();
      await eventually(() => askOnNew(bootstrap));
    });
    await this.#check("each topic returns all its records", () => this.#consume(bootstrap, 2));
    await this.#check("Ctrl-C ends it cleanly despite idle connections", async () => {
      await this.#holdIdle(bootstrap);
      await broker.stop();
      await Deno.stat(`${this.dir}/${CLEAN_SHUTDOWN}`);
    });
    await this.#check(`logs at most ${MAX_LINES} lines`, () => {
      if (broker.lineCount <= MAX_LINES) return Promise.resolve(`${broker.lineCount} lines`);
      throw new Error(`${broker.lineCount} lines, the last: ${broker.tail()}`);
    });
    await this.#check("all records are present after a restart", async () => {
      const next = this.#broker = await Broker.start(this.command, freePort(), this.dir);
      await this.#consume(next.bootstrap, 2);
      await next.stop();
      if (/Cut |Recovered| ERROR /.test(next.tail())) throw new Error(next.tail());
    });
  }

  async end(): Promise<void> {
    for (const connection of this.#idle.splice(0)) connection.close();
    await this.#broker?.kill();
  }

  async #check(what: string, run: () => Promise<string | void>): Promise<void> {
    this.what = what;
    const began = performance.now();
    const found = await run();
    const ms = Math.round(performance.now() - began);
    this.print(`ok files ${what}: ${found ? `${found}, ` : ""}${ms} ms`);
  }

  /** Opens more idle connections than the broker accepts. */
  async #holdIdle(bootstrap: string): Promise<void> {
    const { hostname, port } = new URL(`kafka://${bootstrap}`);
    for (let i = 0; i < IDLE_CONNECTIONS; i++) {
      this.#idle.push(await Deno.connect({ hostname, port: Number(port) }));
    }
  }

  /** Creates missing topics and sends `value` to each, to all but one after `before`. */
  async #produce(
    bootstrapServers: string,
    value: string,
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    const { topics } = this;
    const admin = new Admin({ bootstrapServers });
    const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 20_000 });
    try {
      const existing = new Set(await admin.listTopics());
      const missing = topics.filter((name) => !existing.has(name));
      await admin.createTopics(missing.map((name) => ({ name, partitions: 1 })));
      await producer.send({ topic: topics[0]!, value });
      await before();
      const sent = await Promise.allSettled(
        topics.slice(1).map((topic) => producer.send({ topic, value })),
      );
      const failed = sent.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
      if (failed.length > 0) {
        throw new Error(`${failed.length} records were rejected, the first: ${failed[0].message}`);
      }
      return `${topics.length} records`;
    } finally {
      await producer.close();
      await admin.close();
    }
  }

  /** Reads the records "1" to `perTopic` from each topic, hundreds of topics per request. */
  async #consume(bootstrap: string, perTopic: number): Promise<string> {
    const { topics } = this;
    const wanted = Array.from({ length: perTopic }, (_, i) => i + 1).join();
    const client = await connect(bootstrap);
    let read = 0;
    try {
      for (let at = 0; at < topics.length; at += TOPICS_AT_A_TIME) {
        const found = await readAll(client, topics.slice(at, at + TOPICS_AT_A_TIME));
        for (const [topic, values] of found) {
          if (values.join() !== wanted) throw new Error(`${topic} has the records "${values}"`);
          read++;
        }
      }
    } finally {
      client.close();
    }
    if (read !== topics.length) throw new Error(`${read} topics were returned`);
    return `${read * perTopic} records`;
  }
}

/** Returns the values of the records of each topic. */
async function readAll(
  client: RawClient,
  topics: readonly string[],
): Promise<Map<string, string[]>> {
  const { responses } = await client.request(fetch, LAST_VERSION_WITH_NAMES, {
    maxWaitMs: 100,
    minBytes: 1,
    topics: topics.map((topic) => ({
      topic,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000 }],
    })),
    forgottenTopicsData: [],
  });
  const decoder = new TextDecoder();
  return new Map(responses.map(({ topic, partitions: [only] }) => {
    if (only!.errorCode !== 0) throw new Error(`${topic} has the error ${only!.errorCode}`);
    const bytes = only!.records ?? new Uint8Array(0);
    const values = [...splitBatches(bytes)].flatMap(({ start }) =>
      decodeBatch(bytes, start, { codecs: CODECS }).records
        .map(({ value }) => decoder.decode(value!))
    );
    return [topic, values];
  }));
}

async function connect(bootstrap: string): Promise<RawClient> {
  const { hostname: host, port } = new URL(`kafka://${bootstrap}`);
  return await RawClient.connect(RUNTIME, { host, port: Number(port) });
}

/** Sends requests on new connections that are open together. */
async function askOnNew(bootstrap: string): Promise<string> {
  const clients: RawClient[] = [];
  try {
    for (let i = 0; i < NEW_CONNECTIONS; i++) clients.push(await connect(bootstrap));
    const answers = await Promise.all(clients.map((one) => one.request(apiVersions, 0, {})));
    return `${answers.length} of ${NEW_CONNECTIONS}`;
  } finally {
    for (const client of clients) client.close();
  }
}

/** Calls `run` until it succeeds. Rethrows its error after some seconds. */
async function eventually<T>(run: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (performance.now() - began > 5_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
