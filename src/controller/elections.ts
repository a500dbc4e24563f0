/**
 * Decisions about elections requested by an administrator (KIP-460). The cluster has one broker, so
 * only the replica on this node can be elected.
 *
 * @module
 */
import type { MetadataImage, PartitionImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { type Decision, type Outcome, outcomeOf, SUCCESS } from "./decision.ts";

/** The types of election, numbered as in ElectLeaders. */
export const ElectionType = {
  /** Elects the first replica, which must be in sync. */
  PREFERRED: 0,
  /** Elects any replica, in sync or not, if the partition has no leader. */
  UNCLEAN: 1,
} as const;

/** The partitions of one topic. */
export interface TopicElections {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The outcomes of the elections of one topic. */
export interface TopicElectionResult {
  readonly topic: string;
  readonly partitions: readonly (Outcome & { readonly partition: number })[];
}

const RECOVERING = 1;

/**
 * Decides the election of each partition independently. Null selects all partitions and omits those
 * that need no election from the results. Errors are those of Apache Kafka: ELECTION_NOT_NEEDED,
 * UNKNOWN_TOPIC_OR_PARTITION, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE, and
 * POLICY_VIOLATION for more elections than fit into one batch. Throws INVALID_REQUEST for an
 * unknown election type.
 */
export function decideElectLeaders(
  type: number,
  elections: readonly TopicElections[] | null,
  { nodeId, image }: { readonly nodeId: number; readonly image: MetadataImage },
): Decision<TopicElectionResult> {
  if (elections?.length === 0) return { records: [], results: [] };
  if (type !== ElectionType.PREFERRED && type !== ElectionType.UNCLEAN) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot elect leaders: unknown election type ${type}, use 0 (preferred) or 1 (unclean)`,
    );
  }
  // Keyed by partition, so that a partition named twice is elected once.
  const records = new Map<string, MetadataRecordInput>();
  const elect = (topic: string, partition: number): Outcome => {
    try {
      const record = electLeader(topic, partition, type, nodeId, image);
      records.set(`${topic} ${partition}`, record);
      if (records.size > MAX_RECORDS_PER_BATCH) {
        records.delete(`${topic} ${partition}`);
        throw new KafkaError(
          ErrorCode.POLICY_VIOLATION,
          `Cannot elect a leader of ${topic}-${partition}: a request can elect at most ` +
            `${MAX_RECORDS_PER_BATCH} leaders, split the request`,
        );
      }
      return SUCCESS;
    } catch (error) {
      return outcomeOf(error);
    }
  };
  const requested = elections ?? Array.from(image.topics(), ({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partition }) => partition),
  }));
  const results = requested.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions
      .map((partition) => ({ partition, ...elect(topic, partition) }))
      .filter(({ errorCode }) => elections !== null || errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
  }));
  return { records: [...records.values()], results };
}

/**
 * Returns the record that elects a leader. Throws a {@linkcode KafkaError} if none can be elected.
 */
function electLeader(
  topicName: string,
  index: number,
  type: number,
  nodeId: number,
  image: MetadataImage,
): MetadataRecordInput {
  const action = `Cannot elect a leader of ${topicName}-${index}`;
  const topic = image.topicByName(topicName);
  const partition = topic?.partitions[index];
  if (topic === undefined || partition === undefined) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      topic === undefined
        ? `${action}: no such topic exists`
        : `${action}: the topic has ${topic.partitions.length} partitions`,
    );
  }
  const { leader, replicas } = partition;
  const isNeeded = type === ElectionType.PREFERRED ? leader !== replicas[0] : leader < 0;
  if (!isNeeded) {
    throw new KafkaError(
      ErrorCode.ELECTION_NOT_NEEDED,
      `${action}: broker ${leader} already leads it`,
    );
  }
  const change = { partitionId: index, topicId: topic.id, leader: nodeId };
  const inSync = isrAfterElection(partition, nodeId);
  if (type === ElectionType.PREFERRED) {
    if (replicas[0] === nodeId && inSync !== null) {
      return { name: "PartitionChangeRecord", value: { ...change, ...inSync } };
    }
    throw new KafkaError(
      ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
      `${action}: its preferred leader is broker ${
        replicas[0]
      }, which is not in sync or not in service`,
    );
  }
  if (inSync !== null) return { name: "PartitionChangeRecord", value: { ...change, ...inSync } };
  if (replicas.includes(nodeId)) {
    return {
      name: "PartitionChangeRecord",
      value: {
        ...change,
        isr: [nodeId],
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
        leaderRecoveryState: RECOVERING,
      },
    };
  }
  throw new KafkaError(
    ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    `${action}: none of its replicas (brokers ${replicas.join(", ")}) is active`,
  );
}

/**
 * Returns the changes that come with an election without data loss, or null if the node may lack
 * committed records.
 */
function isrAfterElection({ isr, eligibleLeaderReplicas }: PartitionImage, nodeId: number) {
  if (isr.includes(nodeId)) return {};
  if (isr.length > 0 || !eligibleLeaderReplicas.includes(nodeId)) return null;
  return {
    isr: [nodeId],
    eligibleLeaderReplicas: eligibleLeaderReplicas.filter((replica) => replica !== nodeId),
    lastKnownElr: [],
  };
}
