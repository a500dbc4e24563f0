/**
 * The one partition of the quorum in the requests of KRaft, which have room for many.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { ProtocolError } from "../../protocol/protocol_error.ts";
import { METADATA_TOPIC_ID } from "../../protocol/uuid.ts";

/** The topic of the metadata log. */
export const METADATA_TOPIC = "__cluster_metadata";
/** The partition of {@linkcode METADATA_TOPIC}. */
export const METADATA_PARTITION = 0;

/** A topic in a message, which has a name or an id or both. */
type NamedTopic =
  | { readonly topicName: string }
  | { readonly name: string }
  | { readonly topic: string; readonly topicId: string };
type NumberedPartition =
  | { readonly partitionIndex: number }
  | { readonly partition: number }
  | { readonly index: number };
/** The topics of a request or a response. */
type Topics<P extends NumberedPartition> = readonly (NamedTopic & {
  readonly partitions: readonly P[];
})[];

/** Returns the partition of the metadata log if `topics` has exactly that one, or null. */
export function metadataPartition<P extends NumberedPartition>(topics: Topics<P>): P | null {
  const [topic] = topics;
  if (topics.length !== 1 || topic === undefined || !isMetadataTopic(topic)) return null;
  const [partition] = topic.partitions;
  if (topic.partitions.length !== 1 || partition === undefined) return null;
  return numberOf(partition) === METADATA_PARTITION ? partition : null;
}

/** Like {@linkcode metadataPartition} for a request. Throws INVALID_REQUEST for any other partitions. */
export function requestedPartition<P extends NumberedPartition>(topics: Topics<P>): P {
  const partition = metadataPartition(topics);
  if (partition !== null) return partition;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot answer for other partitions than ${METADATA_TOPIC}-${METADATA_PARTITION} alone`,
  );
}

/** Like {@linkcode metadataPartition} for a response. Throws a `ProtocolError` for any other partitions. */
export function answeredPartition<P extends NumberedPartition>(topics: Topics<P>): P {
  const partition = metadataPartition(topics);
  if (partition !== null) return partition;
  throw new ProtocolError(
    `The answer is not about ${METADATA_TOPIC}-${METADATA_PARTITION} alone`,
  );
}

/** Returns `value` if it is an offset or a size. Throws a `ProtocolError` below `min` or beyond 2^53 - 1. */
export function checkedInt64(value: number, what: string, min: number = 0): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new ProtocolError(`The answer has an impossible ${what}: ${value}`);
}

function isMetadataTopic(topic: NamedTopic): boolean {
  if ("topicName" in topic) return topic.topicName === METADATA_TOPIC;
  if ("name" in topic) return topic.name === METADATA_TOPIC;
  return topic.topic === METADATA_TOPIC || topic.topicId === METADATA_TOPIC_ID;
}

function numberOf(partition: NumberedPartition): number {
  if ("partitionIndex" in partition) return partition.partitionIndex;
  return "partition" in partition ? partition.partition : partition.index;
}
