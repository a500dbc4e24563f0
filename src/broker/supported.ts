/**
 * The list of the requests that a broker serves. ApiVersions answers with this list; adding a request
 * takes a message file, a handler file, a test, a line here and one in `supported_on_demand.ts`.
 *
 * @module
 */
import { addRaftVoterHandler } from "./handlers/add_raft_voter.ts";
import { alterConfigsHandler } from "./handlers/alter_configs.ts";
import { apiVersionsHandler } from "./handlers/api_versions.ts";
import { createAclsHandler } from "./handlers/create_acls.ts";
import { createDelegationTokenHandler } from "./handlers/create_delegation_token.ts";
import { createPartitionsHandler } from "./handlers/create_partitions.ts";
import { createTopicsHandler } from "./handlers/create_topics.ts";
import { deleteAclsHandler } from "./handlers/delete_acls.ts";
import { deleteGroupsHandler } from "./handlers/delete_groups.ts";
import { deleteRecordsHandler } from "./handlers/delete_records.ts";
import { deleteTopicsHandler } from "./handlers/delete_topics.ts";
import { describeAclsHandler } from "./handlers/describe_acls.ts";
import { describeClientQuotasHandler } from "./handlers/describe_client_quotas.ts";
import { describeClusterHandler } from "./handlers/describe_cluster.ts";
import { describeConfigsHandler } from "./handlers/describe_configs.ts";
import { describeDelegationTokenHandler } from "./handlers/describe_delegation_token.ts";
import { describeGroupsHandler } from "./handlers/describe_groups.ts";
import { describeLogDirsHandler } from "./handlers/describe_log_dirs.ts";
import { describeProducersHandler } from "./handlers/describe_producers.ts";
import { describeQuorumHandler } from "./handlers/describe_quorum.ts";
import { describeTopicPartitionsHandler } from "./handlers/describe_topic_partitions.ts";
import { describeTransactionsHandler } from "./handlers/describe_transactions.ts";
import { describeUserScramCredentialsHandler } from "./handlers/describe_user_scram_credentials.ts";
import { electLeadersHandler } from "./handlers/elect_leaders.ts";
import { expireDelegationTokenHandler } from "./handlers/expire_delegation_token.ts";
import { fetchHandler } from "./handlers/fetch.ts";
import { findCoordinatorHandler } from "./handlers/find_coordinator.ts";
import { heartbeatHandler } from "./handlers/heartbeat.ts";
import { incrementalAlterConfigsHandler } from "./handlers/incremental_alter_configs.ts";
import { initProducerIdHandler } from "./handlers/init_producer_id.ts";
import { joinGroupHandler } from "./handlers/join_group.ts";
import { leaveGroupHandler } from "./handlers/leave_group.ts";
import { listConfigResourcesHandler } from "./handlers/list_config_resources.ts";
import { listGroupsHandler } from "./handlers/list_groups.ts";
import { listOffsetsHandler } from "./handlers/list_offsets.ts";
import { listPartitionReassignmentsHandler } from "./handlers/list_partition_reassignments.ts";
import { listTransactionsHandler } from "./handlers/list_transactions.ts";
import { metadataHandler } from "./handlers/metadata.ts";
import { offsetCommitHandler } from "./handlers/offset_commit.ts";
import { offsetDeleteHandler } from "./handlers/offset_delete.ts";
import { offsetFetchHandler } from "./handlers/offset_fetch.ts";
import { offsetForLeaderEpochHandler } from "./handlers/offset_for_leader_epoch.ts";
import { produceHandler } from "./handlers/produce.ts";
import { removeRaftVoterHandler } from "./handlers/remove_raft_voter.ts";
import { renewDelegationTokenHandler } from "./handlers/renew_delegation_token.ts";
import { saslAuthenticateHandler } from "./handlers/sasl_authenticate.ts";
import { saslHandshakeHandler } from "./handlers/sasl_handshake.ts";
import { syncGroupHandler } from "./handlers/sync_group.ts";
import { unregisterBrokerHandler } from "./handlers/unregister_broker.ts";
import { unregisterControllerHandler } from "./handlers/unregister_controller.ts";
import { updateFeaturesHandler } from "./handlers/update_features.ts";
import type { Handler, NeedsOf } from "../network/server/handler.ts";

const HANDLERS = [
  addRaftVoterHandler,
  alterConfigsHandler,
  apiVersionsHandler,
  createAclsHandler,
  createDelegationTokenHandler,
  createPartitionsHandler,
  createTopicsHandler,
  deleteAclsHandler,
  deleteGroupsHandler,
  deleteRecordsHandler,
  deleteTopicsHandler,
  describeAclsHandler,
  describeClientQuotasHandler,
  describeClusterHandler,
  describeConfigsHandler,
  describeDelegationTokenHandler,
  describeGroupsHandler,
  describeLogDirsHandler,
  describeProducersHandler,
  describeQuorumHandler,
  describeTopicPartitionsHandler,
  describeTransactionsHandler,
  describeUserScramCredentialsHandler,
  electLeadersHandler,
  expireDelegationTokenHandler,
  fetchHandler,
  findCoordinatorHandler,
  heartbeatHandler,
  incrementalAlterConfigsHandler,
  initProducerIdHandler,
  joinGroupHandler,
  leaveGroupHandler,
  listConfigResourcesHandler,
  listGroupsHandler,
  listOffsetsHandler,
  listPartitionReassignmentsHandler,
  listTransactionsHandler,
  metadataHandler,
  offsetCommitHandler,
  offsetDeleteHandler,
  offsetFetchHandler,
  offsetForLeaderEpochHandler,
  produceHandler,
  removeRaftVoterHandler,
  renewDelegationTokenHandler,
  saslAuthenticateHandler,
  saslHandshakeHandler,
  syncGroupHandler,
  unregisterBrokerHandler,
  unregisterControllerHandler,
  updateFeaturesHandler,
];

/** The dependencies of all handlers together: what a broker has to provide. */
export type BrokerNeeds = NeedsOf<typeof HANDLERS[number]>;

/** The handlers, in the order of their keys. */
export const SUPPORTED: readonly Handler<BrokerNeeds>[] = [...HANDLERS]
  .sort((a, b) => a.api.key - b.api.key);
