/**
 * All parts of a node, loaded together with this module.
 *
 * @module
 */
import * as groups from "../../broker/groups/group_parts.ts";
import { SUPPORTED } from "../../broker/supported.ts";
import { DECIDED_BY_CONTROLLER } from "../../controller/requests/supported.ts";
import * as cluster from "./cluster_parts.ts";
import * as compaction from "./compaction_parts.ts";
import * as tasks from "./task_parts.ts";
import type { NodeParts } from "./node_parts.ts";

/** The parts of a node in a program or a simulation, whose start must not wait for a loader. */
export const ALL_PARTS: NodeParts = {
  brokerHandlers: SUPPORTED,
  controllerHandlers: DECIDED_BY_CONTROLLER,
  groups,
  cluster,
  tasks,
  compaction,
};
