/**
 * Helpers of the metadata and controller tests: decoded records and a metadata log in memory.
 *
 * @module
 */
import { PartitionLog } from "../../src/log/partition_log.ts";
import { METADATA_LOG_CONFIG, METADATA_TOPIC } from "../../src/metadata/metadata_log.ts";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
} from "../../src/metadata/records/metadata_record.ts";
import { METADATA_TOPIC_ID } from "../../src/protocol/uuid.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryDisk, MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

/** Two topic ids. */
export const EVENTS = "aaaaaaaaaaaaaaaaaaaaaA";
export const CHAT = "bbbbbbbbbbbbbbbbbbbbbA";

/** Returns the records as decoded from a log. */
export function decoded(...records: MetadataRecordInput[]): MetadataRecord[] {
  return records.map((record) => decodeMetadataRecord(encodeMetadataRecord(record)));
}

export function topic(name: string, topicId: string): MetadataRecordInput {
  return { name: "TopicRecord", value: { name, topicId } };
}

export function partition(topicId: string, partitionId: number, leader = 1): MetadataRecordInput {
  return {
    name: "PartitionRecord",
    value: {
      topicId,
      partitionId,
      replicas: [1],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [],
    },
  };
}

/** The fields of a PartitionRecord. */
export type PartitionValue = Extract<MetadataRecordInput, { name: "PartitionRecord" }>["value"];

/** Like {@linkcode partition}, with other values for the fields in `state`. */
export function partitionWith(
  topicId: string,
  partitionId: number,
  state: Partial<PartitionValue>,
): MetadataRecordInput {
  const { value } = partition(topicId, partitionId) as { value: PartitionValue };
  return { name: "PartitionRecord", value: { ...value, ...state } };
}

export function config(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecordInput {
  return { name: "ConfigRecord", value: { resourceType, resourceName, name, value } };
}

export function broker(
  brokerId: number,
  options: { fenced?: boolean; logDirs?: string[] } = {},
): MetadataRecordInput {
  return {
    name: "RegisterBrokerRecord",
    value: {
      brokerId,
      incarnationId: EVENTS,
      brokerEpoch: 1,
      endPoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
      features: [],
      rack: null,
      fenced: options.fenced ?? false,
      logDirs: options.logDirs ?? [],
    },
  };
}

/** Returns a runtime whose files are on `disk`. */
export function memoryRuntime(disk: MemoryDisk = new MemoryDisk()): Runtime {
  return { ...hostRuntime(), files: new MemoryFileSystem(disk) };
}

/** Opens the partition log of the metadata log. */
export function openStorage(runtime: Runtime): PartitionLog {
  return PartitionLog.open({
    runtime,
    directory: `/data/${METADATA_TOPIC}-0`,
    topic: METADATA_TOPIC,
    partition: 0,
    topicId: METADATA_TOPIC_ID,
    config: METADATA_LOG_CONFIG,
  });
}
