/**
 * The requests that controllers serve. Adding one takes a message file, a handler file, a test, and a line here.
 *
 * @module
 */
import type { Handler, NeedsOf } from "../../network/server/handler.ts";
import { addRaftVoterHandler } from "../../raft/handlers/add_raft_voter.ts";
import { raftDescribeQuorumHandler } from "../../raft/handlers/describe_quorum.ts";
import { removeRaftVoterHandler } from "../../raft/handlers/remove_raft_voter.ts";
import { RAFT_HANDLERS, type RaftHandlerNeeds } from "../../raft/supported.ts";
import { allocateProducerIdsHandler } from "../handlers/allocate_producer_ids.ts";
import { alterConfigsHandler } from "../handlers/alter_configs.ts";
import { apiVersionsHandler } from "../handlers/api_versions.ts";
import { assignReplicasToDirsHandler } from "../handlers/assign_replicas_to_dirs.ts";
import { brokerHeartbeatHandler } from "../handlers/broker_heartbeat.ts";
import { brokerRegistrationHandler } from "../handlers/broker_registration.ts";
import { controllerRegistrationHandler } from "../handlers/controller_registration.ts";
import { createPartitionsHandler } from "../handlers/create_partitions.ts";
import { createTopicsHandler } from "../handlers/create_topics.ts";
import { deleteTopicsHandler } from "../handlers/delete_topics.ts";
import { describeClusterHandler } from "../handlers/describe_cluster.ts";
import { describeConfigsHandler } from "../handlers/describe_configs.ts";
import { electLeadersHandler } from "../handlers/elect_leaders.ts";
import { envelopeHandler } from "../handlers/envelope.ts";
import { incrementalAlterConfigsHandler } from "../handlers/incremental_alter_configs.ts";
import { unregisterBrokerHandler } from "../handlers/unregister_broker.ts";
import { unregisterControllerHandler } from "../handlers/unregister_controller.ts";
import { updateFeaturesHandler } from "../handlers/update_features.ts";

const DECIDED = [
  addRaftVoterHandler,
  allocateProducerIdsHandler,
  alterConfigsHandler,
  assignReplicasToDirsHandler,
  brokerHeartbeatHandler,
  brokerRegistrationHandler,
  controllerRegistrationHandler,
  createPartitionsHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  electLeadersHandler,
  incrementalAlterConfigsHandler,
  raftDescribeQuorumHandler,
  removeRaftVoterHandler,
  unregisterBrokerHandler,
  unregisterControllerHandler,
  updateFeaturesHandler,
];

/** Requests that any controller answers, whether it is active or not. */
const ANSWERED_BY_EVERY_CONTROLLER = [
  apiVersionsHandler,
  describeClusterHandler,
  describeConfigsHandler,
  envelopeHandler,
];

/** The dependencies of the requests that the active controller decides. */
export type ControllerNeeds = NeedsOf<typeof DECIDED[number]>;

/** The dependencies of all requests on a controller listener. */
export type ControllerListenerNeeds =
  & ControllerNeeds
  & RaftHandlerNeeds
  & NeedsOf<typeof ANSWERED_BY_EVERY_CONTROLLER[number]>;

/**
 * The requests that the active controller decides, in the order of their keys: those of its own process, and
 * those that a controller listener receives directly. `forwardable.ts` says which of them may also arrive in an
 * Envelope.
 */
export const DECIDED_BY_CONTROLLER: readonly Handler<ControllerNeeds>[] = inOrder<
  ControllerNeeds
>(DECIDED);

/** The requests that a controller listener serves, in the order of their keys. */
export const CONTROLLER_LISTENER: readonly Handler<ControllerListenerNeeds>[] = inOrder<
  ControllerListenerNeeds
>([...new Set([...RAFT_HANDLERS, ...DECIDED, ...ANSWERED_BY_EVERY_CONTROLLER])]);

function inOrder<Needs>(handlers: readonly Handler<Needs>[]): readonly Handler<Needs>[] {
  return [...handlers].sort((a, b) => a.api.key - b.api.key);
}
