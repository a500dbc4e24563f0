/**
 * The configurations that are valid and that this version cannot serve. Everything below this file accepts
 * them.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/** Throws a `KafkaError` INVALID_CONFIG for a configuration that this version cannot serve. */
export function requireServed(config: BrokerConfig): void {
  if (!config.quorumAutoJoinEnable) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Cannot start node ${config.nodeId}: controller.quorum.auto.join.enable is true, and this version ` +
      "adds controllers on request only; remove it, and use millrace cluster add-controller",
  );
}
