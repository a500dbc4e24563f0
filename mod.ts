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
  type FlushPolicy,
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
export {
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
} from "./src/client/producer.ts";
export {
  Consumer,
  type ConsumerOptions,
  ConsumerRecord,
  type PartitionOffset,
  type RecordHeader,
  type StartPosition,
  type TopicPartition,
} from "./src/client/consumer.ts";
export {
  Admin,
  type BrokerInfo,
  type ClusterDescription,
  type LogDirInfo,
  type LogDirPartition,
  type NewTopic,
  type PartitionInfo,
  type TopicInfo,
} from "./src/client/admin.ts";
export type { ClientOptions } from "./src/client/client_options.ts";
export type { CompressionType } from "./src/protocol/records/compression/codec.ts";
export { dumpLogFile, type DumpOptions } from "./src/inspect/dump.ts";
export { describeDamage, type LogDamage, type VerifySummary } from "./src/inspect/findings.ts";
export { verifyDataDirectory, type VerifyOptions } from "./src/inspect/verify.ts";
export type { Logger, LogLevel } from "./src/logger.ts";
export { AddressInUseError, ConnectionError, FileError } from "./src/runtime/runtime.ts";
