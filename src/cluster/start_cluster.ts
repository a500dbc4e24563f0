/**
 * `startCluster()`.
 *
 * @module
 */
import { SUPPORTED } from "../broker/supported.ts";
import { CONTROLLER_LISTENER } from "../controller/requests/supported.ts";
import { ALL_PARTS } from "../node/parts/all_parts.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster_options.ts";
import { openCluster } from "./open_cluster.ts";

/**
 * Starts a cluster in this process: one broker, or as many nodes as `options` say. Resolves when clients can
 * connect to all of them.
 *
 * ```ts
 * import { Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events" }] });
 * await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
 * await producer.send({ topic: "events", key: "a", value: "hello" });
 * ```
 *
 * @throws KafkaError with the code INVALID_CONFIG for an invalid option or setting, or
 * KAFKA_STORAGE_ERROR for a data directory that cannot be used; AddressInUseError if the port is taken
 */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const apis = [...SUPPORTED, ...CONTROLLER_LISTENER].map(({ api }) => api);
  return openCluster(options, { parts: ALL_PARTS, apis, isKillable: true });
}
