/**
 * Runs a broker in its own process: starts, stops or kills it, and keeps its output for failing
 * tests to show.
 *
 * @module
 */

import { millraceProgram } from "./program.ts";

/** The command that starts a broker. `{port}` and `{dir}` in the arguments are replaced. */
export type BrokerCommand = readonly string[];

/** Maximum time until a broker accepts connections: more than Apache Kafka needs after a kill. */
const READY_WITHIN_MS = 60_000;

/** Returns the command of our broker under `runtime`, with settings that make group tests fast. */
export async function ownCommand(runtime = "deno"): Promise<BrokerCommand> {
  const settings = ["group.initial.rebalance.delay.ms=0", "num.partitions=2"];
  return [
    ...await millraceProgram(runtime),
    ...["start", "--port", "{port}", "--data-dir", "{dir}"],
    ...settings.flatMap((setting) => ["--set", setting]),
  ];
}

/** Returns a port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** A running broker process. */
export class Broker {
  /** The bootstrap address for clients, `host:port`. */
  readonly bootstrap: string;
  /** Milliseconds from launch to the first accepted connection. */
  readonly readyAfterMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #output: Output;
  #ended = false;

  private constructor(
    child: Deno.ChildProcess,
    output: Output,
    bootstrap: string,
    readyAfterMs: number,
  ) {
    this.#child = child;
    this.#output = output;
    this.bootstrap = bootstrap;
    this.readyAfterMs = readyAfterMs;
    child.status.then(() => this.#ended = true);
  }

  /**
   * Starts a broker on `port` of 127.0.0.1 with its data in `dir`, and waits until it accepts
   * connections.
   *
   * @throws {Error} if the process ends first or takes longer than a minute; the message has its
   * last output
   */
  static async start(command: BrokerCommand, port: number, dir: string): Promise<Broker> {
    const [program, ...args] = command.map((part) =>
      part.replaceAll("{port}", String(port)).replaceAll("{dir}", dir)
    );
    const began = performance.now();
    const child = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = new Output(child);
    let ended = false;
    child.status.then(() => ended = true);
    while (performance.now() - began < READY_WITHIN_MS) {
      if (ended) throw new Error(`the broker ended at once: ${output.tail()}`);
      if (await accepts(port)) {
        return new Broker(child, output, `127.0.0.1:${port}`, performance.now() - began);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill("SIGKILL");
    await child.status;
    throw new Error(`the broker did not listen on port ${port}: ${output.tail()}`);
  }

  /** Whether the process has ended, for any reason. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Returns the last lines printed by the broker. */
  tail(): string {
    return this.#output.tail();
  }

  /** Number of lines printed by the broker. */
  get lineCount(): number {
    return this.#output.lineCount;
  }

  /** Sends SIGKILL and waits for the end. */
  async kill(): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output.closed;
  }

  /**
   * Sends SIGINT, like Ctrl-C.
   *
   * @throws {Error} if the process does not end within 20 s with code 0, or 130, which is common
   * after Ctrl-C
   */
  async stop(): Promise<void> {
    if (this.#ended) throw new Error(`the broker had ended by itself: ${this.tail()}`);
    this.#child.kill("SIGINT");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const status = await this.#child.status;
    clearTimeout(timer);
    await this.#output.closed;
    if (status.signal === "SIGKILL") throw new Error("it did not end within 20 s of SIGINT");
    if (!status.success && status.code !== 130) {
      throw new Error(`it ended with code ${status.code}: ${this.tail()}`);
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** The last lines of a process's stdout and stderr. */
class Output {
  readonly #lines: string[] = [];
  /** Number of all lines printed. */
  lineCount = 0;
  /** Resolves when the process has closed both streams. */
  readonly closed: Promise<void>;

  constructor(child: Deno.ChildProcess) {
    this.closed = Promise.all([child.stdout, child.stderr].map((stream) => this.#read(stream)))
      .then(() => {});
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.lineCount += lines.length;
      this.#lines.splice(0, this.#lines.length - 20);
    }
    if (rest !== "") this.#lines.push(rest);
  }

  tail(): string {
    return this.#lines.join("\n") || "(it printed nothing)";
  }
}
