/**
 * All planted bugs, by folder of `src/`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";
import { BROKER_MUTANTS } from "./broker.ts";
import { CLIENT_MUTANTS } from "./client.ts";
import { CLUSTER_MUTANTS } from "./cluster.ts";
import { CONFIG_MUTANTS } from "./config.ts";
import { CONTROL_PLANE_MUTANTS } from "./control_plane.ts";
import { CONTROLLER_MUTANTS } from "./controller.ts";
import { DESCRIPTOR_MUTANTS } from "./descriptors.ts";
import { EVENT_LOOP_MUTANTS } from "./event_loop.ts";
import { FORWARDING_MUTANTS } from "./forwarding.ts";
import { GROUPS_MUTANTS } from "./groups.ts";
import { LARGE_BATCH_MUTANTS } from "./large_batches.ts";
import { LIFECYCLE_MUTANTS } from "./lifecycle.ts";
import { LOG_MUTANTS } from "./log.ts";
import { METADATA_MUTANTS } from "./metadata.ts";
import { NETWORK_MUTANTS } from "./network.ts";
import { NODE_MUTANTS } from "./node.ts";
import { PROTOCOL_MUTANTS } from "./protocol.ts";
import { RAFT_MUTANTS } from "./raft.ts";
import { RAFT_CORE_MUTANTS } from "./raft_core.ts";
import { RAFT_WIRE_MUTANTS } from "./raft_wire.ts";
import { REPLICATION_MUTANTS } from "./replication.ts";
import { RUNTIME_MUTANTS } from "./runtime.ts";

/** Every planted bug. */
export const MUTANTS: readonly Mutant[] = [
  ...LOG_MUTANTS,
  ...BROKER_MUTANTS,
  ...REPLICATION_MUTANTS,
  ...RAFT_CORE_MUTANTS,
  ...GROUPS_MUTANTS,
  ...CLIENT_MUTANTS,
  ...PROTOCOL_MUTANTS,
  ...RAFT_MUTANTS,
  ...RAFT_WIRE_MUTANTS,
  ...METADATA_MUTANTS,
  ...CONTROLLER_MUTANTS,
  ...CONFIG_MUTANTS,
  ...RUNTIME_MUTANTS,
  ...NETWORK_MUTANTS,
  ...NODE_MUTANTS,
  ...DESCRIPTOR_MUTANTS,
  ...LARGE_BATCH_MUTANTS,
  ...EVENT_LOOP_MUTANTS,
  ...FORWARDING_MUTANTS,
  ...LIFECYCLE_MUTANTS,
  ...CLUSTER_MUTANTS,
  ...CONTROL_PLANE_MUTANTS,
];
