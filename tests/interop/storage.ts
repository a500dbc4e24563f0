/**
 * One data directory, two brokers. Apache Kafka's tool reads what Millrace writes without
 * complaints and prints the same as `log dump`. `log dump` and `log verify` read what Apache Kafka
 * writes (compressed, idempotent, transactional with aborts, compacted), and our broker serves the
 * same records from it, including READ_COMMITTED.
 *
 * The records are written and read back by `clients/python/storage.py`.
 *
 * @module
 */
import { Broker, type BrokerCommand, freePort } from "./broker.ts";
import { Kafka, run } from "./kafka.ts";
import type { Setup } from "./setup.ts";

/** Options of a run. */
export interface StorageOptions {
  /** The command of our broker. */
  readonly command: BrokerCommand;
  /** Prints a line for each check, `ok storage …` or `not ok storage …: why`. */
  readonly print: (line: string) => void;
}

/** The default of `segment.index.bytes`, rounded down to whole entries of 12 bytes. */
const PREALLOCATED_BYTES = 10_485_756;

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const OWN_CLI = [Deno.execPath(), "run", "-A", MAIN];

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function storage(setup: Setup, { command, print }: StorageOptions): Promise<void> {
  const { command: python } = await setup.python("storage.py");
  const kafka = await Kafka.install(setup);
  const root = await Deno.makeTempDir({ prefix: "millrace-storage-" });
  const test = new StorageTest(kafka, python, command, print);
  try {
    for (const part of ["ours", "kafkas"] as const) {
      // A directory that cannot be written must not prevent the other checks.
      await test.part(`${part === "ours" ? "our" : "Apache Kafka's"} directory`, async () => {
        await test[part](`${root}/${part}`);
      });
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/**
 * Output that must occur in Kafka's directory, so that the comparison covers every kind of record.
 */
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

  /** Checks a directory written by Millrace. */
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
    await this.check("log verify finds no damage in our directory", () => this.verify(dir));
    await this.check("our broker reads what it wrote", async () => {
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

  /** Checks a directory written by Apache Kafka. */
  async kafkas(dir: string): Promise<void> {
    let written = "";
    const port = freePort();
    await this.with(await this.kafka.command(port, dir), dir, async (bootstrap) => {
      const kinds = ["shared", "plain", "compacted", "transactional", "groups"];
      // The member joins before the last records are sent, which it waits for.
      await Promise.all([
        this.kafka.share(bootstrap, "shared", 5),
        this.client(bootstrap, "write", ...kinds),
      ]);
      written = await this.client(bootstrap, "read");
    }, port);
    await this.check(
      "log dump prints the same as Apache Kafka's tool for its directory",
      async () => {
        return await this.compareDumps(dir, OF_EVERY_KIND);
      },
    );
    await this.check(
      "log verify finds no damage in a directory of Apache Kafka",
      () => this.verify(dir),
    );
    await this.check("our broker serves the records of a directory of Apache Kafka", async () => {
      await this.with(this.command, dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      });
      return `${count(written)} records, READ_COMMITTED and not`;
    });
    await this.check("log verify finds no damage after our broker", () => this.verify(dir));
    await this.check("Apache Kafka continues with the directory after our broker", async () => {
      const again = freePort();
      await this.with(await this.kafka.command(again, dir), dir, async (bootstrap) => {
        return same(await this.client(bootstrap, "read"), written);
      }, again);
      return `${count(written)} records`;
    });
  }

  /** Runs a part and prints a line if it throws. */
  async part(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.print(`not ok storage ${what}: ${sentence(error)}`);
    }
  }

  /** Runs a check and prints its result. The returned text says how much was checked. */
  async check(what: string, holds: () => Promise<string>): Promise<void> {
    try {
      this.print(`ok storage ${what}: ${await holds()}`);
    } catch (error) {
      this.print(`not ok storage ${what}: ${sentence(error)}`);
    }
  }

  /** Runs a broker during `work` and stops it. */
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

  /** Runs the client's program and returns its output before `ok`. */
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
   * Prints every file with Kafka's tool and with ours, in all modes. The outputs must be equal and
   * contain each text of `wanted`.
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
    // Each decoder also gets records that it cannot decode.
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

/** Returns every file below `dir` that the tools can print. */
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
 * Returns whether the file is a preallocated index of the metadata log with zeros at its end.
 * Apache Kafka 4.4 leaves the indexes of the active segment in this state after a clean stop, and
 * its tool reports them as corrupt.
 */
function isLeftPreallocated(path: string): boolean {
  return /\/__cluster_metadata-0\/\d+\.(time)?index$/.test(path) &&
    Deno.statSync(path).size >= PREALLOCATED_BYTES;
}

/**
 * Returns the complaints of a tool. Offset gaps in compacted files are expected, and so is a
 * message of Kafka 4.4 about the first record of every segment but the first.
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

/** Replaces invalid text, for which decoders use different numbers of replacement characters. */
function readable(text: string): string {
  return text.replaceAll(/\ufffd+/g, "\ufffd");
}

function count(text: string): number {
  return text.split("\n").length - 1;
}

/** Throws with the first differing line if the texts differ. */
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
