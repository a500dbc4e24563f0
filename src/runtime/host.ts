/**
 * Selects the {@linkcode Runtime} of the host. The adapters of all hosts are part of the program: none
 * of them uses anything of its host before it is called. `node:net` and `node:fs`, which take Deno
 * 40 ms to load, come from `process.getBuiltinModule` then, so that the choice is synchronous.
 *
 * @module
 */

import { denoRuntime } from "./deno/deno.ts";
import { nodeRuntime } from "./node/node.ts";
import type { Runtime } from "./runtime.ts";

/** Returns the runtime of this process. Throws an Error on Node.js before 22.15. */
export function hostRuntime(): Runtime {
  return "Deno" in globalThis ? denoRuntime() : nodeRuntime();
}
