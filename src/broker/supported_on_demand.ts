/**
 * The requests of {@linkcode SUPPORTED} for a process that is started from the command line: those of every
 * client and Produce are loaded at once, all others on their first request; those of groups load the
 * coordinator too. That saves a tenth of the time of a start; the first import of a handler takes some
 * milliseconds. Each line repeats the key and the versions of its message file; a test compares them.
 *
 * @module
 */
import { apiVersionsHandler } from "./handlers/api_versions.ts";
import { metadataHandler } from "./handlers/metadata.ts";
import { produceHandler } from "./handlers/produce.ts";
import type { HandlerOnDemand } from "../network/server/handler.ts";
import { summarizeApi } from "../protocol/api.ts";
import type { BrokerHandlers, BrokerServices } from "./broker.ts";

/** A handler that is loaded on its first request. */
function onDemand(
  key: number,
  name: string,
  versions: string,
  flexible: string,
  load: HandlerOnDemand<BrokerServices>["load"],
): HandlerOnDemand<BrokerServices> {
  return { api: summarizeApi({ key, name, versions, flexible }), load };
}

/** A handler that is loaded on its first request, as is the coordinator that it needs. */
function ofGroups(
  ...[key, name, versions, flexible, load]: Parameters<typeof onDemand>
): HandlerOnDemand<BrokerServices> {
  return onDemand(key, name, versions, flexible, async (services) => {
    await services.groupsOnDemand.load();
    return await load(services);
  });
}

/** Loads the handlers of the requests that members send. */
const groupParts = () => import("./groups/group_parts.ts");

/** The handlers of {@linkcode SUPPORTED}, in the order of their keys. */
export const SUPPORTED_ON_DEMAND: BrokerHandlers = [
  apiVersionsHandler,
  metadataHandler,
  produceHandler,
  onDemand(
    1,
    "Fetch",
    "4-18",
    "12+",
    async () => (await import("./handlers/fetch.ts")).fetchHandler,
  ),
  onDemand(
    2,
    "ListOffsets",
    "1-11",
    "6+",
    async () => (await import("./handlers/list_offsets.ts")).listOffsetsHandler,
  ),
  onDemand(
    19,
    "CreateTopics",
    "2-7",
    "5+",
    async () => (await import("./handlers/create_topics.ts")).createTopicsHandler,
  ),
  onDemand(
    22,
    "InitProducerId",
    "0-5",
    "2+",
    async () => (await import("./handlers/init_producer_id.ts")).initProducerIdHandler,
  ),
  onDemand(
    10,
    "FindCoordinator",
    "0-6",
    "3+",
    async () => (await groupParts()).findCoordinatorHandler,
  ),
  ofGroups(8, "OffsetCommit", "2-10", "8+", async () => (await groupParts()).offsetCommitHandler),
  ofGroups(9, "OffsetFetch", "1-10", "6+", async () => (await groupParts()).offsetFetchHandler),
  ofGroups(11, "JoinGroup", "0-9", "6+", async () => (await groupParts()).joinGroupHandler),
  ofGroups(12, "Heartbeat", "0-4", "4+", async () => (await groupParts()).heartbeatHandler),
  ofGroups(13, "LeaveGroup", "0-5", "4+", async () => (await groupParts()).leaveGroupHandler),
  ofGroups(14, "SyncGroup", "0-5", "4+", async () => (await groupParts()).syncGroupHandler),
  ofGroups(
    15,
    "DescribeGroups",
    "0-6",
    "5+",
    async () => (await import("./handlers/describe_groups.ts")).describeGroupsHandler,
  ),
  ofGroups(
    16,
    "ListGroups",
    "0-5",
    "3+",
    async () => (await import("./handlers/list_groups.ts")).listGroupsHandler,
  ),
  onDemand(
    17,
    "SaslHandshake",
    "0-1",
    "none",
    async () => (await import("./handlers/sasl_handshake.ts")).saslHandshakeHandler,
  ),
  onDemand(
    20,
    "DeleteTopics",
    "1-6",
    "4+",
    async () => (await import("./handlers/delete_topics.ts")).deleteTopicsHandler,
  ),
  onDemand(
    21,
    "DeleteRecords",
    "0-2",
    "2+",
    async () => (await import("./handlers/delete_records.ts")).deleteRecordsHandler,
  ),
  onDemand(
    23,
    "OffsetForLeaderEpoch",
    "2-4",
    "4+",
    async () => (await import("./handlers/offset_for_leader_epoch.ts")).offsetForLeaderEpochHandler,
  ),
  onDemand(
    29,
    "DescribeAcls",
    "1-3",
    "2+",
    async () => (await import("./handlers/describe_acls.ts")).describeAclsHandler,
  ),
  onDemand(
    30,
    "CreateAcls",
    "1-3",
    "2+",
    async () => (await import("./handlers/create_acls.ts")).createAclsHandler,
  ),
  onDemand(
    31,
    "DeleteAcls",
    "1-3",
    "2+",
    async () => (await import("./handlers/delete_acls.ts")).deleteAclsHandler,
  ),
  onDemand(
    32,
    "DescribeConfigs",
    "1-4",
    "4+",
    async () => (await import("./handlers/describe_configs.ts")).describeConfigsHandler,
  ),
  onDemand(
    33,
    "AlterConfigs",
    "0-2",
    "2+",
    async () => (await import("./handlers/alter_configs.ts")).alterConfigsHandler,
  ),
  onDemand(
    35,
    "DescribeLogDirs",
    "1-5",
    "2+",
    async () => (await import("./handlers/describe_log_dirs.ts")).describeLogDirsHandler,
  ),
  onDemand(
    36,
    "SaslAuthenticate",
    "0-2",
    "2+",
    async () => (await import("./handlers/sasl_authenticate.ts")).saslAuthenticateHandler,
  ),
  onDemand(
    37,
    "CreatePartitions",
    "0-3",
    "2+",
    async () => (await import("./handlers/create_partitions.ts")).createPartitionsHandler,
  ),
  onDemand(
    38,
    "CreateDelegationToken",
    "1-3",
    "2+",
    async () =>
      (await import("./handlers/create_delegation_token.ts")).createDelegationTokenHandler,
  ),
  onDemand(
    39,
    "RenewDelegationToken",
    "1-2",
    "2+",
    async () => (await import("./handlers/renew_delegation_token.ts")).renewDelegationTokenHandler,
  ),
  onDemand(
    40,
    "ExpireDelegationToken",
    "1-2",
    "2+",
    async () =>
      (await import("./handlers/expire_delegation_token.ts")).expireDelegationTokenHandler,
  ),
  onDemand(
    41,
    "DescribeDelegationToken",
    "1-3",
    "2+",
    async () =>
      (await import("./handlers/describe_delegation_token.ts")).describeDelegationTokenHandler,
  ),
  ofGroups(
    42,
    "DeleteGroups",
    "0-3",
    "2+",
    async () => (await import("./handlers/delete_groups.ts")).deleteGroupsHandler,
  ),
  onDemand(
    43,
    "ElectLeaders",
    "0-2",
    "2+",
    async () => (await import("./handlers/elect_leaders.ts")).electLeadersHandler,
  ),
  onDemand(
    44,
    "IncrementalAlterConfigs",
    "0-1",
    "1+",
    async () =>
      (await import("./handlers/incremental_alter_configs.ts")).incrementalAlterConfigsHandler,
  ),
  onDemand(
    46,
    "ListPartitionReassignments",
    "0",
    "0+",
    async () =>
      (await import("./handlers/list_partition_reassignments.ts"))
        .listPartitionReassignmentsHandler,
  ),
  ofGroups(
    47,
    "OffsetDelete",
    "0",
    "none",
    async () => (await import("./handlers/offset_delete.ts")).offsetDeleteHandler,
  ),
  onDemand(
    48,
    "DescribeClientQuotas",
    "0-1",
    "1+",
    async () => (await import("./handlers/describe_client_quotas.ts")).describeClientQuotasHandler,
  ),
  onDemand(
    50,
    "DescribeUserScramCredentials",
    "0",
    "0+",
    async () =>
      (await import("./handlers/describe_user_scram_credentials.ts"))
        .describeUserScramCredentialsHandler,
  ),
  onDemand(
    55,
    "DescribeQuorum",
    "0-2",
    "0+",
    async () => (await import("./handlers/describe_quorum.ts")).describeQuorumHandler,
  ),
  onDemand(
    57,
    "UpdateFeatures",
    "0-2",
    "0+",
    async () => (await import("./handlers/update_features.ts")).updateFeaturesHandler,
  ),
  onDemand(
    60,
    "DescribeCluster",
    "0-2",
    "0+",
    async () => (await import("./handlers/describe_cluster.ts")).describeClusterHandler,
  ),
  onDemand(
    61,
    "DescribeProducers",
    "0",
    "0+",
    async () => (await import("./handlers/describe_producers.ts")).describeProducersHandler,
  ),
  onDemand(
    64,
    "UnregisterBroker",
    "0",
    "0+",
    async () => (await import("./handlers/unregister_broker.ts")).unregisterBrokerHandler,
  ),
  onDemand(
    65,
    "DescribeTransactions",
    "0",
    "0+",
    async () => (await import("./handlers/describe_transactions.ts")).describeTransactionsHandler,
  ),
  onDemand(
    66,
    "ListTransactions",
    "0-2",
    "0+",
    async () => (await import("./handlers/list_transactions.ts")).listTransactionsHandler,
  ),
  onDemand(
    74,
    "ListConfigResources",
    "0-1",
    "0+",
    async () => (await import("./handlers/list_config_resources.ts")).listConfigResourcesHandler,
  ),
  onDemand(
    75,
    "DescribeTopicPartitions",
    "0",
    "0+",
    async () =>
      (await import("./handlers/describe_topic_partitions.ts")).describeTopicPartitionsHandler,
  ),
  onDemand(
    80,
    "AddRaftVoter",
    "0-1",
    "0+",
    async () => (await import("./handlers/add_raft_voter.ts")).addRaftVoterHandler,
  ),
  onDemand(
    81,
    "RemoveRaftVoter",
    "0",
    "0+",
    async () => (await import("./handlers/remove_raft_voter.ts")).removeRaftVoterHandler,
  ),
  onDemand(
    94,
    "UnregisterController",
    "0",
    "0+",
    async () => (await import("./handlers/unregister_controller.ts")).unregisterControllerHandler,
  ),
].sort((a, b) => a.api.key - b.api.key);
