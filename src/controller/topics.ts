/**
 * Decisions about creating and deleting topics.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { checkTopicConfig, checkTopicConfigsTogether } from "../config/topic_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { collisionName, type MetadataImage, type TopicImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Steps } from "../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  inSteps,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import {
  activeBrokers,
  checkAssignment,
  partitionRecords,
  randomStart,
  requireFewReplicas,
  requireReplicas,
} from "./partitions.ts";
import { type Assignment, placeReplicas } from "./placement.ts";
import { checkNewTopicName } from "./topic_names.ts";

/** A topic to create, as a CreateTopics request has it. */
export interface CreatableTopic {
  readonly name: string;
  /** Defaults to `num.partitions` if -1 or absent. */
  readonly numPartitions?: number;
  /** Defaults to `default.replication.factor` if -1 or absent. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, instead of the two numbers. */
  readonly assignments?: readonly NewAssignment[];
  /** Topic configs by key. */
  readonly configs?: readonly { readonly name: string; readonly value: string | null }[];
}

/** The brokers of a partition, preferred leader first. */
export interface NewAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

/** The outcome of creating a topic. The other fields are empty if it failed. */
export interface CreateTopicResult extends Outcome {
  readonly name: string;
  readonly topicId: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** The explicitly set configs by name; null if the topic was not created. */
  readonly overrides: ReadonlyMap<string, string> | null;
  /** The requested replication factor if it was reduced, else null. */
  readonly loweredFrom: number | null;
}

/** The inputs of topic decisions. */
export interface TopicContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  /** Returns a new topic id. */
  readonly newTopicId: () => string;
  /** Returns a random number from 0 to `bound` - 1, to place the first leader. */
  readonly below: (bound: number) => number;
  /** Whether to reduce a replication factor that is too high instead of rejecting it. */
  readonly lowerReplicationFactor?: boolean;
  /** Maximum number of replicas of a new partition. Defaults to any number. */
  readonly maxReplicas?: number;
}

/**
 * Decides about each topic independently: a topic that cannot be created does not affect the
 * others. Errors are those of Apache Kafka: INVALID_REQUEST for a name given twice,
 * INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
 * INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, and POLICY_VIOLATION for more records than fit into
 * one batch.
 */
export function* decideCreateTopics(
  topics: readonly CreatableTopic[],
  context: TopicContext,
): Steps<Decision<CreateTopicResult>> {
  const records: MetadataRecordInput[] = [];
  const results: CreateTopicResult[] = [];
  const duplicates = duplicatesOf(topics.map((topic) => topic.name));
  const reported = new Set<string>();
  const newNames = new Map<string, string>();
  yield* inSteps(topics, (topic) => {
    const { name } = topic;
    if (duplicates.has(name)) {
      if (reported.has(name)) return;
      reported.add(name);
      const message = `Cannot create "${name}": the request names it more than once`;
      results.push(failed(name, failure(ErrorCode.INVALID_REQUEST, message)));
      return;
    }
    try {
      checkNewName(name, context.image, newNames);
      const created = createOne(topic, context);
      if (records.length + created.records.length > MAX_RECORDS_PER_BATCH) {
        throw new KafkaError(
          ErrorCode.POLICY_VIOLATION,
          `Cannot create "${name}": the request needs more than ${MAX_RECORDS_PER_BATCH} records, ` +
            "request fewer partitions at once",
        );
      }
      records.push(...created.records);
      results.push(created.result);
      newNames.set(collisionName(name), name);
    } catch (error) {
      results.push(failed(name, outcomeOf(error)));
    }
  });
  return { records, results };
}

/** A topic to delete, by name or by id. */
export interface TopicReference {
  readonly name?: string | null;
  readonly topicId?: string;
}

/** The outcome of deleting a topic. */
export interface DeleteTopicResult extends Outcome {
  /** Null if unknown. */
  readonly name: string | null;
  /** The zero UUID if unknown. */
  readonly topicId: string;
}

/**
 * Decides about each reference independently. Errors: INVALID_REQUEST for a topic named twice, by
 * name and id at once, or not at all; UNKNOWN_TOPIC_OR_PARTITION for an unknown name;
 * UNKNOWN_TOPIC_ID for an unknown id.
 */
export function* decideDeleteTopics(
  references: readonly TopicReference[],
  context: { image: MetadataImage; config: BrokerConfig },
): Steps<Decision<DeleteTopicResult>> {
  const { image } = context;
  const records: MetadataRecordInput[] = [];
  const results: DeleteTopicResult[] = [];
  const keys = references.map(keyOf);
  const repeated = duplicatesOf(keys.filter((key) => key !== null));
  const found = references.map((reference, index) => {
    const key = keys[index]!;
    return key === null || repeated.has(key) ? undefined : findTopic(reference, image);
  });
  const foundRepeatedly = duplicatesOf(found.flatMap((topic) => topic?.id ?? []));
  const reported = new Set<string>();
  yield* inSteps(references.entries(), ([index, { name = null, topicId = ZERO_UUID }]) => {
    const key = keys[index]!;
    const topic = found[index];
    const fail = (code: ErrorCode, message: string, requested = { name, topicId }) =>
      void results.push({ ...requested, ...failure(code, message) });
    if (key === null) {
      fail(
        ErrorCode.INVALID_REQUEST,
        "Cannot delete a topic: give either its name or its id",
      );
    } else if (repeated.has(key)) {
      if (reported.has(key)) return;
      reported.add(key);
      fail(
        ErrorCode.INVALID_REQUEST,
        `Cannot delete "${name ?? topicId}": the request names it more than once`,
      );
    } else if (topic === undefined) {
      if (name !== null) {
        fail(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Cannot delete "${name}": no such topic exists`);
      } else {
        fail(ErrorCode.UNKNOWN_TOPIC_ID, `Cannot delete ${topicId}: no topic has this id`);
      }
    } else if (foundRepeatedly.has(topic.id)) {
      if (reported.has(topic.id)) return;
      reported.add(topic.id);
      fail(
        ErrorCode.INVALID_REQUEST,
        `Cannot delete "${topic.name}": the request has both its name and its id`,
        { name: topic.name, topicId: topic.id },
      );
    } else if (!context.config.deleteTopicEnable) {
      fail(
        ErrorCode.TOPIC_DELETION_DISABLED,
        `Cannot delete "${topic.name}": delete.topic.enable is false`,
      );
    } else {
      records.push({ name: "RemoveTopicRecord", value: { topicId: topic.id } });
      results.push({ name: topic.name, topicId: topic.id, ...SUCCESS });
    }
  });
  return { records, results };
}

/** Returns a key for the topic's name or id, or null if the reference has neither or both. */
function keyOf({ name = null, topicId = ZERO_UUID }: TopicReference): string | null {
  if ((name === null) === (topicId === ZERO_UUID)) return null;
  return name === null ? `id ${topicId}` : `name ${name}`;
}

function findTopic(
  { name, topicId }: TopicReference,
  image: MetadataImage,
): TopicImage | undefined {
  return name !== null && name !== undefined
    ? image.topicByName(name)
    : topicId !== undefined
    ? image.topicById(topicId)
    : undefined;
}

function checkNewName(
  name: string,
  image: MetadataImage,
  newNames: ReadonlyMap<string, string>,
): void {
  checkNewTopicName(name);
  if (image.topicByName(name) !== undefined) {
    throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic "${name}" already exists`);
  }
  const colliding = image.topicCollidingWith(name) ?? newNames.get(collisionName(name));
  if (colliding !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Cannot create "${name}": it differs from "${colliding}" in "." and "_" only, and metrics ` +
        "cannot distinguish them",
    );
  }
}

function createOne(
  topic: CreatableTopic,
  context: TopicContext,
): { records: MetadataRecordInput[]; result: CreateTopicResult } {
  const overrides = checkedConfigs(topic, context.config);
  const { assignments, loweredFrom } =
    topic.assignments !== undefined && topic.assignments.length > 0
      ? { assignments: manualAssignments(topic, context.image), loweredFrom: null }
      : automaticAssignments(topic, context);
  requireFewReplicas(`create "${topic.name}"`, assignments[0]!.length, context.maxReplicas);
  const topicId = context.newTopicId();
  const records: MetadataRecordInput[] = [
    { name: "TopicRecord", value: { name: topic.name, topicId } },
  ];
  for (const [name, value] of overrides) {
    records.push({
      name: "ConfigRecord",
      value: { resourceType: ConfigResourceType.TOPIC, resourceName: topic.name, name, value },
    });
  }
  records.push(...partitionRecords(topicId, 0, assignments, context.image));
  return {
    records,
    result: {
      ...SUCCESS,
      name: topic.name,
      topicId,
      numPartitions: assignments.length,
      replicationFactor: assignments[0]!.length,
      overrides,
      loweredFrom,
    },
  };
}

function checkedConfigs(topic: CreatableTopic, config: BrokerConfig): Map<string, string> {
  const overrides = new Map<string, string>();
  for (const { name, value } of topic.configs ?? []) {
    if (value === null) {
      throw new KafkaError(ErrorCode.INVALID_CONFIG, `Cannot set "${name}": it has no value`);
    }
    checkTopicConfig(name, value);
    overrides.set(name, value);
  }
  checkTopicConfigsTogether(overrides, config);
  return overrides;
}

function automaticAssignments(
  topic: CreatableTopic,
  { image, config, below, lowerReplicationFactor, maxReplicas = Infinity }: TopicContext,
): { assignments: Assignment[]; loweredFrom: number | null } {
  const requested = topic.numPartitions ?? -1;
  const count = requested === -1 ? config.numPartitions : requested;
  const requestedFactor = topic.replicationFactor ?? -1;
  const factor = requestedFactor === -1 ? config.defaultReplicationFactor : requestedFactor;
  if (factor < 1) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot create "${topic.name}" with replication factor ${factor}: it must be at least 1, or ` +
        "-1 for the default",
    );
  }
  if (count < 1) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `Cannot create "${topic.name}" with ${count} partitions: it must be at least 1, or -1 for ` +
        "the default",
    );
  }
  if (count >= MAX_RECORDS_PER_BATCH) {
    throw new KafkaError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot create "${topic.name}" with ${count} partitions: the maximum per request is ` +
        `${MAX_RECORDS_PER_BATCH - 1}`,
    );
  }
  const brokers = [...image.brokers()];
  const used = lowerReplicationFactor
    ? Math.max(1, Math.min(factor, brokers.length, maxReplicas))
    : factor;
  requireReplicas(`create "${topic.name}"`, used, image);
  const assignments = placeReplicas(brokers, {
    start: randomStart(image, below),
    count,
    replicationFactor: used,
  });
  return { assignments, loweredFrom: used === factor ? null : factor };
}

function manualAssignments(topic: CreatableTopic, image: MetadataImage): Assignment[] {
  const action = `create "${topic.name}"`;
  if ((topic.numPartitions ?? -1) !== -1 || (topic.replicationFactor ?? -1) !== -1) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot ${action}: an assignment replaces the partition count and replication factor, ` +
        "set both to -1",
    );
  }
  const byPartition: Assignment[] = [];
  const assignments = topic.assignments!;
  for (const { partitionIndex, brokerIds } of assignments) {
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${action}: partitions are numbered from 0 to ${assignments.length - 1} without ` +
          `gaps, there cannot be a partition ${partitionIndex}`,
      );
    }
    if (byPartition[partitionIndex] !== undefined) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${action}: partition ${partitionIndex} is assigned more than once`,
      );
    }
    byPartition[partitionIndex] = brokerIds;
  }
  for (const [index, replicas] of byPartition.entries()) {
    checkAssignment(action, index, replicas, byPartition[0]!.length, image);
    if (activeBrokers(replicas, image).length === 0) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${action}: no broker assigned to partition ${index} is active`,
      );
    }
  }
  return byPartition;
}

function failed(name: string, outcome: Outcome): CreateTopicResult {
  return {
    ...outcome,
    name,
    topicId: ZERO_UUID,
    numPartitions: -1,
    replicationFactor: -1,
    overrides: null,
    loweredFrom: null,
  };
}
