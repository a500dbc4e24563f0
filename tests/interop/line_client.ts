/**
 * A program in another language that reads one command per line and answers each with a line.
 *
 * @module
 */

/** The running program. */
export class LineClient {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  /** Starts `program`. Errors contain `name`. */
  constructor(readonly name: string, [program, ...args]: readonly string[]) {
    this.#child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#commands = this.#child.stdin.getWriter();
  }

  /** Sends a command. */
  async send(line: string): Promise<void> {
    await this.#commands.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Returns the next line of output. */
  async line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) throw new Error(`${this.name} ended by itself`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Ends the program. */
  async end(): Promise<void> {
    await this.#lines.cancel().catch(() => {});
    await this.#commands.close().catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await this.#child.status;
    clearTimeout(timer);
  }
}
