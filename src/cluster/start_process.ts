/**
 * The entry of the command `start`: a cluster as the work of a whole process. It loads the handlers of most
 * requests on their first use, so the process starts sooner and has less memory. Programs use
 * `startCluster()`, which loads everything at once: its start is in their hands, and a simulation must not
 * wait for a loader.
 *
 * @module
 */
import { BrokerConfig } from "../config/broker_config.ts";
import { SUPPORTED_ON_DEMAND } from "../broker/supported_on_demand.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster_options.ts";
import { openCluster } from "./open_cluster.ts";

export { lineLogger } from "../logger.ts";

/** A cluster that ends with its process. */
export type ProcessCluster = Omit<Cluster, "kill" | "restart" | "partition" | "heal" | "intercept">;

/** Returns whether a node with these settings has both roles and no other node belongs to its cluster. */
export function isAlone(settings: Readonly<Record<string, string>>): boolean {
  return new BrokerConfig(settings).isAlone;
}

/** Starts a cluster of one node. Resolves when clients can connect. Throws like `startCluster()`. */
export function startProcess(
  options: Omit<ClusterOptions, "brokers" | "controllers">,
): Promise<ProcessCluster> {
  return openCluster(options, { handlers: SUPPORTED_ON_DEMAND, isKillable: false });
}
