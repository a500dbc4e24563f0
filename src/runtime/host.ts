/**
 * Picks the {@linkcode Runtime} of the host this code runs on. Deno's is part of the program, since
 * it names nothing that another host lacks before it is called; `node:net` and `node:fs` are loaded
 * where they are needed.
 *
 * @module
 */

import { denoRuntime } from "./deno.ts";
import type { Runtime } from "./runtime.ts";

/** Makes the runtime of this process: Deno's, else that of Node or Bun. */
export async function hostRuntime(): Promise<Runtime> {
  if ("Deno" in globalThis) return denoRuntime();
  const { nodeRuntime } = await import("./node.ts");
  return nodeRuntime();
}
