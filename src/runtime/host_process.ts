/**
 * Selects the {@linkcode Runtime} of the host like `hostRuntime()`, for a process that should start soon. Deno
 * runs the command line in most cases, so only the other adapter is loaded when it is used.
 *
 * @module
 */
import { denoRuntime } from "./deno/deno.ts";
import type { Runtime } from "./runtime.ts";

/** Resolves with the runtime of this process. Rejects with an Error on Node.js before 22.15. */
export async function loadHostRuntime(): Promise<Runtime> {
  if ("Deno" in globalThis) return denoRuntime();
  const { nodeRuntime } = await import("./node/node.ts");
  return nodeRuntime();
}
