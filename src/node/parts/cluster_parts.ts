/**
 * What only a node runs that has, or may have, other nodes beside it: it finds its cluster, reaches the other
 * voters and the active controller, listens for controllers and brokers, and keeps its broker registered.
 *
 * @module
 */
export { ClusterMembership } from "../../broker/lifecycle/cluster_membership.ts";
export { RemoteController } from "../../broker/remote_controller.ts";
export { RaftPeers } from "../../raft/peers.ts";
export { findClusterId } from "../cluster_id.ts";
export { ControllerListener } from "../controller_listener.ts";
