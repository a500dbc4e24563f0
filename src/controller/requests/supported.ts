/**
 * The requests that the active controller decides: those of clients, which brokers forward, and those of
 * brokers.
 *
 * @module
 */
import type { Handler, NeedsOf } from "../../network/server/handler.ts";
import { allocateProducerIdsHandler } from "../handlers/allocate_producer_ids.ts";
import { alterConfigsHandler } from "../handlers/alter_configs.ts";
import { assignReplicasToDirsHandler } from "../handlers/assign_replicas_to_dirs.ts";
import { createPartitionsHandler } from "../handlers/create_partitions.ts";
import { createTopicsHandler } from "../handlers/create_topics.ts";
import { deleteTopicsHandler } from "../handlers/delete_topics.ts";
import { electLeadersHandler } from "../handlers/elect_leaders.ts";
import { incrementalAlterConfigsHandler } from "../handlers/incremental_alter_configs.ts";

const HANDLERS = [
  allocateProducerIdsHandler,
  alterConfigsHandler,
  assignReplicasToDirsHandler,
  createPartitionsHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  electLeadersHandler,
  incrementalAlterConfigsHandler,
];

/** The dependencies of all handlers together: what a controller has to provide. */
export type ControllerNeeds = NeedsOf<typeof HANDLERS[number]>;

/** The handlers, in the order of their keys. */
export const DECIDED_BY_CONTROLLER: readonly Handler<ControllerNeeds>[] = [...HANDLERS]
  .sort((a, b) => a.api.key - b.api.key);
