/**
 * Metadata tells which brokers and topics there are and who leads which partition. It is how a
 * client finds where to produce and fetch, and, where the broker allows it, how a topic comes to be
 * when it is first asked for.
 *
 * Versions 0 to 13. In version 0 an empty list of topics means all, from 1 on null does; 4 lets a
 * client forbid creation, 8 asks for authorized operations (KIP-430), 9 is flexible, 10 adds topic
 * ids and 12 asks by them (KIP-516), 13 has an error for the whole (KIP-1102).
 *
 * @module
 */
import { isInternalTopic, topicOnFirstUse } from "../../controller/internal_topics.ts";
import { checkTopicName } from "../../controller/topic_names.ts";
import { METADATA_TOPIC } from "../../metadata/metadata_log.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { metadata, type MetadataRequest } from "../../protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { TopicImage } from "../../metadata/image.ts";
import {
  CLUSTER_OPERATIONS,
  OPERATIONS_NOT_ASKED,
  TOPIC_OPERATIONS,
} from "../authorized_operations.ts";
import { brokersOf, partitionView } from "../cluster_view.ts";
import { defineHandler, type Handler, type RequestContext } from "../handler.ts";

type Response = ResponseInputOf<typeof metadata>;
type TopicResponse = Response["topics"][number];
type AskedTopic = NonNullable<MetadataRequest["topics"]>[number];

/** Serves Metadata. */
export const metadataHandler: Handler = defineHandler(metadata, {
  handle(request, context) {
    const { apiVersion, services } = context;
    const operations = request.includeTopicAuthorizedOperations
      ? TOPIC_OPERATIONS
      : OPERATIONS_NOT_ASKED;
    const { topics } = request;
    const wantsAll = topics === null || apiVersion === 0 && topics.length === 0;
    const respond = (answers: TopicResponse[]): Response => ({
      brokers: brokersOf(context).map(({ id, host, port, rack }) => ({
        nodeId: id,
        host,
        port,
        rack,
      })),
      clusterId: services.clusterId,
      controllerId: services.nodeId,
      topics: answers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
      errorCode: 0,
    });
    if (wantsAll) {
      const all = [...services.image().topics()];
      return respond(all.map((topic) => found(topic, operations, context)));
    }
    const missing = mayCreate(request, context) ? missingNames(topics, context) : [];
    if (missing.length === 0) {
      return respond(topics.map((asked) => answerOne(asked, operations, context, null)));
    }
    return create(missing, context).then((failures) =>
      respond(topics.map((asked) => answerOne(asked, operations, context, failures)))
    );
  },
  onError: ({ topics }, errorCode) => ({
    brokers: [],
    topics: (topics ?? []).map(({ name, topicId }) => failed(name, topicId, errorCode)),
    errorCode,
  }),
});

function mayCreate(request: MetadataRequest, { services }: RequestContext): boolean {
  return request.allowAutoTopicCreation && services.config.autoCreateTopicsEnable;
}

function missingNames(topics: readonly AskedTopic[], { services }: RequestContext): string[] {
  const image = services.image();
  const names = topics
    .map(({ name }) => name)
    .filter((name): name is string =>
      name !== null && name !== METADATA_TOPIC && image.topicByName(name) === undefined
    );
  return [...new Set(names)];
}

/** Creates topics as they are on their first use, and returns why some could not be. */
async function create(
  names: readonly string[],
  { services }: RequestContext,
): Promise<Map<string, ErrorCode>> {
  const image = services.image();
  const outcomes = await services.controller.createTopics(
    names.map((name) => topicOnFirstUse(name, image)),
  );
  const failures = new Map<string, ErrorCode>();
  for (const { name, errorCode } of outcomes) {
    // Somebody else may have created it meanwhile.
    if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
      failures.set(name, errorCode);
    }
  }
  return failures;
}

function answerOne(
  { name, topicId }: AskedTopic,
  operations: number,
  context: RequestContext,
  failures: ReadonlyMap<string, ErrorCode> | null,
): TopicResponse {
  const image = context.services.image();
  if (name === null) {
    if (topicId === ZERO_UUID) return failed(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID);
    const topic = image.topicById(topicId);
    return topic === undefined
      ? failed(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
      : found(topic, operations, context);
  }
  const topic = image.topicByName(name);
  if (topic !== undefined) return found(topic, operations, context);
  return failed(name, ZERO_UUID, failures?.get(name) ?? errorForMissing(name));
}

function errorForMissing(name: string): ErrorCode {
  try {
    checkTopicName(name);
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

function found(topic: TopicImage, operations: number, context: RequestContext): TopicResponse {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => ({
      errorCode: partition.leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : 0,
      ...partitionView(partition, context),
    })),
    topicAuthorizedOperations: operations,
  };
}

function failed(name: string | null, topicId: string, errorCode: number): TopicResponse {
  return {
    errorCode,
    name: name ?? null,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
  };
}
