/**
 * Lines about the requests of clients, for `debug_print_flag` of the command `broker`.
 *
 * @module
 */
import type { Interceptor } from "../src/cluster/mod.ts";
import { milliseconds } from "./output.ts";

/**
 * Returns an interceptor that prints a line for each request when it has been answered: its name and version,
 * the client, and how long it took. `nowMs` returns the time.
 */
export function printRequests(print: (line: string) => void, nowMs: () => number): Interceptor {
  return ({ name, context }, next) => {
    const { apiVersion, clientId, connection: { remoteAddress: { host, port } } } = context;
    const startMs = nowMs();
    const report = (outcome: string) =>
      print(
        `${name} v${apiVersion} from ${
          clientId ?? "a client without a name"
        } at ${host}:${port}: ` +
          `${outcome} after ${milliseconds(nowMs() - startMs)} ms`,
      );
    const answered = (answer: unknown) => {
      report(answer === null ? "no answer" : "answered");
      return answer;
    };
    const failed = (error: unknown) => {
      report(`failed, ${(error as Error).message}`);
      throw error;
    };
    try {
      const answer = next();
      return answer instanceof Promise ? answer.then(answered, failed) : answered(answer);
    } catch (error) {
      return failed(error);
    }
  };
}
