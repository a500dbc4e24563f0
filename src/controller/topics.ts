/**
 * Decisions about topics: creating and deleting them.
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
import { ZERO_UUID } from "../protocol/uuid.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import {
  checkAssignment,
  nextStart,
  partitionRecords,
  requireReplicas,
  servingBrokers,
} from "./partitions.ts";
import { type Assignment, placeReplicas } from "./placement.ts";
import { checkNewTopicName } from "./topic_names.ts";

/** A topic to be created. */
export interface NewTopic {
  readonly name: string;
  /** -1 or absent: `num.partitions`. */
  readonly numPartitions?: number;
  /** -1 or absent: `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, in place of the two numbers. */
  readonly assignments?: readonly NewAssignment[];
  /** Kafka's topic keys. */
  readonly configs?: readonly { readonly name: string; readonly value: string | null }[];
}

/** Which brokers a partition is to be on, the preferred leader first. */
export interface NewAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

/** How a creation went. What is told of the topic is empty when it failed. */
export interface CreateTopicResult extends Outcome {
  readonly name: string;
  readonly topicId: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** The configs that it sets itself, by name; null when it was not made. */
  readonly overrides: ReadonlyMap<string, string> | null;
  /** What was asked for, when it was lowered to the number of brokers; else null. */
  readonly loweredFrom: number | null;
}

/** What a creation is decided from. */
export interface TopicContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  /** A new topic id. */
  readonly newTopicId: () => string;
  /** A number from 0 up to, but without, `bound`: where the first leader goes. */
  readonly below: (bound: number) => number;
  /** Whether a replication factor above the number of brokers is lowered rather than refused. */
  readonly lowerReplicationFactor?: boolean;
}

/**
 * Decides about each of `topics` by itself: one that cannot be made does not keep the others from
 * it. Codes as Apache Kafka's: INVALID_REQUEST for a name asked for twice, INVALID_TOPIC_EXCEPTION,
 * TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT,
 * INVALID_CONFIG, and POLICY_VIOLATION for more records than one batch may have.
 */
export function decideCreateTopics(
  topics: readonly NewTopic[],
  context: TopicContext,
): Decision<CreateTopicResult> {
  const records: MetadataRecordInput[] = [];
  const results: CreateTopicResult[] = [];
  const duplicates = duplicatesOf(topics.map((topic) => topic.name));
  const answered = new Set<string>();
  const newNames = new Map<string, string>();
  for (const topic of topics) {
    const { name } = topic;
    if (duplicates.has(name)) {
      if (answered.has(name)) continue;
      answered.add(name);
      const message = `Cannot create "${name}": the request names it more than once`;
      results.push(failed(name, failure(ErrorCode.INVALID_REQUEST, message)));
      continue;
    }
    try {
      checkNewName(name, context.image, newNames);
      const created = createOne(topic, context);
      if (records.length + created.records.length > MAX_RECORDS_PER_BATCH) {
        throw new KafkaError(
          ErrorCode.POLICY_VIOLATION,
          `Cannot create "${name}": the request makes more than ${MAX_RECORDS_PER_BATCH} records, ` +
            "ask for fewer partitions at once",
        );
      }
      records.push(...created.records);
      results.push(created.result);
      newNames.set(collisionName(name), name);
    } catch (error) {
      results.push(failed(name, outcomeOf(error)));
    }
  }
  return { records, results };
}

/** A topic to be deleted, by name or by id. */
export interface TopicReference {
  readonly name?: string | null;
  readonly topicId?: string;
}

/** How a deletion went. */
export interface DeleteTopicResult extends Outcome {
  /** Null when it is not known. */
  readonly name: string | null;
  /** The zero UUID when it is not known. */
  readonly topicId: string;
}

/**
 * Decides about each of `references` by itself. INVALID_REQUEST for a topic that is named twice, by
 * name and by id at once, or not at all; UNKNOWN_TOPIC_OR_PARTITION for a name and UNKNOWN_TOPIC_ID
 * for an id that no topic has.
 */
export function decideDeleteTopics(
  references: readonly TopicReference[],
  context: { image: MetadataImage; config: BrokerConfig },
): Decision<DeleteTopicResult> {
  const { image } = context;
  const records: MetadataRecordInput[] = [];
  const results: DeleteTopicResult[] = [];
  const keys = references.map(keyOf);
  const repeated = duplicatesOf(keys.filter((key) => key !== null));
  const found = references.map((reference, index) => {
    const key = keys[index]!;
    return key === null || repeated.has(key) ? undefined : findTopic(reference, image);
  });
  const foundTwice = duplicatesOf(found.flatMap((topic) => topic?.id ?? []));
  const answered = new Set<string>();
  for (const [index, { name = null, topicId = ZERO_UUID }] of references.entries()) {
    const key = keys[index]!;
    const topic = found[index];
    const fail = (code: ErrorCode, message: string, asked = { name, topicId }) =>
      void results.push({ ...asked, ...failure(code, message) });
    if (key === null) {
      fail(
        ErrorCode.INVALID_REQUEST,
        "Cannot delete a topic: give its name or its id, and not both",
      );
    } else if (repeated.has(key)) {
      if (answered.has(key)) continue;
      answered.add(key);
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
    } else if (foundTwice.has(topic.id)) {
      if (answered.has(topic.id)) continue;
      answered.add(topic.id);
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
  }
  return { records, results };
}

/** What the reference names its topic by, or null if that is nothing, or both a name and an id. */
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
        "would mix the two up",
    );
  }
}

function createOne(
  topic: NewTopic,
  context: TopicContext,
): { records: MetadataRecordInput[]; result: CreateTopicResult } {
  const overrides = checkedConfigs(topic, context.config);
  const { assignments, loweredFrom } =
    topic.assignments !== undefined && topic.assignments.length > 0
      ? { assignments: manualAssignments(topic, context.image), loweredFrom: null }
      : automaticAssignments(topic, context);
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

function checkedConfigs(topic: NewTopic, config: BrokerConfig): Map<string, string> {
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
  topic: NewTopic,
  { image, config, below, lowerReplicationFactor }: TopicContext,
): { assignments: Assignment[]; loweredFrom: number | null } {
  const asked = topic.numPartitions ?? -1;
  const count = asked === -1 ? config.numPartitions : asked;
  const askedFactor = topic.replicationFactor ?? -1;
  const factor = askedFactor === -1 ? config.defaultReplicationFactor : askedFactor;
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
      `Cannot create "${topic.name}" with ${count} partitions: ${
        MAX_RECORDS_PER_BATCH - 1
      } can be ` +
        "made at once",
    );
  }
  const brokers = [...image.brokers()];
  const used = lowerReplicationFactor ? Math.max(1, Math.min(factor, brokers.length)) : factor;
  requireReplicas(`create "${topic.name}"`, used, image);
  const assignments = placeReplicas(brokers, {
    start: nextStart(image, below),
    count,
    replicationFactor: used,
  });
  return { assignments, loweredFrom: used === factor ? null : factor };
}

function manualAssignments(topic: NewTopic, image: MetadataImage): Assignment[] {
  const what = `create "${topic.name}"`;
  if ((topic.numPartitions ?? -1) !== -1 || (topic.replicationFactor ?? -1) !== -1) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot ${what}: an assignment takes the place of the numbers of partitions and replicas, ` +
        "set both to -1",
    );
  }
  const byPartition: Assignment[] = [];
  const assignments = topic.assignments!;
  for (const { partitionIndex, brokerIds } of assignments) {
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${what}: partitions are numbered from 0 to ${
          assignments.length - 1
        } without gaps, ` +
          `${partitionIndex} is beyond`,
      );
    }
    if (byPartition[partitionIndex] !== undefined) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${what}: partition ${partitionIndex} is assigned more than once`,
      );
    }
    byPartition[partitionIndex] = brokerIds;
  }
  for (const [index, replicas] of byPartition.entries()) {
    checkAssignment(what, index, replicas, byPartition[0]!.length, image);
    if (servingBrokers(replicas, image).length === 0) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot ${what}: no broker assigned to partition ${index} is in service`,
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
