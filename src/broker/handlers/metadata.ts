/**
 * Metadata returns the brokers, the topics and the leaders of partitions. Clients use it to find
 * where to produce and fetch. If the broker allows it, topics are created on the first request for
 * them.
 *
 * Serves versions 0 to 13. In version 0 an empty list of topics stands for all topics, from version
 * 1 null does. Version 4 lets a client forbid the creation of topics, 8 adds authorized operations
 * (KIP-430), 9 is flexible, 10 adds topic ids to the answer and 12 to the request (KIP-516), 13
 * adds an error for the whole request (KIP-1102).
 *
 * A request that contains an id asks by ids only: names are ignored, also those of entries without
 * an id. The Admin client of Apache Kafka sends an empty name with each id.
 *
 * A client learns the addresses of the listener that it has connected to. A broker without that
 * listener is left out; a partition that it leads has the error LISTENER_NOT_FOUND, before version 6
 * LEADER_NOT_AVAILABLE.
 *
 * @module
 */
import type { BrokerConfig } from "../../config/broker_config.ts";
import { isInternalTopic, topicOnFirstUse } from "../../controller/internal_topics.ts";
import { MAX_REPLICAS } from "../../controller/replica_limit.ts";
import { errorForMissingTopic } from "../../controller/topic_names.ts";
import { METADATA_TOPIC } from "../../metadata/metadata_log.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { metadata, type MetadataRequest } from "../../protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { MetadataImage, PartitionImage, TopicImage } from "../../metadata/image.ts";
import {
  CLUSTER_OPERATIONS,
  OPERATIONS_NOT_ASKED,
  TOPIC_OPERATIONS,
} from "../../protocol/authorized_operations.ts";
import type { Forwarding } from "../forwarding.ts";
import {
  type AskedListener,
  type BrokersNeeds,
  brokersOf,
  type BrokerView,
  forwardingBroker,
  isReachable,
  partitionView,
} from "../metadata_response.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { answerInTurns } from "../../network/server/turns.ts";
import type { Clock } from "../../runtime/runtime.ts";

type Response = ResponseInputOf<typeof metadata>;
type TopicResponse = Response["topics"][number];
type AskedTopic = NonNullable<MetadataRequest["topics"]>[number];

interface Needs extends BrokersNeeds {
  readonly clock: Clock;
  readonly clusterId: string;
  readonly config: Pick<BrokerConfig, "autoCreateTopicsEnable">;
  readonly forwarding: Pick<Forwarding, "createTopics">;
  /** A new image replaces the one before: read it again after an await. */
  image(): MetadataImage;
}

/** What the description of a topic depends on, beside the topic. */
interface View extends AskedListener {
  readonly image: MetadataImage;
  readonly operations: number;
  readonly apiVersion: number;
}

/** The first version with an error for a leader that lacks the client's listener. */
const LISTENER_NOT_FOUND_SINCE = 6;

/** The first version that asks by id. Versions 10 and 11 have the field, and reject it. */
const ASKED_BY_ID_SINCE = 12;

/** Serves Metadata. */
export const metadataHandler: Handler<Needs> = defineHandler(metadata, {
  handle(request, { apiVersion, connection, services }) {
    const operations = request.includeTopicAuthorizedOperations
      ? TOPIC_OPERATIONS
      : OPERATIONS_NOT_ASKED;
    const { topics } = request;
    const { nodeId } = services;
    const { listener } = connection;
    /** The image may be another one after an await. */
    const view = (): View => ({
      image: services.image(),
      nodeId,
      listener,
      operations,
      apiVersion,
    });
    const wantsAll = topics === null || apiVersion === 0 && topics.length === 0;
    const respond = (answers: TopicResponse[], brokers: readonly BrokerView[]): Response => ({
      brokers: brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: services.clusterId,
      controllerId: forwardingBroker(brokers, nodeId),
      topics: answers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
      errorCode: 0,
    });
    const inTurns = <Item>(items: readonly Item[], answerTo: (item: Item) => TopicResponse) => {
      const before = brokersOf(services, connection);
      const answers = answerInTurns(items, answerTo, services.clock);
      if (!(answers instanceof Promise)) return respond(answers, before);
      // The image may change meanwhile, and every leader that is named must be among the brokers.
      return answers.then((all) => respond(all, union(brokersOf(services, connection), before)));
    };
    if (wantsAll) {
      const now = view();
      return inTurns([...now.image.topics()], (topic) => found(topic, now));
    }
    const asked = askedTopics(topics, apiVersion);
    if (asked.by === "id") {
      const now = view();
      return inTurns(asked.ids, (id) => answerById(id, now));
    }
    const missing = mayCreate(request, services) ? missingNames(asked.names, services) : [];
    const respondByName = (failures: ReadonlyMap<string, ErrorCode> | null) => {
      const now = view();
      return inTurns(asked.names, (name) => answerByName(name, now, failures));
    };
    return missing.length === 0
      ? respondByName(null)
      : create(missing, services).then(respondByName);
  },
  onError: ({ topics }, errorCode) => ({
    brokers: [],
    topics: (topics ?? []).map(({ name, topicId }) => failed(name ?? "", topicId, errorCode)),
    errorCode,
  }),
});

/** Returns `brokers` and those of `others` that are not among them. */
function union(brokers: readonly BrokerView[], others: readonly BrokerView[]): BrokerView[] {
  const ids = new Set(brokers.map(({ id }) => id));
  return [...brokers, ...others.filter(({ id }) => !ids.has(id))];
}

type Asked =
  | { readonly by: "id"; readonly ids: readonly string[] }
  | { readonly by: "name"; readonly names: readonly string[] };

/** Returns the topics that the request asks for, each once. Throws for a form that its version does not allow. */
function askedTopics(topics: readonly AskedTopic[], apiVersion: number): Asked {
  const ids = topics.map(({ topicId }) => topicId).filter((topicId) => topicId !== ZERO_UUID);
  const names = topics.map(({ name }) => name).filter((name) => name !== null);
  if (apiVersion < ASKED_BY_ID_SINCE && (ids.length > 0 || names.length < topics.length)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot find topics by id in version ${apiVersion} of Metadata: give their names, or ask in ` +
        `version ${ASKED_BY_ID_SINCE}`,
    );
  }
  if (ids.length > 0) return { by: "id", ids: [...new Set(ids)] };
  if (names.length < topics.length) {
    // Apache Kafka answers with this code.
    throw new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      "Cannot find a topic without a name and without an id",
    );
  }
  return { by: "name", names: [...new Set(names)] };
}

function mayCreate(request: MetadataRequest, services: Needs): boolean {
  return request.allowAutoTopicCreation && services.config.autoCreateTopicsEnable;
}

function missingNames(names: readonly string[], services: Needs): string[] {
  const image = services.image();
  return names.filter((name) => name !== METADATA_TOPIC && image.topicByName(name) === undefined);
}

/** Creates topics on their first use, and returns the errors of those that could not be created. */
async function create(
  names: readonly string[],
  services: Needs,
): Promise<Map<string, ErrorCode>> {
  const image = services.image();
  const outcomes = await services.forwarding.createTopics(
    names.map((name) => topicOnFirstUse(name, image, MAX_REPLICAS)),
  );
  const failures = new Map<string, ErrorCode>();
  for (const { name, errorCode } of outcomes) {
    // Another client may have created it in the meantime.
    if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
      failures.set(name, errorCode as ErrorCode);
    }
  }
  return failures;
}

function answerById(topicId: string, view: View): TopicResponse {
  const topic = view.image.topicById(topicId);
  return topic === undefined
    ? failed(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
    : found(topic, view);
}

function answerByName(
  name: string,
  view: View,
  failures: ReadonlyMap<string, ErrorCode> | null,
): TopicResponse {
  const topic = view.image.topicByName(name);
  if (topic !== undefined) return found(topic, view);
  return failed(name, ZERO_UUID, failures?.get(name) ?? errorForMissingTopic(name));
}

function found(topic: TopicImage, view: View): TopicResponse {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(partition, view)),
    topicAuthorizedOperations: view.operations,
  };
}

function describePartition(
  partition: PartitionImage,
  view: View,
): TopicResponse["partitions"][number] {
  const described = partitionView(partition, view);
  if (view.apiVersion > 0) {
    return { errorCode: errorOfLeader(partition.leader, described.leaderId, view), ...described };
  }
  // A client of version 0 expects every replica that is named to be among the brokers.
  const replicaNodes = partition.replicas.filter((id) => isReachable(id, view));
  const isrNodes = partition.isr.filter((id) => isReachable(id, view));
  const isComplete = replicaNodes.length === partition.replicas.length &&
    isrNodes.length === partition.isr.length;
  const errorCode = errorOfLeader(partition.leader, described.leaderId, view) ||
    (isComplete ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE);
  return { ...described, errorCode, replicaNodes, isrNodes };
}

/** Returns the error for a leader that the client cannot reach. */
function errorOfLeader(leader: number, reachable: number, { image, apiVersion }: View): ErrorCode {
  if (reachable >= 0) return ErrorCode.NONE;
  return image.broker(leader) === undefined || apiVersion < LISTENER_NOT_FOUND_SINCE
    ? ErrorCode.LEADER_NOT_AVAILABLE
    : ErrorCode.LISTENER_NOT_FOUND;
}

function failed(name: string | null, topicId: string, errorCode: number): TopicResponse {
  return {
    errorCode,
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
  };
}
