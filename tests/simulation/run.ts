/**
 * `deno task sim`: runs the simulated scenarios over seeds. `--help` says how.
 *
 * @module
 */
import { runCommand } from "./command/command.ts";
import { SCENARIOS } from "./scenarios.ts";

const module = new URL("./scenarios.ts", import.meta.url).href;
Deno.exit(await runCommand(Deno.args, { all: SCENARIOS, module }));
