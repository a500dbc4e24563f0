/**
 * DescribeConfigs returns the configs of topics, and of the broker or controller that is asked: each value, its
 * source, and on request all sources that have a value. A broker named "" stands for the defaults of all brokers
 * and controllers.
 *
 * This version has no configs of groups, client metrics and broker loggers. Configs of groups and
 * client metrics that Apache Kafka has written to the metadata log are returned unchanged,
 * read-only and without a type. Defaults of their other keys are not returned, since they have no
 * effect here.
 *
 * Serves versions 1 to 4. From version 2 the broker may throttle after the answer rather than
 * before, 3 adds types and documentation, 4 is flexible.
 *
 * @module
 */
import {
  CONFIG_TYPE_ID,
  ConfigResourceType,
  ConfigSource,
  type DescribedConfig,
} from "../../config/definition.ts";
import type { BrokerConfig } from "../../config/broker_config.ts";
import { describeTopicConfigs } from "../../config/topic_config.ts";
import { checkTopicName } from "../../controller/topic_names.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { describeConfigs } from "../../protocol/messages/describe_configs.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { answerInTurns } from "../../network/server/turns.ts";
import type { Clock } from "../../runtime/runtime.ts";

const UNKNOWN_TYPE = 0;

interface Needs {
  readonly clock: Clock;
  /** The id of this node. */
  readonly nodeId: number;
  readonly config: BrokerConfig;
  image(): Pick<MetadataImage, "topicByName" | "configs">;
}

/** Serves DescribeConfigs. */
export const describeConfigsHandler: Handler<Needs> = defineHandler(describeConfigs, {
  handle({ resources, includeSynonyms, includeDocumentation }, { services }) {
    const answers = answerInTurns(resources, (resource) => {
      const { resourceType, resourceName, configurationKeys } = resource;
      const wanted = configurationKeys === null || configurationKeys.length === 0
        ? null
        : new Set(configurationKeys);
      try {
        const described = describe(resourceType, resourceName, services)
          .filter(({ name }) => wanted === null || wanted.has(name));
        return {
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          resourceType,
          resourceName,
          configs: described.map((config) => ({
            name: config.name,
            value: config.value,
            readOnly: config.readOnly,
            configSource: config.source,
            isSensitive: false,
            synonyms: includeSynonyms ? config.synonyms : [],
            configType: config.type === null ? UNKNOWN_TYPE : CONFIG_TYPE_ID[config.type],
            documentation: includeDocumentation ? config.documentation : null,
          })),
        };
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        return {
          errorCode: error.code,
          errorMessage: error.message,
          resourceType,
          resourceName,
          configs: [],
        };
      }
    }, services.clock);
    return answers instanceof Promise
      ? answers.then((results) => ({ results }))
      : { results: answers };
  },
  onError: ({ resources }, errorCode, errorMessage) => ({
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage,
      resourceType,
      resourceName,
      configs: [],
    })),
  }),
});

function describe(type: number, name: string, services: Needs): DescribedConfig[] {
  const { config, nodeId } = services;
  switch (type) {
    case ConfigResourceType.TOPIC: {
      checkTopicName(name);
      const image = services.image();
      if (image.topicByName(name) === undefined) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `Cannot describe the configs of topic "${name}": no such topic exists`,
        );
      }
      return describeTopicConfigs(image.configs(type, name), config);
    }
    case ConfigResourceType.BROKER:
      if (name === "") return config.describeDynamicDefaults();
      requireThisNode(name, nodeId);
      return config.describe();
    case ConfigResourceType.BROKER_LOGGER:
      requireThisNode(name, nodeId);
      return [];
    case ConfigResourceType.CLIENT_METRICS:
      return describeStored(type, name, ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG, services);
    case ConfigResourceType.GROUP:
      return describeStored(type, name, ConfigSource.DYNAMIC_GROUP_CONFIG, services);
    default:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Cannot describe the configs of "${name}": resource type ${type} is not known`,
      );
  }
}

/** Returns the configs in the metadata log of a resource whose keys this version does not support. */
function describeStored(
  type: number,
  name: string,
  source: ConfigSource,
  services: Needs,
): DescribedConfig[] {
  if (name === "") {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      "Cannot describe the configs of a resource without a name",
    );
  }
  return Array.from(services.image().configs(type, name), ([key, value]) => ({
    name: key,
    value,
    source,
    type: null,
    readOnly: true,
    synonyms: [{ name: key, value, source }],
    documentation: "",
  }));
}

function requireThisNode(name: string, nodeId: number): void {
  if (name === String(nodeId)) return;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot describe the configs of node "${name}": this is node ${nodeId}, ask that one`,
  );
}
