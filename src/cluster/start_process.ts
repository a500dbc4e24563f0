/**
 * The entry of the command `start`: a node that is a cluster of its own as the work of a whole process. It
 * loads most of its code on the first use (`PARTS_ON_DEMAND`), so the process starts sooner and has less
 * memory. Programs use `startCluster()`, which loads everything at once: its start is in their hands, and a
 * simulation must not wait for a loader.
 *
 * @module
 */
import { BrokerConfig } from "../config/broker_config.ts";
import { Node } from "../node/node.ts";
import { PARTS_ON_DEMAND } from "../node/parts/parts_on_demand.ts";
import { loadHostRuntime } from "../runtime/host_process.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Cluster } from "./cluster.ts";
import { checkClusterOptions, type ClusterOptions, isInMemory } from "./cluster_options.ts";
import { createInitialTopics } from "./initial_topics.ts";
import { hostAndPort, reachableHost } from "./layout.ts";
import { loneNodeOptions } from "./lone_node.ts";

export { lineLogger } from "../logger.ts";

/** The cluster of a process, which ends with it. */
export type ProcessCluster = Pick<
  Cluster,
  "bootstrapServers" | "listeners" | "clusterId" | "notices" | "failed" | "shutdown"
>;

/** Returns whether a node with these settings has both roles and no other node belongs to its cluster. */
export function isAlone(settings: Readonly<Record<string, string>>): boolean {
  return new BrokerConfig(settings).isAlone;
}

/** Starts a cluster of one node. Resolves when clients can connect. Throws like `startCluster()`. */
export async function startProcess(
  options: Omit<ClusterOptions, "brokers" | "controllers">,
): Promise<ProcessCluster> {
  checkClusterOptions(options);
  const { interceptors = [], topics = [] } = options;
  const runtime = options.runtime ?? await loadHostRuntime();
  const node = await Node.start({
    ...loneNodeOptions(options, { ...runtime, files: await filesOf(options, runtime) }),
    parts: PARTS_ON_DEMAND,
    interceptors,
  });
  try {
    const listeners = node.config.brokerListeners;
    const { host, port } = listeners[0]!;
    return {
      bootstrapServers: hostAndPort(reachableHost(host), port),
      listeners,
      clusterId: node.clusterId,
      notices: [...node.notices, ...await createInitialTopics([node], topics)],
      failed: node.failed,
      shutdown: () => node.shutdown(),
    };
  } catch (error) {
    await node.shutdown();
    throw error;
  }
}

/** Resolves with the file system of the node. */
async function filesOf(options: ClusterOptions, { files }: Runtime): Promise<Runtime["files"]> {
  if (!isInMemory(options)) return files;
  const { MemoryFileSystem } = await import("../runtime/memory_files.ts");
  return new MemoryFileSystem();
}
