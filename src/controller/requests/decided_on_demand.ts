/**
 * The requests of {@linkcode DECIDED_BY_CONTROLLER} for the process of a node, all loaded on
 * their first request. A test compares the two lists.
 *
 * @module
 */
import type { LocalHandlers } from "./local_controller.ts";
import type { ControllerNeeds } from "./supported.ts";

/** The handlers of {@linkcode DECIDED_BY_CONTROLLER}. */
export const DECIDED_ON_DEMAND: LocalHandlers<ControllerNeeds> = [
  {
    api: { key: 19 }, // CreateTopics
    load: async () => (await import("../handlers/create_topics.ts")).createTopicsHandler,
  },
  {
    api: { key: 20 }, // DeleteTopics
    load: async () => (await import("../handlers/delete_topics.ts")).deleteTopicsHandler,
  },
  {
    api: { key: 33 }, // AlterConfigs
    load: async () => (await import("../handlers/alter_configs.ts")).alterConfigsHandler,
  },
  {
    api: { key: 37 }, // CreatePartitions
    load: async () => (await import("../handlers/create_partitions.ts")).createPartitionsHandler,
  },
  {
    api: { key: 43 }, // ElectLeaders
    load: async () => (await import("../handlers/elect_leaders.ts")).electLeadersHandler,
  },
  {
    api: { key: 44 }, // IncrementalAlterConfigs
    load: async () =>
      (await import("../handlers/incremental_alter_configs.ts")).incrementalAlterConfigsHandler,
  },
  {
    api: { key: 55 }, // DescribeQuorum
    load: async () =>
      (await import("../../raft/handlers/describe_quorum.ts")).raftDescribeQuorumHandler,
  },
  {
    api: { key: 57 }, // UpdateFeatures
    load: async () => (await import("../handlers/update_features.ts")).updateFeaturesHandler,
  },
  {
    api: { key: 62 }, // BrokerRegistration
    load: async () =>
      (await import("../handlers/broker_registration.ts")).brokerRegistrationHandler,
  },
  {
    api: { key: 63 }, // BrokerHeartbeat
    load: async () => (await import("../handlers/broker_heartbeat.ts")).brokerHeartbeatHandler,
  },
  {
    api: { key: 64 }, // UnregisterBroker
    load: async () => (await import("../handlers/unregister_broker.ts")).unregisterBrokerHandler,
  },
  {
    api: { key: 67 }, // AllocateProducerIds
    load: async () =>
      (await import("../handlers/allocate_producer_ids.ts")).allocateProducerIdsHandler,
  },
  {
    api: { key: 70 }, // ControllerRegistration
    load: async () =>
      (await import("../handlers/controller_registration.ts")).controllerRegistrationHandler,
  },
  {
    api: { key: 73 }, // AssignReplicasToDirs
    load: async () =>
      (await import("../handlers/assign_replicas_to_dirs.ts")).assignReplicasToDirsHandler,
  },
  {
    api: { key: 80 }, // AddRaftVoter
    load: async () => (await import("../../raft/handlers/add_raft_voter.ts")).addRaftVoterHandler,
  },
  {
    api: { key: 81 }, // RemoveRaftVoter
    load: async () =>
      (await import("../../raft/handlers/remove_raft_voter.ts")).removeRaftVoterHandler,
  },
  {
    api: { key: 94 }, // UnregisterController
    load: async () =>
      (await import("../handlers/unregister_controller.ts")).unregisterControllerHandler,
  },
];
