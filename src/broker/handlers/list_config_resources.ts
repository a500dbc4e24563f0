/**
 * ListConfigResources returns the resources that have configs: all topics and brokers, and the
 * groups and client metrics for which a config is set in the metadata log (by Apache Kafka, since
 * this version has no configs of these types).
 *
 * Serves versions 0 and 1. Version 0 returns client metrics only and was called
 * ListClientMetricsResources (KIP-1000). Version 1 adds a list of types, of which an empty one
 * stands for all types (KIP-1142).
 *
 * @module
 */
import { ConfigResourceType } from "../../config/definition.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { listConfigResources } from "../../protocol/messages/list_config_resources.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

const ALL_TYPES: readonly number[] = Object.values(ConfigResourceType);

type Image = Pick<MetadataImage, "topics" | "brokers" | "configuredNames">;

interface Needs {
  image(): Image;
}

/** Serves ListConfigResources. */
export const listConfigResourcesHandler: Handler<Needs> = defineHandler(
  listConfigResources,
  {
    handle({ resourceTypes }, { apiVersion, services }) {
      const asked = apiVersion === 0
        ? [ConfigResourceType.CLIENT_METRICS]
        : resourceTypes.length === 0
        ? ALL_TYPES
        : [...new Set(resourceTypes)];
      if (asked.some((type) => !ALL_TYPES.includes(type))) {
        return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
      }
      const image = services.image();
      return {
        errorCode: ErrorCode.NONE,
        configResources: asked.flatMap((resourceType) =>
          [...namesOf(resourceType, image)].map((resourceName) => ({ resourceName, resourceType }))
        ),
      };
    },
    onError: (_request, errorCode) => ({ errorCode, configResources: [] }),
  },
);

function* namesOf(type: number, image: Image): Generator<string> {
  switch (type) {
    case ConfigResourceType.TOPIC:
      for (const { name } of image.topics()) yield name;
      break;
    case ConfigResourceType.BROKER:
      for (const { id } of image.brokers()) yield String(id);
      break;
    case ConfigResourceType.BROKER_LOGGER:
      break;
    default:
      yield* image.configuredNames(type);
  }
}
