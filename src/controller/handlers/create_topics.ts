/**
 * CreateTopics creates topics. Each topic succeeds or fails independently, and is ready for records
 * when the answer is sent. With `validateOnly` nothing is created and the answer is the same.
 *
 * Serves versions 2 to 7. From version 4, -1 stands for the broker's default number of partitions
 * and replicas (accepted in every version here). Version 5 adds the number of partitions and
 * replicas and all configs of each topic to the answer, a client of version 6 supports
 * THROTTLING_QUOTA_EXCEEDED, 7 adds the topic id.
 *
 * @module
 */
import type { DescribedConfig } from "../../config/definition.ts";
import { describeTopicConfigs } from "../../config/topic_config.ts";
import type { CreateTopicResult } from "../topics.ts";
import { answerInTurns } from "../../network/server/turns.ts";
import { createTopics } from "../../protocol/messages/create_topics.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { BrokerConfig } from "../../config/broker_config.ts";

function describe({ name, value, readOnly, source }: DescribedConfig) {
  return { name, value, readOnly, configSource: source, isSensitive: false };
}

interface Needs {
  readonly clock: Clock;
  readonly controller: Pick<Controller, "createTopics">;
  readonly config: BrokerConfig;
}

/** Serves CreateTopics. */
export const createTopicsHandler: Handler<Needs> = defineHandler(createTopics, {
  async handle({ topics, validateOnly }, { apiVersion, services }) {
    const { clock, controller, config } = services;
    const results = await controller.createTopics(topics, { validateOnly });
    // Most topics of a large request have no configs of their own, and all of those share one list.
    const defaults = describeTopicConfigs(new Map(), config).map(describe);
    const configsOf = ({ overrides }: CreateTopicResult) =>
      apiVersion < 5 || overrides === null
        ? []
        : overrides.size === 0
        ? defaults
        : describeTopicConfigs(overrides, config).map(describe);
    const answers = answerInTurns(results, (result) => ({
      name: result.name,
      topicId: result.topicId,
      errorCode: result.errorCode,
      errorMessage: result.errorMessage,
      numPartitions: result.numPartitions,
      replicationFactor: result.replicationFactor,
      configs: configsOf(result),
    }), clock);
    return { topics: await answers };
  },
  onError: ({ topics }, errorCode, errorMessage) => ({
    topics: topics.map(({ name }) => ({ name, topicId: ZERO_UUID, errorCode, errorMessage })),
  }),
});
