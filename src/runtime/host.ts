/**
 * Picks the {@linkcode Runtime} of the host this code runs on, and loads only that one.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";

/** Makes the runtime of this process: Deno's, else that of Node or Bun. */
export async function hostRuntime(): Promise<Runtime> {
  if ("Deno" in globalThis) {
    const { denoRuntime } = await import("./deno.ts");
    return denoRuntime();
  }
  const { nodeRuntime } = await import("./node.ts");
  return nodeRuntime();
}
