/**
 * The answers to changes of topics that were sent to the controllers more than once, since the connection broke or
 * the active controller changed before the answer. If the first attempt was carried out, the second one is answered
 * that the topic exists already, or does not exist. Apache Kafka passes that on to the client. Here the client gets
 * the answer to the first attempt, if the broker's image shows that the change was made since: as far as the client
 * can tell by the result, by its request.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { describeTopicConfigs } from "../config/topic_config.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { ErrorCode } from "../protocol/errors.ts";
import type {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from "../protocol/messages/create_partitions.ts";
import type {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from "../protocol/messages/create_topics.ts";
import type {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from "../protocol/messages/delete_topics.ts";
import type { Correction } from "./forwarding.ts";

/** The dependencies of the corrections. */
export interface RepeatedChangeNeeds {
  readonly config: BrokerConfig;
  image(): Pick<MetadataImage, "topicByName" | "topicById" | "configs">;
}

const SUCCESS = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Returns the correction of the answer to a CreateTopics request that has not been sent yet. */
export function repeatedCreation(query: unknown, needs: RepeatedChangeNeeds): Correction {
  const { topics, validateOnly } = query as CreateTopicsRequest;
  const created = new Map(
    topics.filter(({ name }) => needs.image().topicByName(name) === undefined)
      .map((topic) => [topic.name, topic]),
  );
  return (answer) => {
    const { topics, ...rest } = answer as CreateTopicsResponse;
    if (validateOnly) return answer;
    // Most topics of a large request have no configs of their own, and all of those share one list.
    let defaults: ReturnType<typeof describedConfigs> | null = null;
    const corrected = topics.map((result) => {
      const request = created.get(result.name);
      const topic = needs.image().topicByName(result.name);
      const exists = result.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!exists || request === undefined || topic === undefined) return result;
      const overrides = needs.image().configs(ConfigResourceType.TOPIC, topic.name);
      if (!isAsRequested(topic, overrides, request)) return result;
      return {
        ...result,
        ...SUCCESS,
        topicId: topic.id,
        numPartitions: topic.partitions.length,
        replicationFactor: topic.partitions[0]!.replicas.length,
        configs: overrides.size === 0
          ? defaults ??= describedConfigs(overrides, needs.config)
          : describedConfigs(overrides, needs.config),
      };
    });
    return { ...rest, topics: corrected };
  };
}

/** Returns the correction of the answer to a DeleteTopics request that has not been sent yet. */
export function repeatedDeletion(query: unknown, needs: RepeatedChangeNeeds): Correction {
  const { topics, topicNames } = query as DeleteTopicsRequest;
  const image = needs.image();
  const named = [...topics.map(({ name }) => name), ...topicNames];
  const existing = [
    ...named.map((name) => name === null ? undefined : image.topicByName(name)),
    ...topics.map(({ topicId }) => image.topicById(topicId)),
  ].filter((topic) => topic !== undefined).map(({ id, name }) => ({ id, name }));
  const byName = new Map(existing.map((topic) => [topic.name, topic]));
  const byId = new Map(existing.map((topic) => [topic.id, topic]));
  return (answer) => {
    const { responses, ...rest } = answer as DeleteTopicsResponse;
    const corrected = responses.map((result) => {
      const isUnknown = result.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ||
        result.errorCode === ErrorCode.UNKNOWN_TOPIC_ID;
      const topic = byId.get(result.topicId) ?? byName.get(result.name ?? "");
      if (!isUnknown || topic === undefined || needs.image().topicById(topic.id)) return result;
      return { ...result, ...SUCCESS, name: topic.name, topicId: topic.id };
    });
    return { ...rest, responses: corrected };
  };
}

/** Returns the correction of the answer to a CreatePartitions request that has not been sent yet. */
export function repeatedGrowth(query: unknown, needs: RepeatedChangeNeeds): Correction {
  const { topics, validateOnly } = query as CreatePartitionsRequest;
  const countOf = (name: string) => needs.image().topicByName(name)?.partitions.length ?? 0;
  const grown = new Map(
    topics.filter(({ name, count }) => countOf(name) < count).map((
      { name, count },
    ) => [name, count]),
  );
  return (answer) => {
    const { results, ...rest } = answer as CreatePartitionsResponse;
    if (validateOnly) return answer;
    const corrected = results.map((result) =>
      result.errorCode === ErrorCode.INVALID_PARTITIONS &&
        grown.get(result.name) === countOf(result.name)
        ? { ...result, ...SUCCESS }
        : result
    );
    return { ...rest, results: corrected };
  };
}

/** Returns whether the topic is what the request asks for. */
function isAsRequested(
  { partitions }: TopicImage,
  overrides: ReadonlyMap<string, string>,
  { numPartitions, replicationFactor, assignments, configs }: CreateTopicsRequest["topics"][number],
): boolean {
  const isAssigned = assignments.every(({ partitionIndex, brokerIds }) =>
    partitions[partitionIndex]?.replicas.join() === brokerIds.join()
  );
  const count = assignments.length > 0 ? assignments.length : numPartitions;
  return isAssigned && (count === -1 || count === partitions.length) &&
    (replicationFactor === -1 || replicationFactor === partitions[0]!.replicas.length) &&
    configs.every(({ name, value }) => overrides.get(name) === value);
}

function describedConfigs(overrides: ReadonlyMap<string, string>, config: BrokerConfig) {
  return describeTopicConfigs(overrides, config).map(({ name, value, readOnly, source }) => ({
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive: false,
  }));
}
