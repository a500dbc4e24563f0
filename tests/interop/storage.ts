/**
 * One data directory, two brokers. What we write, Apache Kafka's own tool reads without complaint and
 * prints as `log dump` does; what Apache Kafka writes (compressed, idempotent, transactional with
 * aborts, compacted), `log dump` and `log verify` read, and a broker started on it serves the same
 * records, READ_COMMITTED included.
 *
 * What is written and how it is read back is in `clients/python/storage.py`.
 *
 * @module
 */
import { Broker, type BrokerCommand, freePort } from "./broker.ts";
import { Kafka, run } from "./kafka.ts";
import type { Setup } from "./setup.ts";

/** What a run is made of. */
export interface StorageOptions {
  /** How to start our broker. */
  readonly command: BrokerCommand;
  /** Takes a line for each check, `ok storage …` or `not ok storage …: why`. */
  readonly print: (line: string) => void;
}

/** `segment.index.bytes` by default, rounded down to whole entries of 12 bytes. */
const PREALLOCATED_BYTES = 10_485_756;

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const OWN_CLI = [Deno.execPath(), "run", "-A", MAIN];

/** Runs the checks; each is a line, and what cannot be installed is thrown. */
export async function storage(setup: Setup, { command, print }: StorageOptions): Promise<void> {
  const { command: python } = await setup.python("storage.py");
  const kafka = await Kafka.install(setup);
  const root = await Deno.makeTempDir({ prefix: "millrace-storage-" });
  const test = new StorageTest(kafka, python, command, print);
  try {
    for (const part of ["ours", "kafkas"] as const) {
      // One that cannot even be written must not hide the other.
      await test.part(`${part === "ours" ? "our" : "Apache Kafka's"} directory`, async () => {
        await test[part](`${root}/${part}`);
      });
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** What Kafka's directory must have, for the comparison to be worth something. */
const OF_EVERY_KIND = [
  ...[1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16].map((type) => `key: {"type":"${type}",`),
  `"data":{"transactionalId":"committing"}} payload: {"version":"1",`,
  `payload: {"version":"0","data":{"snapshotEpoch":`,
  `"classicMemberMetadata":{`,
  "payload: <DELETE>",
  "endTxnMarker: ABORT",
  "Snapshot end offset: ",
  "Unknown record type ",
  "Error at offset ",
];

class StorageTest {
  constructor(
    readonly kafka: Kafka,
    readonly python: readonly string[],
    readonly command: BrokerCommand,
    readonly print: (line: string) => void,
  ) {}

  /** A directory that we write. */
  async ours(dir: string): Promise<void> {
    const settings = ["log.cleaner.backoff.ms=500", "log.segment.delete.delay.ms=100"];
    const command = [...this.command, ...settings.flatMap((setting) => ["--set", setting])];
    let written = "";
    await this.with(command, dir, async (bootstrap) => {
      await this.client(bootstrap, "write", "plain", "compacted");
      written = await this.client(bootstrap, "read");
    });
    await this.check("Apache Kafka's tool reads the directory that we wrote", async () => {
      return await this.compareDumps(dir);
    });
    await this.check("log verify finds our directory whole", () => this.verify(dir));
    await this.check("our broker reads again what it wrote", async () => {
      await this.with(command, dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      });
      return `${count(written)} records`;
    });
    await this.check("Apache Kafka serves the records of a directory that we wrote", async () => {
      const port = freePort();
      await this.with(await this.kafka.command(port, dir), dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      }, port);
      return `${count(written)} records`;
    });
  }

  /** A directory that Apache Kafka writes. */
  async kafkas(dir: string): Promise<void> {
    let written = "";
    const port = freePort();
    await this.with(await this.kafka.command(port, dir), dir, async (bootstrap) => {
      const kinds = ["shared", "plain", "compacted", "transactional", "groups"];
      // The member is there before the last kind, with which come the records that it waits for.
      await Promise.all([
        this.kafka.share(bootstrap, "shared", 5),
        this.client(bootstrap, "write", ...kinds),
      ]);
      written = await this.client(bootstrap, "read");
    }, port);
    await this.check(
      "log dump prints a directory of Apache Kafka as its own tool does",
      async () => {
        return await this.compareDumps(dir, OF_EVERY_KIND);
      },
    );
    await this.check("log verify finds a directory of Apache Kafka whole", () => this.verify(dir));
    await this.check("our broker serves the records of a directory of Apache Kafka", async () => {
      await this.with(this.command, dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      });
      return `${count(written)} records, READ_COMMITTED and not`;
    });
    await this.check("log verify finds it whole after our broker", () => this.verify(dir));
    await this.check("Apache Kafka goes on with the directory after our broker", async () => {
      const again = freePort();
      await this.with(await this.kafka.command(again, dir), dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      }, again);
      return `${count(written)} records`;
    });
  }

  /** Runs a part; only what it throws is printed. */
  async part(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.print(`not ok storage ${what}: ${sentence(error)}`);
    }
  }

  /** Prints whether `what` holds; what it returns says how much was looked at. */
  async check(what: string, holds: () => Promise<string>): Promise<void> {
    try {
      this.print(`ok storage ${what}: ${await holds()}`);
    } catch (error) {
      this.print(`not ok storage ${what}: ${sentence(error)}`);
    }
  }

  /** Runs a broker around `work` and stops it in order. */
  async with<T>(
    command: BrokerCommand,
    dir: string,
    work: (bootstrap: string) => Promise<T>,
    port: number = freePort(),
  ): Promise<T> {
    const broker = await Broker.start(command, port, dir);
    try {
      const result = await work(broker.bootstrap);
      await broker.stop();
      return result;
    } finally {
      await broker.kill();
    }
  }

  /** Runs the client's program and returns what it printed before its `ok`. */
  async client(...args: string[]): Promise<string> {
    const { code, out, err } = await run([...this.python, ...args]);
    if (code !== 0 || !out.endsWith("ok\n")) {
      throw new Error(`storage.py ${args.slice(1).join(" ")} failed: ${err.slice(-400)}`);
    }
    return out.slice(0, -"ok\n".length);
  }

  async verify(dir: string): Promise<string> {
    const { code, out, err } = await run([...OWN_CLI, "log", "verify", dir, "--deep"]);
    if (code !== 0) throw new Error(`${out.replaceAll(dir, "")} ${err}`);
    return /\((.*)\)/.exec(out)?.[1] ?? "";
  }

  /**
   * Prints every file with Kafka's tool and with ours, in every way; both must say the same, and say
   * each of `wanted` somewhere.
   */
  async compareDumps(dir: string, wanted: readonly string[] = []): Promise<string> {
    const missing = new Set(wanted);
    const files = await dumpable(dir);
    const logs = (topic: string) =>
      files.filter((path) => path.includes(`/${topic}-`) && path.endsWith(".log"));
    const snapshots = files.filter((path) => path.endsWith(".checkpoint"));
    const others = files.filter((path) =>
      !path.includes("/__cluster_metadata-0/") && !snapshots.includes(path)
    );
    const transactions = logs("__transaction_state");
    const offsets = logs("__consumer_offsets");
    const shares = logs("__share_group_state");
    // Each decoder also gets what is not its own, and cannot be decoded.
    const ways: [string[], ...string[]][] = [
      [others, "--print-data-log"],
      [[...logs("__cluster_metadata"), ...snapshots, ...shares], "--cluster-metadata-decoder"],
      [[...offsets, ...transactions], "--offsets-decoder"],
      [[...transactions, ...offsets], "--transaction-log-decoder", "--skip-record-metadata"],
      [[...shares, ...offsets], "--share-group-state-decoder"],
      [files.filter((path) => !isLeftPreallocated(path)), "--index-sanity-check"],
      [files, "--verify-index-only"],
    ];
    let lines = 0;
    for (const [paths, ...flags] of ways.filter(([paths]) => paths.length > 0)) {
      const flag = flags.join(" ");
      const theirs = await this.kafka.dump(paths, ...flags);
      const complaints = complaintsIn(theirs.err);
      if (complaints.length > 0 || theirs.code !== 0) {
        throw new Error(`Kafka's tool complains with ${flag}: ${complaints.slice(0, 4).join(" ")}`);
      }
      const bad = /.*(isvalid: false|invalid bytes).*/.exec(theirs.out)?.[0];
      if (bad !== undefined) throw new Error(`Kafka's tool says ${bad}`);
      const own = await run([...OWN_CLI, "log", "dump", ...paths, ...flags]);
      const foreign = complaintsIn(own.err);
      if (foreign.length > 0) {
        throw new Error(`log dump complains: ${foreign.slice(0, 4).join(" ")}`);
      }
      same(readable(own.out), readable(theirs.out));
      lines += count(theirs.out);
      for (const text of missing) if (theirs.out.includes(text)) missing.delete(text);
    }
    if (missing.size > 0) throw new Error(`nothing was written with ${[...missing].join(" or ")}`);
    return `${files.length} files, ${lines} lines`;
  }
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, " ").slice(0, 600);
}

/** Every file below `dir` that the tools print. */
async function dumpable(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (isDirectory) found.push(...await dumpable(`${dir}/${name}`));
    else if (/\.(log|index|timeindex|snapshot|txnindex|checkpoint)$/.test(name)) {
      found.push(`${dir}/${name}`);
    }
  }
  return found.sort();
}

/**
 * Whether the file is an index of the metadata log in its preallocated size, with zeros at its end. Apache
 * Kafka 4.4 leaves the active segment's so after an orderly stop, and its own tool calls that corrupt.
 */
function isLeftPreallocated(path: string): boolean {
  return /\/__cluster_metadata-0\/\d+\.(time)?index$/.test(path) &&
    Deno.statSync(path).size >= PREALLOCATED_BYTES;
}

/**
 * What a tool complains of. Offsets that compaction took out are no reason to; nor is what 4.4 says of
 * the first record of every segment but the first, as if something had come before it.
 */
function complaintsIn(text: string): string[] {
  let isCompacted = false;
  return text.split("\n").filter((line) => {
    if (line === "") return false;
    if (line.startsWith("Non-consecutive offsets in ")) {
      isCompacted = line.includes("/compacted");
      return false;
    }
    return !(/^ {2}-1 is followed by \d+$/.test(line) ||
      (isCompacted && /^ {2}\d+ is followed by \d+$/.test(line)));
  });
}

/** Bytes that are no text become as many marks as each decoder likes. */
function readable(text: string): string {
  return text.replaceAll(/\ufffd+/g, "\ufffd");
}

function count(text: string): number {
  return text.split("\n").length - 1;
}

/** Throws, with the first line that differs, when the texts do. */
function same(actual: string, expected: string): void {
  if (actual === expected) return;
  const [is, should] = [actual.split("\n"), expected.split("\n")];
  const at = should.findIndex((line, i) => line !== is[i]);
  const place = at < 0 ? should.length : at;
  const show = (line: string | undefined) => line === undefined ? "nothing" : line.slice(0, 200);
  throw new Error(
    `line ${place + 1} of ${should.length} is ${show(is[place])}, not ${show(should[place])}`,
  );
}
