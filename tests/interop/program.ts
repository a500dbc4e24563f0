/**
 * The command line of Millrace under each supported runtime: the sources under Deno, a single
 * bundled file under the oldest supported Node.js, the compiled executable of Bun.
 *
 * @module
 */
import { nodeFromNpm, OLDEST_NODE } from "../node_from_npm.ts";
import { UsageError } from "./options.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const BUNDLE = "dist/millrace-cli.mjs";
const EXECUTABLE = "dist/millrace-bun";

/** The values of `--runtime`. */
export const RUNTIMES = ["deno", "node", "bun"] as const;

/**
 * Builds the program for `runtime` and returns its command with the first arguments.
 *
 * @throws {UsageError} for a runtime that is not one of {@linkcode RUNTIMES}
 *
 * @throws {Error} if the build fails
 */
export async function millraceProgram(runtime: string): Promise<string[]> {
  switch (runtime) {
    case "deno":
      return [Deno.execPath(), "run", "-A", `${ROOT}cli/main.ts`];
    case "node":
      await build("bundle:cli");
      return [await nodeFromNpm(OLDEST_NODE), `${ROOT}${BUNDLE}`];
    case "bun":
      await build("compile:bun");
      return [`${ROOT}${EXECUTABLE}`];
    default:
      throw new UsageError(`--runtime must be one of ${RUNTIMES.join(", ")}`);
  }
}

async function build(task: string): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args: ["task", task], cwd: ROOT });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`deno task ${task} failed: ${new TextDecoder().decode(stderr)}`);
}
