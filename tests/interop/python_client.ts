/**
 * A Python program that takes a command a line and answers each with a line, both JSON.
 *
 * @module
 */

/** The program while it runs. */
export class PythonClient {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  private constructor([program, ...args]: readonly string[]) {
    this.#child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#commands = this.#child.stdin.getWriter();
  }

  /** Starts it and waits until it listens. */
  static async start(command: readonly string[]): Promise<PythonClient> {
    const client = new PythonClient(command);
    await client.#answer();
    return client;
  }

  /** The answer to one command. */
  async ask<T>(...command: readonly unknown[]): Promise<T> {
    await this.#commands.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
    const answer = JSON.parse(await this.#answer());
    if (answer?.error !== undefined) throw new Error(`${command[0]}: ${answer.error}`);
    return answer;
  }

  async #answer(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) throw new Error("the Python client ended by itself");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#lines.cancel().catch(() => {});
    await this.#commands.close().catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await this.#child.status;
    clearTimeout(timer);
  }
}
