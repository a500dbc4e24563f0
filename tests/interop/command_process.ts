/**
 * A command of Millrace, or another program, as a process whose lines the test reads.
 *
 * @module
 */

/** Maximum time for one line or for the end. */
const LIMIT_MS = 30_000;
/** Length of the output that is kept for messages. */
const TAIL_CHARACTERS = 1_500;

/** How a process has ended. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The running process. */
export class CommandProcess {
  /** All of its stdout so far. */
  out = "";
  /** All of its stderr so far. */
  err = "";
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #closed: Promise<void>;
  #status: Deno.CommandStatus | null = null;
  #onChange: () => void = () => {};

  /** Starts `command`. Messages contain `name`. */
  constructor(
    readonly name: string,
    [program, ...args]: readonly string[],
    { cwd, env }: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
  ) {
    this.#child = new Deno.Command(program!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#closed = this.#read();
  }

  /** Whether it has ended, for any reason. */
  get hasEnded(): boolean {
    return this.#status !== null;
  }

  /** Writes a line to its stdin. */
  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /**
   * Resolves with the match when stdout has `wanted`.
   *
   * @throws {Error} if the process ends before, or after {@linkcode LIMIT_MS}
   */
  async line(wanted: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await this.until(`${wanted}`, () => (match = wanted.exec(this.out)) !== null);
    return match!;
  }

  /** Resolves when `isTrue` of its output so far. `what` is used in messages. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = Date.now() + LIMIT_MS;
    while (!isTrue()) {
      if (this.hasEnded) {
        await this.#closed;
        if (isTrue()) return;
        throw new Error(`${this.name} ended without ${what}: ${this.tail()}`);
      }
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`${this.name} has no ${what}: ${this.tail()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onChange = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
  }

  /** Closes its stdin, sends `signal` if there is one, and resolves when it has ended. */
  async end(signal?: Deno.Signal): Promise<CommandResult> {
    await this.#input.close().catch(() => {});
    if (signal !== undefined && !this.hasEnded) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), LIMIT_MS);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    await this.#closed;
    return { code, out: this.out, err: this.err };
  }

  /** Returns the end of what it has printed. */
  tail(): string {
    return `${this.out}${this.err}`.slice(-TAIL_CHARACTERS) || "(it printed nothing)";
  }

  async #read(): Promise<void> {
    const keep = async (
      stream: ReadableStream<Uint8Array<ArrayBuffer>>,
      add: (text: string) => void,
    ) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        add(text);
        this.#onChange();
      }
    };
    this.#child.status.then((status) => {
      this.#status = status;
      this.#onChange();
    });
    await Promise.all([
      keep(this.#child.stdout, (text) => this.out += text),
      keep(this.#child.stderr, (text) => this.err += text),
    ]);
  }
}
