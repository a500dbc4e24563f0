/**
 * The membership of a node's broker in its cluster.
 *
 * @module
 */
import type { BrokerMembership } from "../broker/lifecycle/membership.ts";
import { OwnMembership } from "../broker/lifecycle/own_membership.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import type { Logger } from "../logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ControllerSide } from "./controller_side.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import type { ClusterParts } from "./parts/node_parts.ts";
import type { StartDeadline } from "./start_deadline.ts";
import type { DirectoryFailures } from "./storage.ts";

/** The parts of a node that the membership of its broker uses. */
export interface MembershipNeeds {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly logs: LogManager;
  /** Takes the end of the broker. */
  readonly failures: Pick<DirectoryFailures, "report">;
  readonly quorum: MetadataQuorum;
  readonly controllerSide: ControllerSide;
  /** Null if no other node can belong to the cluster. */
  readonly cluster: ClusterParts | null;
  readonly deadline: StartDeadline;
}

/** Returns the membership of a node's broker, which has not registered yet. */
export function membershipOf(
  parts: MembershipNeeds,
): BrokerMembership {
  const { runtime, config, logger, logs, quorum, controllerSide, cluster, deadline } = parts;
  const { nodeId, rack } = config;
  const { loader, controller } = quorum;
  if (cluster === null) {
    return new OwnMembership({
      nodeId,
      rack,
      random: runtime.random,
      controller: controller!,
      image: loader.image,
    });
  }
  return new cluster.ClusterMembership({
    runtime,
    nodeId,
    clusterId: logs.clusterId,
    rack,
    settings: config.brokerLifecycle,
    previousBrokerEpoch: logs.previousBrokerEpoch,
    heartbeatChannel: controllerSide.newChannel(),
    image: loader,
    logger,
    onFailed: (error) => parts.failures.report({ error, isFatal: true }),
    signal: deadline.signal,
  });
}
