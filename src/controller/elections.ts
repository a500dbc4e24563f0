/**
 * Decisions about elections requested by an administrator (KIP-460).
 *
 * @module
 */
import type { MetadataImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Steps } from "../protocol/records/compression/steps.ts";
import { type Decision, inSteps, type Outcome, outcomeOf, SUCCESS } from "./decision.ts";
import { type MayLead, mayLeadIn, NO_LEADER, partitionChange } from "./partition_change.ts";

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

/**
 * Decides the election of each partition independently. Null selects all partitions and omits those
 * that need no election from the results. Errors are those of Apache Kafka: ELECTION_NOT_NEEDED,
 * UNKNOWN_TOPIC_OR_PARTITION, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE, and
 * POLICY_VIOLATION for more elections than fit into one batch. Throws INVALID_REQUEST for an
 * unknown election type.
 */
export function* decideElectLeaders(
  type: number,
  elections: readonly TopicElections[] | null,
  image: MetadataImage,
): Steps<Decision<TopicElectionResult>> {
  if (elections?.length === 0) return { records: [], results: [] };
  if (type !== ElectionType.PREFERRED && type !== ElectionType.UNCLEAN) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot elect leaders: unknown election type ${type}, use 0 (preferred) or 1 (unclean)`,
    );
  }
  const mayLead = mayLeadIn(image);
  // Keyed by partition, so that a partition named twice is elected once.
  const records = new Map<string, MetadataRecordInput>();
  const elect = (topic: string, partition: number): Outcome => {
    try {
      const record = electLeader(topic, partition, type, image, mayLead);
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
  const results: TopicElectionResult[] = [];
  for (const { topic, partitions } of requested) {
    const outcomes: (Outcome & { readonly partition: number })[] = [];
    yield* inSteps(partitions, (partition) => {
      const outcome = elect(topic, partition);
      const isNeeded = outcome.errorCode !== ErrorCode.ELECTION_NOT_NEEDED;
      if (elections !== null || isNeeded) outcomes.push({ partition, ...outcome });
    });
    results.push({ topic, partitions: outcomes });
    yield;
  }
  return { records: [...records.values()], results };
}

/**
 * Returns the record that elects a leader. Throws a {@linkcode KafkaError} if none can be elected.
 */
function electLeader(
  topicName: string,
  index: number,
  type: number,
  image: MetadataImage,
  mayLead: MayLead,
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
  const isNeeded = type === ElectionType.PREFERRED ? leader !== replicas[0] : leader === NO_LEADER;
  if (!isNeeded) {
    throw new KafkaError(
      ErrorCode.ELECTION_NOT_NEEDED,
      `${action}: broker ${leader} already leads it`,
    );
  }
  if (type === ElectionType.PREFERRED) {
    const preferred = replicas[0]!;
    const record = partitionChange(topic.id, partition, {}, {
      // No other replica, so that the election of another does not count as a success.
      mayLead: (id, directory) => id === preferred && mayLead(id, directory),
    });
    if (record?.name === "PartitionChangeRecord" && record.value.leader === preferred) {
      return record;
    }
    throw new KafkaError(
      ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
      `${action}: its preferred leader is broker ${preferred}, which is not in sync or not in ` +
        "service",
    );
  }
  const record = partitionChange(topic.id, partition, {}, { mayLead, election: "unclean" });
  if (record !== null) return record;
  throw new KafkaError(
    ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    `${action}: none of its replicas (brokers ${replicas.join(", ")}) is active`,
  );
}
