/**
 * A broker as a process of its own: started, stopped politely or killed, its output kept for a failing test to show.
 *
 * @module
 */

import { millraceProgram } from "./program.ts";

/** How to start a broker; `{port}` and `{dir}` in the arguments are filled in. */
export type BrokerCommand = readonly string[];

/** How long a broker may take until it accepts connections: more than Apache Kafka needs after a kill. */
const READY_WITHIN_MS = 60_000;

/** Starts our own broker under `runtime`, with settings that make tests of groups quick. */
export async function ownCommand(runtime = "deno"): Promise<BrokerCommand> {
  const settings = ["group.initial.rebalance.delay.ms=0", "num.partitions=2"];
  return [
    ...await millraceProgram(runtime),
    ...["start", "--port", "{port}", "--data-dir", "{dir}"],
    ...settings.flatMap((setting) => ["--set", setting]),
  ];
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** One running broker process. */
export class Broker {
  /** The address that clients start from, `host:port`. */
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
   * Starts a broker on `port` of 127.0.0.1 with its data in `dir`, and waits until it accepts connections.
   *
   * @throws {Error} when the process ends before, or takes longer than a minute; the message has its last output
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

  /** Whether the process has ended, for whatever reason. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The last lines that the broker printed. */
  tail(): string {
    return this.#output.tail();
  }

  /** How many lines the broker has printed. */
  get lineCount(): number {
    return this.#output.lineCount;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output.closed;
  }

  /**
   * Ctrl-C, as a person would.
   *
   * @throws {Error} when the process does not end within 20 s with code 0, or 130 as programs do that Ctrl-C ended
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

/** The last lines of what a process prints, both ways. */
class Output {
  readonly #lines: string[] = [];
  /** All lines, not only the last ones. */
  lineCount = 0;
  /** When the process has closed both. */
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
