/**
 * What only a node runs that has a group: the coordinator, and the requests of members. A member sends
 * most of them one after the other, so they are loaded together.
 *
 * @module
 */
export { GroupCoordinator } from "../../groups/group_coordinator.ts";
export { findCoordinatorHandler } from "../handlers/find_coordinator.ts";
export { heartbeatHandler } from "../handlers/heartbeat.ts";
export { joinGroupHandler } from "../handlers/join_group.ts";
export { leaveGroupHandler } from "../handlers/leave_group.ts";
export { offsetCommitHandler } from "../handlers/offset_commit.ts";
export { offsetFetchHandler } from "../handlers/offset_fetch.ts";
export { syncGroupHandler } from "../handlers/sync_group.ts";
