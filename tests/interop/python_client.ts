/**
 * A Python program that takes a command a line and answers each with a line, both JSON.
 *
 * @module
 */
import { LineClient } from "./line_client.ts";

/** The program while it runs. */
export class PythonClient {
  private constructor(private readonly program: LineClient) {}

  /** Starts it and waits until it listens. */
  static async start(command: readonly string[]): Promise<PythonClient> {
    const program = new LineClient("the Python client", command);
    await program.line();
    return new PythonClient(program);
  }

  /** The answer to one command. */
  async ask<T>(...command: readonly unknown[]): Promise<T> {
    await this.program.tell(JSON.stringify(command));
    const answer = JSON.parse(await this.program.line());
    if (answer?.error !== undefined) throw new Error(`${command[0]}: ${answer.error}`);
    return answer;
  }

  /** Ends it. */
  end(): Promise<void> {
    return this.program.end();
  }
}
