/**
 * Decisions about adding partitions to topics, and helpers for all new partitions.
 *
 * @module
 */
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Steps } from "../protocol/records/compression/steps.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../protocol/uuid.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  inSteps,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import { type Assignment, isActive, placeReplicas } from "./placement.ts";

/** The new partition count of a topic. */
export interface NewPartitions {
  readonly name: string;
  /** The total number, existing partitions included. */
  readonly count: number;
  /** The brokers of each new partition. If null or absent, the controller chooses them. */
  readonly assignments?: readonly { readonly brokerIds: readonly number[] }[] | null;
}

/** The inputs of decisions about new partitions. */
export interface PartitionsContext {
  readonly image: MetadataImage;
  /** Returns a random number from 0 to `bound` - 1, to place the first leader. */
  readonly below: (bound: number) => number;
  /** Maximum number of replicas of a new partition. Defaults to any number. */
  readonly maxReplicas?: number;
}

/** The outcome of adding partitions to a topic. */
export interface CreatePartitionsResult extends Outcome {
  readonly name: string;
}

/**
 * Decides about each topic independently. Errors: INVALID_REQUEST for a topic named twice,
 * UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS if the count would not increase,
 * INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, and POLICY_VIOLATION for more records
 * than fit into one batch.
 */
export function* decideCreatePartitions(
  topics: readonly NewPartitions[],
  context: PartitionsContext,
): Steps<Decision<CreatePartitionsResult>> {
  const records: MetadataRecordInput[] = [];
  const results: CreatePartitionsResult[] = [];
  const duplicates = duplicatesOf(topics.map((topic) => topic.name));
  const reported = new Set<string>();
  yield* inSteps(topics, (requested) => {
    const { name } = requested;
    if (duplicates.has(name)) {
      if (reported.has(name)) return;
      reported.add(name);
      const message = `Cannot add partitions to "${name}": the request names it more than once`;
      results.push({ name, ...failure(ErrorCode.INVALID_REQUEST, message) });
      return;
    }
    try {
      const added = addPartitions(requested, MAX_RECORDS_PER_BATCH - records.length, context);
      records.push(...added);
      results.push({ name, ...SUCCESS });
    } catch (error) {
      results.push({ name, ...outcomeOf(error) });
    }
  });
  return { records, results };
}

function addPartitions(
  { name, count, assignments }: NewPartitions,
  recordsLeft: number,
  { image, below, maxReplicas }: PartitionsContext,
): MetadataRecordInput[] {
  const action = `add partitions to "${name}"`;
  const topic = image.topicByName(name);
  if (topic === undefined) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `Cannot ${action}: no such topic exists`,
    );
  }
  const { length } = topic.partitions;
  const added = count - length;
  if (added <= 0) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `Cannot ${action}: it already has ${length}, and ${count} is not more`,
    );
  }
  if (added > recordsLeft) {
    throw new KafkaError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot ${action}: ${added} new ones exceed the ${recordsLeft} that still fit into this ` +
        "request",
    );
  }
  const replicas = assignments === null || assignments === undefined
    ? placeNew(topic, added, { image, below })
    : checkNew(action, topic, added, assignments.map((it) => it.brokerIds), image);
  requireFewReplicas(action, replicas[0]!.length, maxReplicas);
  return partitionRecords(topic.id, length, replicas, image);
}

function placeNew(
  topic: TopicImage,
  count: number,
  { image, below }: PartitionsContext,
): Assignment[] {
  const replicationFactor = topic.partitions[0]!.replicas.length;
  requireReplicas(`add partitions to "${topic.name}"`, replicationFactor, image);
  return placeReplicas([...image.brokers()], {
    start: randomStart(image, below),
    count,
    replicationFactor,
  });
}

function checkNew(
  action: string,
  topic: TopicImage,
  count: number,
  assignments: readonly Assignment[],
  image: MetadataImage,
): readonly Assignment[] {
  if (assignments.length !== count) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Cannot ${action}: ${count} new ones need ${count} assignments but ${assignments.length} are given`,
    );
  }
  const first = topic.partitions.length;
  for (const [index, replicas] of assignments.entries()) {
    checkAssignment(action, first + index, replicas, topic.partitions[0]!.replicas.length, image);
    if (activeBrokers(replicas, image).length === 0) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${action}: no broker assigned to partition ${first + index} is active`,
      );
    }
  }
  return assignments;
}

/**
 * Returns the records of new partitions, numbered from `first`. The first active replica leads; all
 * active replicas are in sync.
 */
export function partitionRecords(
  topicId: string,
  first: number,
  assignments: readonly Assignment[],
  image: MetadataImage,
): MetadataRecordInput[] {
  return assignments.map((replicas, index) => {
    const isr = activeBrokers(replicas, image);
    return {
      name: "PartitionRecord",
      value: {
        partitionId: first + index,
        topicId,
        replicas,
        isr,
        removingReplicas: [],
        addingReplicas: [],
        leader: isr[0]!,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: replicas.map((id) => directoryOf(id, image)),
      },
    };
  });
}

/**
 * Throws INVALID_REPLICA_ASSIGNMENT unless these brokers are a valid assignment of the partition.
 */
export function checkAssignment(
  action: string,
  partition: number,
  replicas: Assignment,
  replicationFactor: number,
  image: MetadataImage,
): void {
  const refuse = (reason: string) => {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Cannot ${action}: partition ${partition} ${reason}`,
    );
  };
  if (replicas.length === 0) refuse("is assigned to no broker");
  for (const id of replicas) {
    if (image.broker(id) === undefined) refuse(`is assigned to broker ${id}, which does not exist`);
  }
  if (new Set(replicas).size < replicas.length) refuse("is assigned to a broker more than once");
  if (replicas.length !== replicationFactor) {
    refuse(`is assigned to ${replicas.length} brokers, the others to ${replicationFactor}`);
  }
}

/** Throws INVALID_REPLICATION_FACTOR unless there are enough brokers and at least one is active. */
export function requireReplicas(
  action: string,
  replicationFactor: number,
  image: MetadataImage,
): void {
  const brokers = [...image.brokers()];
  if (replicationFactor > brokers.length) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot ${action} with replication factor ${replicationFactor}: the cluster has ` +
        `${brokers.length} ${brokers.length === 1 ? "broker" : "brokers"}`,
    );
  }
  if (!brokers.some(isActive)) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot ${action}: no broker is active`,
    );
  }
}

/** Throws INVALID_REPLICATION_FACTOR if the nodes cannot keep so many replicas of a partition. */
export function requireFewReplicas(
  action: string,
  replicationFactor: number,
  maxReplicas: number = Infinity,
): void {
  if (replicationFactor <= maxReplicas) return;
  throw new KafkaError(
    ErrorCode.INVALID_REPLICATION_FACTOR,
    `Cannot ${action} with replication factor ${replicationFactor}: this version keeps at most ` +
      `${maxReplicas} ${maxReplicas === 1 ? "replica" : "replicas"} of a partition, request fewer`,
  );
}

/** Returns the active brokers among `replicas`. */
export function activeBrokers(replicas: Assignment, image: MetadataImage): number[] {
  return replicas.filter((id) => {
    const broker = image.broker(id);
    return broker !== undefined && isActive(broker);
  });
}

/**
 * Chooses a random first leader, so that topics with a single partition are spread over the
 * brokers.
 */
export function randomStart(image: MetadataImage, below: (bound: number) => number): number {
  const count = [...image.brokers()].length;
  return count > 1 ? below(count * count) : 0;
}

/**
 * Returns the only log directory of a broker. A broker with several chooses one and reports it
 * later.
 */
function directoryOf(id: number, image: MetadataImage): string {
  const logDirs = image.broker(id)?.logDirs ?? [];
  if (logDirs.length === 0) return ZERO_UUID;
  return logDirs.length === 1 ? logDirs[0]! : UNASSIGNED_DIRECTORY;
}
