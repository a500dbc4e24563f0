/**
 * The entry of the commands that run one node of a cluster in their process: a controller, a broker, or both.
 *
 * @module
 */
import { PARTS_ON_DEMAND } from "../node/parts/parts_on_demand.ts";
import type { Logger } from "../logger.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import { Node } from "../node/node.ts";
import { loadHostRuntime } from "../runtime/host_process.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { SMALL_CLUSTER } from "./cluster_options.ts";

export { lineLogger, type Logger, type LogLevel } from "../logger.ts";
export type { InterceptedRequest, Interceptor } from "../network/server/interceptor.ts";
export type { Node } from "../node/node.ts";

/** Options of a node. */
export interface NodeProcessOptions {
  /** Kafka's broker keys with their values as text. */
  readonly config: Readonly<Record<string, string>>;
  /** Whether data is kept in memory and lost with the process, instead of in `log.dirs`. */
  readonly inMemory: boolean;
  /** The id of the cluster for directories that have none. By default the node asks its controllers. */
  readonly clusterId?: string;
  readonly logger: Logger;
  /** Called for each request of clients before it is handled, in this order. */
  readonly interceptors?: readonly Interceptor[];
}

/** Starts a node. Resolves when it serves. Throws like `Node.start()`. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<Node> {
  const { config, inMemory, clusterId, logger, interceptors = [] } = options;
  const runtime = await loadHostRuntime();
  return await Node.start({
    runtime: inMemory ? { ...runtime, files: await memoryFiles() } : runtime,
    config: { ...SMALL_CLUSTER, ...config, ...(inMemory && { "log.dirs": "/memory" }) },
    logger,
    parts: PARTS_ON_DEMAND,
    interceptors,
    ...(clusterId !== undefined && { clusterId }),
  });
}

async function memoryFiles(): Promise<Runtime["files"]> {
  const { MemoryFileSystem } = await import("../runtime/memory_files.ts");
  return new MemoryFileSystem();
}
