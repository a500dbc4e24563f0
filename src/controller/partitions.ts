/**
 * Decisions about partitions: adding them to topics, and what is common to all new partitions.
 *
 * @module
 */
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../protocol/uuid.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import { type Assignment, isInService, placeReplicas } from "./placement.ts";

/** How many partitions a topic is to have. */
export interface NewPartitions {
  readonly name: string;
  /** The new number, with those that are there. */
  readonly count: number;
  /** The brokers of each new partition; null or absent: the controller chooses. */
  readonly assignments?: readonly { readonly brokerIds: readonly number[] }[] | null;
}

/** How adding partitions to a topic went. */
export interface CreatePartitionsResult extends Outcome {
  readonly name: string;
}

/**
 * Decides about each of `topics` by itself. INVALID_REQUEST for a topic that is named twice,
 * UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS when it would not grow,
 * INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, and POLICY_VIOLATION for more records than
 * one batch may have.
 */
export function decideCreatePartitions(
  topics: readonly NewPartitions[],
  context: { image: MetadataImage; below: (bound: number) => number },
): Decision<CreatePartitionsResult> {
  const records: MetadataRecordInput[] = [];
  const results: CreatePartitionsResult[] = [];
  const duplicates = duplicatesOf(topics.map((topic) => topic.name));
  const answered = new Set<string>();
  for (const asked of topics) {
    const { name } = asked;
    if (duplicates.has(name)) {
      if (answered.has(name)) continue;
      answered.add(name);
      const message = `Cannot add partitions to "${name}": the request names it more than once`;
      results.push({ name, ...failure(ErrorCode.INVALID_REQUEST, message) });
      continue;
    }
    try {
      const added = addPartitions(asked, MAX_RECORDS_PER_BATCH - records.length, context);
      records.push(...added);
      results.push({ name, ...SUCCESS });
    } catch (error) {
      results.push({ name, ...outcomeOf(error) });
    }
  }
  return { records, results };
}

function addPartitions(
  { name, count, assignments }: NewPartitions,
  recordsLeft: number,
  { image, below }: { image: MetadataImage; below: (bound: number) => number },
): MetadataRecordInput[] {
  const what = `add partitions to "${name}"`;
  const topic = image.topicByName(name);
  if (topic === undefined) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `Cannot ${what}: no such topic exists`,
    );
  }
  const { length } = topic.partitions;
  const added = count - length;
  if (added <= 0) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `Cannot ${what}: it has ${length} already, and ${count} would be no more`,
    );
  }
  if (added > recordsLeft) {
    throw new KafkaError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot ${what}: ${added} new ones are more than ${recordsLeft} that can still be made at ` +
        "once",
    );
  }
  const replicas = assignments === null || assignments === undefined
    ? placeNew(topic, added, { image, below })
    : checkNew(what, topic, added, assignments.map((it) => it.brokerIds), image);
  return partitionRecords(topic.id, length, replicas, image);
}

function placeNew(
  topic: TopicImage,
  count: number,
  { image, below }: { image: MetadataImage; below: (bound: number) => number },
): Assignment[] {
  const replicationFactor = topic.partitions[0]!.replicas.length;
  requireReplicas(`add partitions to "${topic.name}"`, replicationFactor, image);
  return placeReplicas([...image.brokers()], {
    start: nextStart(image, below),
    count,
    replicationFactor,
  });
}

function checkNew(
  what: string,
  topic: TopicImage,
  count: number,
  assignments: readonly Assignment[],
  image: MetadataImage,
): readonly Assignment[] {
  if (assignments.length !== count) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Cannot ${what}: ${count} new ones need as many assignments, there are ${assignments.length}`,
    );
  }
  const first = topic.partitions.length;
  for (const [index, replicas] of assignments.entries()) {
    checkAssignment(what, first + index, replicas, topic.partitions[0]!.replicas.length, image);
    if (servingBrokers(replicas, image).length === 0) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${what}: no broker assigned to partition ${first + index} is in service`,
      );
    }
  }
  return assignments;
}

/**
 * The records of new partitions, numbered from `first`: the first replica in service leads, and
 * those in service are in sync.
 */
export function partitionRecords(
  topicId: string,
  first: number,
  assignments: readonly Assignment[],
  image: MetadataImage,
): MetadataRecordInput[] {
  return assignments.map((replicas, index) => {
    const isr = servingBrokers(replicas, image);
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

/** Throws INVALID_REPLICA_ASSIGNMENT unless the partition can be on exactly these brokers. */
export function checkAssignment(
  what: string,
  partition: number,
  replicas: Assignment,
  replicationFactor: number,
  image: MetadataImage,
): void {
  const refuse = (reason: string) => {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Cannot ${what}: partition ${partition} ${reason}`,
    );
  };
  if (replicas.length === 0) refuse("is assigned to no broker");
  for (const id of replicas) {
    if (image.broker(id) === undefined) refuse(`is assigned to broker ${id}, which is not known`);
  }
  if (new Set(replicas).size < replicas.length) refuse("is assigned to a broker more than once");
  if (replicas.length !== replicationFactor) {
    refuse(`is assigned to ${replicas.length} brokers, the others to ${replicationFactor}`);
  }
}

/** Throws INVALID_REPLICATION_FACTOR unless there are so many brokers, and one of them in service. */
export function requireReplicas(
  what: string,
  replicationFactor: number,
  image: MetadataImage,
): void {
  const brokers = [...image.brokers()];
  if (replicationFactor > brokers.length) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot ${what} with replication factor ${replicationFactor}: the cluster has ` +
        `${brokers.length} ${brokers.length === 1 ? "broker" : "brokers"}`,
    );
  }
  if (!brokers.some(isInService)) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot ${what}: no broker is in service`,
    );
  }
}

/** Those of `replicas` that are in service. */
export function servingBrokers(replicas: Assignment, image: MetadataImage): number[] {
  return replicas.filter((id) => {
    const broker = image.broker(id);
    return broker !== undefined && isInService(broker);
  });
}

/** Where leaders begin: another place for each topic, so that one-partition topics spread too. */
export function nextStart(image: MetadataImage, below: (bound: number) => number): number {
  const count = [...image.brokers()].length;
  return count > 1 ? below(count * count) : 0;
}

/** A broker with one log directory is told which; with several, it chooses, and says so later. */
function directoryOf(id: number, image: MetadataImage): string {
  const logDirs = image.broker(id)?.logDirs ?? [];
  if (logDirs.length === 0) return ZERO_UUID;
  return logDirs.length === 1 ? logDirs[0]! : UNASSIGNED_DIRECTORY;
}
