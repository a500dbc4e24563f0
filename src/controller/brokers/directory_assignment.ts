/**
 * Decisions about the log directories in which brokers placed their replicas (KIP-858).
 *
 * @module
 */
import type { MetadataImage } from "../../metadata/image.ts";
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { withDirectory } from "../directories.ts";
import { electionOf, isOnline, mayLeadIn, partitionChange } from "../partition_change.ts";
import { requireBroker } from "./registration_change.ts";

/** The maximum number of replicas in a request, as in Apache Kafka. */
export const MAX_ASSIGNED_REPLICAS = 2_250;

/** An AssignReplicasToDirs request. */
export interface AssignReplicasRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly directories: readonly {
    readonly id: string;
    readonly topics: readonly {
      readonly topicId: string;
      readonly partitions: readonly { readonly partitionIndex: number }[];
    }[];
  }[];
}

/** The outcomes of the assignments, in the structure of the request. */
export interface AssignReplicasDecision {
  readonly records: readonly MetadataRecordInput[];
  readonly directories: readonly {
    readonly id: string;
    readonly topics: readonly {
      readonly topicId: string;
      readonly partitions: readonly {
        readonly partitionIndex: number;
        readonly errorCode: ErrorCode;
      }[];
    }[];
  }[];
}

/**
 * Decides about each replica independently. A replica in a directory that is not registered, because
 * it failed, leaves the ISR and leads nothing. The last assignment of a replica takes effect.
 *
 * Errors are UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION and NOT_LEADER_OR_FOLLOWER for a partition
 * without a replica on the broker. Throws BROKER_ID_NOT_REGISTERED and STALE_BROKER_EPOCH.
 */
export function decideAssignReplicas(
  request: AssignReplicasRequest,
  image: MetadataImage,
): AssignReplicasDecision {
  const broker = requireBroker("assign replicas to directories", request, image);
  const records = new Map<string, MetadataRecordInput>();
  const assign = (topicId: string, index: number, directoryId: string): ErrorCode => {
    const topic = image.topicById(topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const partition = topic.partitions[index];
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (!partition.replicas.includes(broker.id)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const record = partitionChange(
      topicId,
      partition,
      {
        directories: withDirectory(partition, broker.id, directoryId),
        isr: isOnline(directoryId, broker)
          ? partition.isr
          : partition.isr.filter((id) => id !== broker.id),
      },
      { mayLead: mayLeadIn(image), election: electionOf(topic.name, image) },
    );
    const key = `${topicId} ${index}`;
    if (record === null) records.delete(key);
    else records.set(key, record);
    return ErrorCode.NONE;
  };
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: assign(topicId, partitionIndex, id),
      })),
    })),
  }));
  return { records: [...records.values()], directories };
}
