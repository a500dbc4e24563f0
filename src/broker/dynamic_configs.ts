/**
 * The dynamic configs of brokers, which every node of the cluster takes from its image.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import type { Logger } from "../logger.ts";
import type { MetadataImage } from "../metadata/image.ts";

/** Puts the dynamic configs of the cluster, and those of this node, in force. */
export function applyDynamicConfigs(
  config: BrokerConfig,
  image: MetadataImage,
  logger: Logger,
): void {
  const warnings = config.applyDynamic(
    image.configs(ConfigResourceType.BROKER, ""),
    image.configs(ConfigResourceType.BROKER, String(config.nodeId)),
  );
  for (const message of warnings) logger.log("warn", message);
}
