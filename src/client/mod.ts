/**
 * The clients without a broker: `Producer`, `Consumer` and `Admin`. They work with Millrace and
 * Apache Kafka alike.
 *
 * ```ts ignore
 * import { Producer } from "@millrace/millrace/client";
 *
 * await using producer = await Producer.connect({ bootstrapServers: "127.0.0.1:9092" });
 * await producer.send({ topic: "events", value: "hello" });
 * ```
 *
 * @module
 */
export {
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
} from "./producer/producer.ts";
export {
  Consumer,
  type ConsumerOptions,
  ConsumerRecord,
  type PartitionOffset,
  type RecordHeader,
  type StartPosition,
  type TopicPartition,
} from "./consumer/consumer.ts";
export {
  Admin,
  type BrokerDescription,
  type BrokerInfo,
  type ClusterDescription,
  type ControllerListener,
  type ControllersDescription,
  type FeatureInfo,
  type FeaturesDescription,
  type FeatureUpdate,
  type LeavingVoter,
  type LogDirInfo,
  type LogDirPartition,
  type NewTopic,
  type NewVoter,
  type PartitionInfo,
  type QuorumDescription,
  type QuorumReplica,
  type TopicInfo,
} from "./admin/admin.ts";
export type { ClientOptions } from "./client_options.ts";
export type { CompressionType } from "../protocol/records/compression/codec.ts";
export {
  ErrorCode,
  type ErrorName,
  errorName,
  isRetriable,
  KafkaError,
} from "../protocol/errors.ts";
export { AddressInUseError, ConnectionError, FileError } from "../runtime/runtime.ts";
