/**
 * Every message we declare: the tests of the codec run over these lists. A bundled test cannot list
 * a directory, so they are written out; `parity_test.ts` fails when one is missing.
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
} from "../../src/metadata/records/raft.ts";
import type { AnyApi, RecordType } from "../../src/protocol/api.ts";
import { alterConfigs } from "../../src/protocol/messages/alter_configs.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { createPartitions } from "../../src/protocol/messages/create_partitions.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteGroups } from "../../src/protocol/messages/delete_groups.ts";
import { deleteRecords } from "../../src/protocol/messages/delete_records.ts";
import { deleteTopics } from "../../src/protocol/messages/delete_topics.ts";
import { describeCluster } from "../../src/protocol/messages/describe_cluster.ts";
import { describeConfigs } from "../../src/protocol/messages/describe_configs.ts";
import { describeGroups } from "../../src/protocol/messages/describe_groups.ts";
import { describeLogDirs } from "../../src/protocol/messages/describe_log_dirs.ts";
import { describeProducers } from "../../src/protocol/messages/describe_producers.ts";
import { describeTopicPartitions } from "../../src/protocol/messages/describe_topic_partitions.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { findCoordinator } from "../../src/protocol/messages/find_coordinator.ts";
import { heartbeat } from "../../src/protocol/messages/heartbeat.ts";
import { incrementalAlterConfigs } from "../../src/protocol/messages/incremental_alter_configs.ts";
import { initProducerId } from "../../src/protocol/messages/init_producer_id.ts";
import { joinGroup } from "../../src/protocol/messages/join_group.ts";
import { leaveGroup } from "../../src/protocol/messages/leave_group.ts";
import { listConfigResources } from "../../src/protocol/messages/list_config_resources.ts";
import { listGroups } from "../../src/protocol/messages/list_groups.ts";
import { listOffsets } from "../../src/protocol/messages/list_offsets.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { offsetCommit } from "../../src/protocol/messages/offset_commit.ts";
import { offsetDelete } from "../../src/protocol/messages/offset_delete.ts";
import { offsetFetch } from "../../src/protocol/messages/offset_fetch.ts";
import { offsetForLeaderEpoch } from "../../src/protocol/messages/offset_for_leader_epoch.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { syncGroup } from "../../src/protocol/messages/sync_group.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../src/protocol/messages/consumer_protocol.ts";
import { type Codec, codecOf, type Struct } from "../../src/protocol/schema.ts";
import { shareSnapshotRecord } from "../../src/share/records/share_snapshot.ts";
import { shareUpdateRecord } from "../../src/share/records/share_update.ts";
import { transactionLogRecord } from "../../src/transactions/records/transaction_log.ts";

/** Every API, in the order of their files. */
export const allApis: readonly AnyApi[] = [
  alterConfigs,
  apiVersions,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeTopicPartitions,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listConfigResources,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  syncGroup,
] as unknown as AnyApi[];

/** Control records of the quorum. */
export const raftRecordTypes = [
  leaderChangeMessage,
  snapshotHeaderRecord,
  snapshotFooterRecord,
  kRaftVersionRecord,
  votersRecord,
] as const;

/** Keys and values of the records of the coordinators' topics. */
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

/** The types that are embedded in other messages. */
export const allEmbeddedTypes = [
  consumerProtocolSubscription,
  consumerProtocolAssignment,
] as const;

/** A message of any kind, by the name of its schema. */
export interface Message {
  readonly name: string;
  /** The API's key or the record's type; null for those without. */
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
    isFlexible: () => false,
    codec: (version: number) => codecOf(embedded.fields as Struct<unknown, never>, version, false),
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
