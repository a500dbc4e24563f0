/**
 * Kills a broker with `kill -9` during a stream of acks=all produces, repeatedly on the same data
 * directory. After each restart all acknowledged records are read back. The producers and the
 * checks are in `clients/python/kill9.py`. The flush policy alternates between `os` and `always`,
 * and at the end `log verify` checks the directory.
 *
 * Run alone: `deno run -A tests/interop/kill9.ts [--kills 50] [--seed N] [--command "COMMAND with
 * {port}, {dir} and optionally {flush}"]`.
 *
 * @module
 */

import { Broker, type BrokerCommand, freePort, ownCommand } from "./broker.ts";
import { cacheDirectory, options, UsageError } from "./options.ts";
import { run } from "./kafka.ts";
import { LineClient } from "./line_client.ts";
import { Setup } from "./setup.ts";

/** Options of a run. */
export interface Kill9Options {
  command: BrokerCommand;
  /** Number of kills. */
  kills: number;
  /** Determines the times of the kills. */
  seed: number;
  /** Prints a line for each check, `ok kill9 …` or `not ok kill9 …: why`. */
  print: (line: string) => void;
}

/** Maximum time between start and kill. The minimum is a fiftieth of it. */
const LONGEST_MS = 1_000;

/** The flush policies, used alternately. */
const FLUSH_POLICIES = ["os", "always"];
const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

/** Returns the command of our broker with the flush policy of the run. */
export async function ownKill9Command(runtime = "deno"): Promise<BrokerCommand> {
  return [...await ownCommand(runtime), "--flush", "{flush}"];
}

/** Runs the kills. Each check prints a line; nothing is thrown. */
export async function kill9(setup: Setup, { command, kills, seed, print }: Kill9Options) {
  const random = xorshift(seed);
  const dir = await Deno.makeTempDir({ prefix: "millrace-kill9-" });
  const port = freePort();
  const start = (round: number) => {
    const policy = FLUSH_POLICIES[round % FLUSH_POLICIES.length]!;
    return Broker.start(command.map((part) => part.replaceAll("{flush}", policy)), port, dir);
  };
  let broker: Broker | undefined;
  let stream: Stream | undefined;
  let what = `starts (seed ${seed})`;
  try {
    broker = await start(0);
    const { command: program } = await setup.python("kill9.py");
    stream = new Stream([...program, broker.bootstrap, `kill9-${Date.now().toString(36)}`]);
    await stream.answer();
    print(`ok kill9 ${what}`);
    for (let kill = 1; kill <= kills; kill++) {
      what = `kill ${kill} of ${kills}`;
      await stream.ask("acknowledged");
      const afterMs = Math.round(LONGEST_MS / 50 + random() * LONGEST_MS * 49 / 50);
      what += ` after ${afterMs} ms`;
      if (command.includes("{flush}")) what += `, ${FLUSH_POLICIES[(kill - 1) % 2]}`;
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      if (broker.ended) throw new Error(`the broker ended by itself: ${broker.tail()}`);
      await broker.kill();
      broker = await start(kill);
      const found = await stream.ask("verify");
      print(`ok kill9 ${what}: ready in ${Math.round(broker.readyAfterMs)} ms, ${found}`);
    }
    what = "the stream ends and the broker stops";
    const found = await stream.ask("stop");
    await broker.stop();
    print(`ok kill9 ${what}: ${found}`);
    if (!command.includes("{flush}")) return;
    what = "log verify finds no damage";
    const { code, out, err } = await run([
      ...[Deno.execPath(), "run", "-A", MAIN],
      ...["log", "verify", dir, "--deep"],
    ]);
    if (code !== 0) throw new Error(out + err);
    print(`ok kill9 ${what}: ${/\((.*)\)/.exec(out)?.[1]}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    print(`not ok kill9 ${what}: ${why.replace(/\s+/g, " ")} (repeat with --seed ${seed})`);
  } finally {
    await stream?.end();
    await broker?.kill();
    await Deno.remove(dir, { recursive: true });
  }
}

/** The producers, in a Python process. */
class Stream {
  readonly #program: LineClient;

  constructor(command: readonly string[]) {
    this.#program = new LineClient("the producers' program", command);
  }

  async ask(command: string): Promise<string> {
    await this.#program.send(command);
    return await this.answer();
  }

  /** Returns the next line without its "ok". Throws for any other line. */
  async answer(): Promise<string> {
    const line = await this.#program.line();
    if (line.startsWith("ok ")) return line.slice(3);
    throw new Error(line.replace(/^not ok /, ""));
  }

  end(): Promise<void> {
    return this.#program.end();
  }
}

/** Returns numbers from 0 to 1 (exclusive), determined by the seed. */
export function xorshift(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Returns a random seed. */
export function newSeed(): number {
  return Math.floor(Math.random() * 1_000_000);
}

if (import.meta.main) {
  let given;
  try {
    given = options(Deno.args, ["kills", "seed", "command"]);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}; usage: kill9.ts [--kills 50] [--seed N] [--command COMMAND]`);
    Deno.exit(2);
  }
  let [passed, failed] = [0, 0];
  await kill9(new Setup(cacheDirectory()), {
    command: given.command?.split(" ") ?? await ownKill9Command(),
    kills: Number(given.kills ?? 50),
    seed: Number(given.seed ?? newSeed()),
    print: (line) => {
      if (line.startsWith("ok ")) passed++;
      else failed++;
      console.log(line);
    },
  });
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed > 0 ? 1 : 0);
}
