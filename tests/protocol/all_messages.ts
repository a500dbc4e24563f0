/**
 * All declared messages. The codec tests iterate over these lists. They are written out because a
 * bundled test cannot list a directory; `parity_test.ts` fails if one is missing.
 *
 * @module
 */
import { groupRecordTypes } from "../../src/groups/records/group_records.ts";
import { metadataRecordTypes } from "../../src/metadata/records/metadata_record.ts";
import {
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from "../../src/raft/records.ts";
import type { AnyApi, RecordType } from "../../src/protocol/api.ts";
import { addRaftVoter } from "../../src/protocol/messages/add_raft_voter.ts";
import { allocateProducerIds } from "../../src/protocol/messages/allocate_producer_ids.ts";
import { alterConfigs } from "../../src/protocol/messages/alter_configs.ts";
import { alterPartition } from "../../src/protocol/messages/alter_partition.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { assignReplicasToDirs } from "../../src/protocol/messages/assign_replicas_to_dirs.ts";
import { beginQuorumEpoch } from "../../src/protocol/messages/begin_quorum_epoch.ts";
import { brokerHeartbeat } from "../../src/protocol/messages/broker_heartbeat.ts";
import { brokerRegistration } from "../../src/protocol/messages/broker_registration.ts";
import { controllerRegistration } from "../../src/protocol/messages/controller_registration.ts";
import { createAcls } from "../../src/protocol/messages/create_acls.ts";
import { createDelegationToken } from "../../src/protocol/messages/create_delegation_token.ts";
import { createPartitions } from "../../src/protocol/messages/create_partitions.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteAcls } from "../../src/protocol/messages/delete_acls.ts";
import { deleteGroups } from "../../src/protocol/messages/delete_groups.ts";
import { deleteRecords } from "../../src/protocol/messages/delete_records.ts";
import { deleteTopics } from "../../src/protocol/messages/delete_topics.ts";
import { describeAcls } from "../../src/protocol/messages/describe_acls.ts";
import { describeClientQuotas } from "../../src/protocol/messages/describe_client_quotas.ts";
import { describeCluster } from "../../src/protocol/messages/describe_cluster.ts";
import { describeConfigs } from "../../src/protocol/messages/describe_configs.ts";
import { describeDelegationToken } from "../../src/protocol/messages/describe_delegation_token.ts";
import { describeGroups } from "../../src/protocol/messages/describe_groups.ts";
import { describeLogDirs } from "../../src/protocol/messages/describe_log_dirs.ts";
import { describeProducers } from "../../src/protocol/messages/describe_producers.ts";
import { describeQuorum } from "../../src/protocol/messages/describe_quorum.ts";
import { describeTopicPartitions } from "../../src/protocol/messages/describe_topic_partitions.ts";
import { describeTransactions } from "../../src/protocol/messages/describe_transactions.ts";
import { describeUserScramCredentials } from "../../src/protocol/messages/describe_user_scram_credentials.ts";
import { electLeaders } from "../../src/protocol/messages/elect_leaders.ts";
import { endQuorumEpoch } from "../../src/protocol/messages/end_quorum_epoch.ts";
import { envelope } from "../../src/protocol/messages/envelope.ts";
import { expireDelegationToken } from "../../src/protocol/messages/expire_delegation_token.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { fetchSnapshot } from "../../src/protocol/messages/fetch_snapshot.ts";
import { findCoordinator } from "../../src/protocol/messages/find_coordinator.ts";
import { heartbeat } from "../../src/protocol/messages/heartbeat.ts";
import { incrementalAlterConfigs } from "../../src/protocol/messages/incremental_alter_configs.ts";
import { initProducerId } from "../../src/protocol/messages/init_producer_id.ts";
import { joinGroup } from "../../src/protocol/messages/join_group.ts";
import { leaveGroup } from "../../src/protocol/messages/leave_group.ts";
import { listConfigResources } from "../../src/protocol/messages/list_config_resources.ts";
import { listGroups } from "../../src/protocol/messages/list_groups.ts";
import { listOffsets } from "../../src/protocol/messages/list_offsets.ts";
import { listPartitionReassignments } from "../../src/protocol/messages/list_partition_reassignments.ts";
import { listTransactions } from "../../src/protocol/messages/list_transactions.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { offsetCommit } from "../../src/protocol/messages/offset_commit.ts";
import { offsetDelete } from "../../src/protocol/messages/offset_delete.ts";
import { offsetFetch } from "../../src/protocol/messages/offset_fetch.ts";
import { offsetForLeaderEpoch } from "../../src/protocol/messages/offset_for_leader_epoch.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { removeRaftVoter } from "../../src/protocol/messages/remove_raft_voter.ts";
import { renewDelegationToken } from "../../src/protocol/messages/renew_delegation_token.ts";
import { saslAuthenticate } from "../../src/protocol/messages/sasl_authenticate.ts";
import { saslHandshake } from "../../src/protocol/messages/sasl_handshake.ts";
import { syncGroup } from "../../src/protocol/messages/sync_group.ts";
import { unregisterBroker } from "../../src/protocol/messages/unregister_broker.ts";
import { unregisterController } from "../../src/protocol/messages/unregister_controller.ts";
import { updateFeatures } from "../../src/protocol/messages/update_features.ts";
import { updateRaftVoter } from "../../src/protocol/messages/update_raft_voter.ts";
import { vote } from "../../src/protocol/messages/vote.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../src/protocol/messages/consumer_protocol.ts";
import { defaultPrincipalData } from "../../src/protocol/messages/default_principal_data.ts";
import { type Codec, codecOf, type Struct } from "../../src/protocol/schema.ts";
import { shareSnapshotRecord } from "../../src/share/records/share_snapshot.ts";
import { shareUpdateRecord } from "../../src/share/records/share_update.ts";
import { transactionLogRecord } from "../../src/transactions/records/transaction_log.ts";

/** Every API, in the order of the files. */
export const allApis: readonly AnyApi[] = [
  addRaftVoter,
  allocateProducerIds,
  alterConfigs,
  alterPartition,
  apiVersions,
  assignReplicasToDirs,
  beginQuorumEpoch,
  brokerHeartbeat,
  brokerRegistration,
  controllerRegistration,
  createAcls,
  createDelegationToken,
  createPartitions,
  createTopics,
  deleteAcls,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeAcls,
  describeClientQuotas,
  describeCluster,
  describeConfigs,
  describeDelegationToken,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeQuorum,
  describeTopicPartitions,
  describeTransactions,
  describeUserScramCredentials,
  electLeaders,
  endQuorumEpoch,
  envelope,
  expireDelegationToken,
  fetch,
  fetchSnapshot,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listConfigResources,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  listTransactions,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  removeRaftVoter,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
  syncGroup,
  unregisterBroker,
  unregisterController,
  updateFeatures,
  updateRaftVoter,
  vote,
] as unknown as AnyApi[];

/** Control record types of the quorum. */
export const raftRecordTypes = [
  leaderChangeMessage,
  snapshotHeaderRecord,
  snapshotFooterRecord,
  kRaftVersionRecord,
  votersRecord,
] as const;

/** Keys and values of the coordinator record types. */
export const coordinatorRecordTypes: readonly RecordType<unknown, never>[] = [
  ...groupRecordTypes,
  transactionLogRecord,
  shareSnapshotRecord,
  shareUpdateRecord,
].flatMap(({ key, value }) => [key, value] as unknown as RecordType<unknown, never>[]);

/** Every record type. */
export const allRecordTypes: readonly RecordType<unknown, never>[] = [
  ...metadataRecordTypes,
  ...raftRecordTypes,
  ...coordinatorRecordTypes,
] as unknown as RecordType<unknown, never>[];

/** Types embedded in other messages. */
export const allEmbeddedTypes = [
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  defaultPrincipalData,
] as const;

/** A message of any kind. */
export interface Message {
  readonly name: string;
  /** The API key or the record type; null for messages without one. */
  readonly key: number | null;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly fields: Struct<unknown, never>;
  isFlexible(version: number): boolean;
  codec(version: number): Codec<unknown, unknown>;
}

/** Every request, response, record and embedded type. */
export const allMessages: readonly Message[] = [
  ...allApis.flatMap((api) => [
    { ...api, name: `${api.name}Request`, fields: api.request, codec: api.requestCodec },
    { ...api, name: `${api.name}Response`, fields: api.response, codec: api.responseCodec },
  ]),
  ...metadataRecordTypes.map((record) => ({ ...record, key: record.type })),
  ...raftRecordTypes.map((record) => ({ ...record, key: null })),
  ...coordinatorRecordTypes.map((record) => ({ ...record, key: record.type })),
  ...allEmbeddedTypes.map((embedded) => ({
    ...embedded,
    key: null,
    codec: (version: number) =>
      codecOf(embedded.fields as Struct<unknown, never>, version, embedded.isFlexible(version)),
  })),
] as unknown as Message[];

/** Calls `visit` for every message in every version. */
export function forEachVersion(visit: (message: Message, version: number) => void): void {
  for (const message of allMessages) {
    for (let version = message.minVersion; version <= message.maxVersion; version++) {
      visit(message, version);
    }
  }
}
