/**
 * `startCluster()`.
 *
 * @module
 */
import { SUPPORTED } from "../broker/supported.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster_options.ts";

/**
 * Starts a cluster of one broker in this process. Resolves when clients can connect.
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
  return openCluster(options, SUPPORTED);
}
