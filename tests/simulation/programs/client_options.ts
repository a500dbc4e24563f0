/**
 * How all clients of a scenario are configured: with less patience than by default.
 *
 * @module
 */
import type { Runtime } from "../../../src/runtime/runtime.ts";
import type { World } from "../world.ts";

/** The timeout of each request, ms. */
export const REQUEST_TIMEOUT_MS = 1_500;

const PATIENCE = {
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  connectTimeoutMs: 800,
  retries: 40,
  retryBackoffMs: 20,
  retryBackoffMaxMs: 300,
  metadataMaxAgeMs: 1_000,
} as const;

/** The options that all clients have in common. */
export type CommonOptions = typeof PATIENCE & {
  readonly bootstrapServers: string;
  readonly runtime: Runtime;
};

/** Returns the options of a client of the cluster of `world` that runs on `runtime`. */
export function clientOptions(world: World, runtime: Runtime): CommonOptions {
  return { ...PATIENCE, bootstrapServers: world.bootstrapServers, runtime };
}
