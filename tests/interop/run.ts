/**
 * `deno task test:interop`: starts the broker and runs every client of `clients/` against it, then
 * the directories of `storage.ts` and `quorum_files.ts`, the quorum of `quorum_peers.ts`, the clusters of
 * `mixed_quorums.ts`, `mixed_directories.ts` and `cluster_tools.ts`, the limits of `open_files.ts`, the cluster
 * of `processes.ts`, the kills of `kill9.ts` and the disks of `disk_faults.ts`. See `README.md` in this folder
 * for the checks and how to run a part of them.
 *
 * @module
 */

import { compare } from "./compare/compare.ts";
import { Broker, freePort, ownCommand } from "./broker.ts";
import { clusterTools } from "./cluster_tools.ts";
import { diskFaults } from "./disk_faults.ts";
import { openFiles } from "./open_files.ts";
import { kill9, newSeed, ownKill9Command } from "./kill9.ts";
import { cacheDirectory, options, UsageError } from "./options.ts";
import { RUNTIMES } from "./program.ts";
import { requestsOf } from "./requests.ts";
import { type Installed, Setup } from "./setup.ts";
import { mixedDirectories } from "./mixed_directories.ts";
import { mixedQuorums } from "./mixed_quorums.ts";
import { quorumFiles } from "./quorum_files.ts";
import { quorumPeers } from "./quorum_peers.ts";
import { processes } from "./processes.ts";
import { storage } from "./storage.ts";

const CLIENTS = ["kcat", "kafkajs", "platformatic", "python", "java", "go"];
const STORAGE = "storage";
const MIXED = "mixed";
const COMPARE = "compare";
const KILL9 = "kill9";
const PROCESSES = "processes";
const DISK = "disk";
const FILES = "files";
/** Parts that start their own brokers. */
const OWN_BROKERS = [STORAGE, MIXED, COMPARE, FILES, PROCESSES, KILL9, DISK];

/** Names of the clients in the summary. */
const NAMES: Record<string, string> = {
  kcat: "kcat",
  kafkajs: "KafkaJS",
  platformatic: "@platformatic/kafka",
  python: "confluent-kafka (Python)",
  java: "kafka-clients (Java)",
  go: "franz-go",
  [STORAGE]: "Apache Kafka, same directory",
  [MIXED]: "Apache Kafka, same cluster",
  [COMPARE]: "Apache Kafka, same requests",
  [KILL9]: "kill -9 and restart",
  [PROCESSES]: "a cluster of processes",
  [DISK]: "failing disks",
  [FILES]: "a limit on open files",
  broker: "the broker itself",
};

/** Maximum duration of a client. A client that takes longer hangs. */
const LIMIT_MS = 120_000;

const USAGE =
  `usage: run.ts [--only NAME,…] [--bootstrap HOST:PORT | --command COMMAND | --runtime NAME]
              [--records N] [--kills N] [--seed N]
  --only       some of: ${[...CLIENTS, ...OWN_BROKERS].join(", ")}
  --bootstrap  a running broker (${OWN_BROKERS.join(" and ")} then run only when named)
  --runtime    what our own broker runs on: ${RUNTIMES.join(", ")} (deno)
  --command    how to start another broker, with {port} and {dir} in it
  --records    how many each client produces for each compression (10000)
  --kills      how often ${KILL9} and ${PROCESSES} kill (20); --seed decides when`;

interface Result {
  client: string;
  passed: number;
  failures: string[];
  seconds: number;
  setupSeconds: number;
}

class Suite {
  readonly #results: Result[] = [];
  readonly #setup = new Setup(cacheDirectory());

  /** Runs one client's part and adds to its result. Any error is a failed check. */
  async part(
    client: string,
    run: (print: (line: string) => void, result: Result) => Promise<void>,
  ): Promise<void> {
    let result = this.#results.find((one) => one.client === client);
    if (result === undefined) {
      result = { client, passed: 0, failures: [], seconds: 0, setupSeconds: 0 };
      this.#results.push(result);
    }
    const print = (line: string) => {
      console.log(line);
      if (line.startsWith("ok ")) result.passed++;
      else if (line.startsWith("not ok ")) result.failures.push(line);
    };
    const began = performance.now();
    try {
      await run(print, result);
    } catch (error) {
      print(`not ok ${client} ${(error as Error).message.replace(/\s+/g, " ")}`);
    }
    result.seconds += (performance.now() - began) / 1_000 - result.setupSeconds;
  }

  /** Installs a client and runs its program. */
  async client(client: string, bootstrap: () => string, records: string): Promise<void> {
    await this.part(client, async (print, result) => {
      const began = performance.now();
      let installed;
      try {
        installed = await this.#setup.install(client);
      } finally {
        result.setupSeconds = (performance.now() - began) / 1_000;
      }
      const prefix = `interop-${client}-${Date.now().toString(36)}`;
      const complaint = await runProgram(installed, [bootstrap(), prefix, records], print);
      if (complaint !== undefined && result.failures.length === 0) throw new Error(complaint);
      if (result.passed + result.failures.length === 0) throw new Error("made no check");
    });
  }

  async kill9(command: string[], kills: number, seed: number): Promise<void> {
    await this.part(KILL9, (print) => kill9(this.#setup, { command, kills, seed, print }));
  }

  async processes(runtime: string, kills: number, seed: number): Promise<void> {
    await this.part(
      PROCESSES,
      (print) => processes(this.#setup, { runtime, kills, seed, print }),
    );
  }

  async disk(command: string[]): Promise<void> {
    await this.part(DISK, (print) => diskFaults(this.#setup, { command, print }));
  }

  async files(command: string[]): Promise<void> {
    await this.part(FILES, (print) => openFiles({ command, print }));
  }

  async compare(command: string[]): Promise<void> {
    await this.part(COMPARE, (print) => compare(this.#setup, { command, print }));
  }

  async storage(command: string[]): Promise<void> {
    await this.part(STORAGE, (print) => storage(this.#setup, { command, print }));
    await this.part(STORAGE, (print) => quorumFiles(this.#setup, print));
    await this.part(STORAGE, (print) => quorumPeers(this.#setup, print));
  }

  async mixed(): Promise<void> {
    await this.part(MIXED, (print) => mixedQuorums(this.#setup, print));
    await this.part(MIXED, (print) => mixedDirectories(this.#setup, print));
    await this.part(MIXED, (print) => clusterTools(this.#setup, print));
  }

  /** Prints the summary and returns the number of failures. */
  summary(): number {
    console.log("");
    let [passed, failed] = [0, 0];
    for (const { client, passed: good, failures, seconds, setupSeconds } of this.#results) {
      passed += good;
      failed += failures.length;
      const bad = failures.length > 0 ? `${failures.length} FAILED` : "";
      const installing = setupSeconds > 0.5 ? `, after ${setupSeconds.toFixed(1)} s of set-up` : "";
      console.log(
        `  ${NAMES[client]!.padEnd(28)} ${String(good).padStart(3)} passed ${bad.padStart(10)}` +
          `  ${seconds.toFixed(1).padStart(5)} s${installing}`,
      );
    }
    const failures = this.#results.flatMap((result) => result.failures);
    if (failures.length > 0) console.log(`\n${failures.join("\n")}`);
    console.log(`\n${passed} passed, ${failed} failed`);
    return failed;
  }
}

/**
 * Runs a client's program to its end and forwards its lines. Returns a message if it did not end
 * normally.
 */
async function runProgram(
  { command, env }: Installed,
  args: string[],
  print: (line: string) => void,
): Promise<string | undefined> {
  const [program, ...fixed] = command;
  const child = new Deno.Command(program!, {
    args: [...fixed, ...args],
    ...(env === undefined ? {} : { env }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const said = new Response(child.stderr).text();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.filter((line) => line !== "").forEach(print);
  }
  if (rest !== "") print(rest);
  const { code, success } = await child.status;
  clearTimeout(timer);
  if (late) return `did not end within ${LIMIT_MS / 1_000} s`;
  return success ? undefined : `ended with code ${code}: ${(await said).trim().slice(-600)}`;
}

async function main(): Promise<number> {
  const given = options(
    Deno.args,
    ["only", "bootstrap", "command", "runtime", "records", "kills", "seed"],
  );
  if (given.runtime !== undefined && (given.command ?? given.bootstrap) !== undefined) {
    throw new UsageError("--runtime applies to our own broker: omit --command and --bootstrap");
  }
  const known = [...CLIENTS, ...OWN_BROKERS];
  const chosen = given.only?.split(",") ?? (given.bootstrap === undefined ? known : CLIENTS);
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UsageError(`unknown client "${unknown.join(", ")}"`);
  const command = given.command?.split(" ") ?? [...await ownCommand(given.runtime)];
  const records = given.records ?? "10000";
  if (!(Number(records) >= 1_000 && Number(records) % 64 === 0 || records === "10000")) {
    throw new UsageError(`--records must be 10000 or a multiple of 64 of at least 1000`);
  }

  const suite = new Suite();
  const clients = chosen.filter((name) => !OWN_BROKERS.includes(name));
  if (given.bootstrap !== undefined) {
    for (const client of clients) await suite.client(client, () => given.bootstrap!, records);
  } else if (clients.length > 0) {
    const dir = await Deno.makeTempDir({ prefix: "millrace-interop-" });
    let broker: Broker | undefined;
    try {
      await suite.part("broker", async (print) => {
        broker = await Broker.start(command, freePort(), dir);
        print(`ok broker starts, ready in ${Math.round(broker.readyAfterMs)} ms`);
        const { served, missing } = await requestsOf(broker.bootstrap);
        print(
          `ok broker serves ${served.length} requests of Apache Kafka, not ${missing.join(", ")}`,
        );
      });
      for (const client of broker === undefined ? [] : clients) {
        await suite.client(client, () => broker!.bootstrap, records);
        if (broker!.ended) {
          await suite.part("broker", () => {
            throw new Error(`ended during ${client}: ${broker!.tail()}`);
          });
          break;
        }
      }
      if (broker !== undefined && !broker.ended) {
        await suite.part("broker", async (print) => {
          await broker!.stop();
          print("ok broker stops on request");
        });
      }
    } finally {
      await broker?.kill();
      await Deno.remove(dir, { recursive: true });
    }
  }
  if (chosen.includes(STORAGE)) await suite.storage(command);
  if (chosen.includes(MIXED)) await suite.mixed();
  if (chosen.includes(COMPARE)) await suite.compare(command);
  if (chosen.includes(FILES)) await suite.files(command);
  const kills = Number(given.kills ?? 20);
  const seed = Number(given.seed ?? newSeed());
  if (chosen.includes(PROCESSES)) await suite.processes(given.runtime ?? "deno", kills, seed);
  const flushed = given.command === undefined ? [...await ownKill9Command(given.runtime)] : command;
  if (chosen.includes(DISK)) await suite.disk(flushed);
  if (chosen.includes(KILL9)) await suite.kill9(flushed, kills, seed);
  return suite.summary();
}

try {
  Deno.exit(await main() > 0 ? 1 : 0);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  Deno.exit(2);
}
