/**
 * The parts of a node that is a whole process, loaded when they are used: the process starts sooner and has
 * less memory.
 *
 * @module
 */
import { SUPPORTED_ON_DEMAND } from "../../broker/supported_on_demand.ts";
import { DECIDED_ON_DEMAND } from "../../controller/requests/decided_on_demand.ts";
import type { NodeParts } from "./node_parts.ts";

/** The parts of a node of the command line. */
export const PARTS_ON_DEMAND: NodeParts = {
  brokerHandlers: SUPPORTED_ON_DEMAND,
  controllerHandlers: DECIDED_ON_DEMAND,
  groups: () => import("../../broker/groups/group_parts.ts"),
  cluster: () => import("./cluster_parts.ts"),
  tasks: () => import("./task_parts.ts"),
  compaction: () => import("./compaction_parts.ts"),
};
