/**
 * The code that a node is started with. Which of it a process loads, and when, is decided by its entry alone:
 *
 * - Programs and simulations pass `ALL_PARTS` (`all_parts.ts`), which is loaded with their modules.
 * - The processes of the command line pass `PARTS_ON_DEMAND` (`parts_on_demand.ts`). A node that is a cluster
 *   of its own never loads the parts of a cluster; other nodes load them at their start. The code of
 *   groups is loaded for the first request of a group, that of the background tasks after the first
 *   connection, that of compaction for the first log to compact, and most handlers on their first request.
 *
 * @module
 */
import type { BrokerHandlers } from "../../broker/broker.ts";
import type { GroupParts } from "../../broker/groups/groups_on_demand.ts";
import type { LocalHandlers } from "../../controller/requests/local_controller.ts";
import type { ControllerNeeds } from "../../controller/requests/supported.ts";
import type { Loadable } from "./loadable.ts";

/** What only a node runs that has, or may have, other nodes beside it. */
export type ClusterParts = typeof import("./cluster_parts.ts");

/** What only a node runs that compacts a log. */
export type CompactionParts = typeof import("./compaction_parts.ts");

/** What only a node runs that has records or clients. */
export type TaskParts = typeof import("./task_parts.ts");

/** The code of a node apart from what every node runs from its start on. */
export interface NodeParts {
  /** The requests that its broker serves. */
  readonly brokerHandlers: BrokerHandlers;
  /** The requests of its own process that its controller decides. */
  readonly controllerHandlers: LocalHandlers<ControllerNeeds>;
  readonly groups: Loadable<GroupParts>;
  readonly cluster: Loadable<ClusterParts>;
  readonly tasks: Loadable<TaskParts>;
  readonly compaction: Loadable<CompactionParts>;
}
