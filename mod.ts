/**
 * Millrace: a distributed, durable publish-subscribe log that speaks Apache Kafka's protocol, with
 * its brokers, its producers and its consumers, in one package without dependencies.
 *
 * ```ts
 * import { startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events", partitions: 2 }] });
 * cluster.bootstrapServers; // "127.0.0.1:…": any Kafka client connects here
 * ```
 *
 * @module
 */
export {
  type Cluster,
  type ClusterOptions,
  startCluster,
  type TopicSpec,
} from "./src/cluster/start_cluster.ts";
export {
  ErrorCode,
  type ErrorName,
  errorName,
  isRetriable,
  KafkaError,
} from "./src/protocol/errors.ts";
export type { Logger, LogLevel } from "./src/logger.ts";
export { AddressInUseError, ConnectionError, FileError } from "./src/runtime/runtime.ts";
