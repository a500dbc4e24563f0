/**
 * CreateTopics makes topics. Each is decided by itself, so some may be made and others refused, and
 * one that was made is ready for records when the answer arrives. With `validateOnly` nothing is
 * made and the answer is the same.
 *
 * Serves versions 2 to 7. From 4, -1 stands for the broker's defaults of partitions and replicas
 * (it is taken in every version). 5 tells how many partitions and replicas a topic got and all its
 * configs, 6 may be told to come back later, 7 tells the topic's id.
 *
 * @module
 */
import type { DescribedConfig } from "../../config/definition.ts";
import { describeTopicConfigs } from "../../config/topic_config.ts";
import { createTopics } from "../../protocol/messages/create_topics.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../../controller/controller.ts";
import type { BrokerConfig } from "../../config/broker_config.ts";

function describe({ name, value, readOnly, source }: DescribedConfig) {
  return { name, value, readOnly, configSource: source, isSensitive: false };
}

interface Needs {
  readonly controller: Pick<Controller, "createTopics">;
  readonly config: BrokerConfig;
}

/** Creates topics. */
export const createTopicsHandler: Handler<Needs> = defineHandler(createTopics, {
  async handle({ topics, validateOnly }, { apiVersion, services }) {
    const results = await services.controller.createTopics(topics, { validateOnly });
    return {
      topics: results.map((result) => ({
        name: result.name,
        topicId: result.topicId,
        errorCode: result.errorCode,
        errorMessage: result.errorMessage,
        numPartitions: result.numPartitions,
        replicationFactor: result.replicationFactor,
        configs: apiVersion < 5 || result.overrides === null
          ? []
          : describeTopicConfigs(result.overrides, services.config).map(describe),
      })),
    };
  },
  onError: ({ topics }, errorCode, errorMessage) => ({
    topics: topics.map(({ name }) => ({ name, topicId: ZERO_UUID, errorCode, errorMessage })),
  }),
});
