/**
 * A Python program that reads one command per line and answers each with a line, both in JSON.
 *
 * @module
 */
import { LineClient } from "./line_client.ts";

/** The running program. */
export class PythonClient {
  private constructor(private readonly program: LineClient) {}

  /** Starts the program and waits until it is ready. */
  static async start(command: readonly string[]): Promise<PythonClient> {
    const program = new LineClient("the Python client", command);
    await program.line();
    return new PythonClient(program);
  }

  /** Sends a command and returns its answer. */
  async ask<T>(...command: readonly unknown[]): Promise<T> {
    await this.program.send(JSON.stringify(command));
    const answer = JSON.parse(await this.program.line());
    if (answer?.error !== undefined) throw new Error(`${command[0]}: ${answer.error}`);
    return answer;
  }

  /** Ends the program. */
  end(): Promise<void> {
    return this.program.end();
  }
}
