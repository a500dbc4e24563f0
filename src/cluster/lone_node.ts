/**
 * The options of a node that is a cluster of its own.
 *
 * @module
 */
import { silentLogger } from "../logger.ts";
import type { NodeOptions } from "../node/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  type ClusterOptions,
  flushSettings,
  isInMemory,
  SMALL_CLUSTER,
} from "./cluster_options.ts";
import { hostAndPort } from "./layout.ts";

/** The host of listeners by default. */
export const DEFAULT_HOST = "127.0.0.1";

/** The options that follow from those of the cluster. */
type LoneNodeOptions =
  & Pick<NodeOptions, "runtime" | "logger" | "directory">
  & Required<Pick<NodeOptions, "config">>;

/**
 * Returns the options of the only node of a cluster. No other one connects to it. Its data are in the files of
 * `runtime`.
 */
export function loneNodeOptions(
  options: ClusterOptions,
  runtime: Runtime,
): LoneNodeOptions {
  const { host = DEFAULT_HOST, port = 0, logger = silentLogger } = options;
  return {
    ...directoryOf(options),
    runtime,
    config: {
      ...SMALL_CLUSTER,
      listeners: `PLAINTEXT://${hostAndPort(host, port)}`,
      ...options.config,
      ...flushSettings(options),
    },
    logger,
  };
}

/** Returns the data directories of a node, in the folder `below` of those that are given. */
export function directoryOf(
  options: ClusterOptions,
  below = "",
): Pick<NodeOptions, "directory"> {
  const { dataDir } = options;
  if (isInMemory(options)) return { directory: "/memory" };
  if (dataDir === undefined) return {};
  const directories = [dataDir].flat().flatMap((path) => String(path).split(","));
  return { directory: directories.map((path) => `${path.trim()}${below}`).join(",") };
}
