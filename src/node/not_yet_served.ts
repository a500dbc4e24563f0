/**
 * The configurations that are valid and that this version cannot serve: a node with one role, a quorum of
 * several controllers, and snapshots of the metadata log. Everything below this file accepts them.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { formatListener } from "../config/listeners.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

const METADATA_LOG_KEYS: readonly string[] = [
  "metadata.log.max.record.bytes.between.snapshots",
  "metadata.log.max.snapshot.interval.ms",
  "metadata.log.segment.bytes",
  "metadata.log.segment.ms",
  "metadata.max.retention.bytes",
  "metadata.max.retention.ms",
];

/** Throws a `KafkaError` INVALID_CONFIG for a configuration that this version cannot serve. */
export function requireServed(config: BrokerConfig): void {
  const reason = reasonAgainst(config);
  if (reason === null) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Cannot start node ${config.nodeId}: ${reason}`,
  );
}

/** Returns notices about what this version does not open. */
export function noticesOfUnopened({ controllerListeners }: BrokerConfig): string[] {
  return controllerListeners.map((listener) =>
    `Listener ${
      formatListener(listener)
    } is not opened: this node is the only controller and needs no ` +
    "controller listener"
  );
}

function reasonAgainst(config: BrokerConfig): string | null {
  if (config.roles.length === 1) {
    return `process.roles is ${
      config.roles[0]
    }, and this version runs controller and broker in one ` +
      "process only; set it to broker,controller";
  }
  if (!config.isAlone) {
    const voters = config.given("controller.quorum.voters");
    return voters === null
      ? `controller.quorum.bootstrap.servers is ${
        config.given("controller.quorum.bootstrap.servers")
      }, which names other controllers, and this version does not support a quorum of several; remove it, ` +
        "or name only the address of this node in listeners or advertised.listeners"
      : `controller.quorum.voters is ${voters}, and this version does not support a quorum of several; ` +
        "name this node alone, and the same address in controller.quorum.bootstrap.servers if it is set";
  }
  if (config.quorumAutoJoinEnable) {
    return "controller.quorum.auto.join.enable is true, and this version has no quorum that a controller " +
      "could join; remove it";
  }
  const key = METADATA_LOG_KEYS.find((name) => config.given(name) !== null);
  return key === undefined
    ? null
    : `${key} is set, and this version keeps the whole metadata log and writes no snapshots of it; remove it`;
}
