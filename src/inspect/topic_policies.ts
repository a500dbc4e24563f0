/**
 * Determines from the metadata log of a data directory which topics are compacted.
 *
 * @module
 */
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { decodeMetadataRecord } from "../metadata/records/metadata_record.ts";
import { baseOffsetOf } from "../log/segments/segment.ts";
import { decodeBatch, RecordError } from "../protocol/records/batch.ts";
import { ProtocolError } from "../protocol/wire.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";

const CLEANUP_POLICY = "cleanup.policy";
/** The policy of a topic without a value in the metadata log. */
const DEFAULT_POLICY = "delete";

/** The `cleanup.policy` of every topic. */
export interface TopicPolicies {
  /** Returns whether offsets of the topic may be missing: it is compacted, or its policy is unknown. */
  mayHaveGaps(topic: string): boolean;
}

const UNKNOWN: TopicPolicies = { mayHaveGaps: () => true };

/**
 * Reads the metadata log of the data directory, from its newest snapshot on. If there is none, or it
 * cannot be read, any topic may be compacted.
 */
export function readTopicPolicies(files: FileSystem, directory: string): TopicPolicies {
  const place = `${directory}/${METADATA_TOPIC}-0`;
  if (!files.exists(place)) return UNKNOWN;
  const policies = new Map<string, string>();
  const names = files.list(place).map(({ name }) => name).sort();
  const snapshot = names.findLast((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name));
  const logs = names.filter((name) => baseOffsetOf(name) >= 0);
  if (snapshot === undefined && logs[0] !== undefined && baseOffsetOf(logs[0]) > 0) return UNKNOWN;
  try {
    for (const name of snapshot === undefined ? logs : [snapshot, ...logs]) {
      readConfigs(files, `${place}/${name}`, policies);
    }
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof RecordError) return UNKNOWN;
    throw error;
  }
  const ofBroker = policies.get(brokerDefault);
  return {
    mayHaveGaps(topic) {
      if (topic === METADATA_TOPIC) return false;
      return (policies.get(topic) ?? ofBroker ?? DEFAULT_POLICY).includes("compact");
    },
  };
}

/** A name that no topic can have. */
const brokerDefault = "";

function readConfigs(files: FileSystem, path: string, policies: Map<string, string>): void {
  const file = files.open(path, "read");
  try {
    const walk = new BatchWalk(file);
    while (walk.next()) {
      const batch = decodeBatch(walk.bytes, walk.at);
      if (batch.isControl) continue;
      for (const { value } of batch.records) take(value ?? new Uint8Array(0), policies);
    }
    walk.release();
  } finally {
    file.close();
  }
}

function take(value: Uint8Array, policies: Map<string, string>): void {
  const record = decodeMetadataRecord(value);
  if (record.name !== "ConfigRecord") return;
  const { resourceType, resourceName, name, value: text } = record.value;
  const isTopics = resourceType === ConfigResourceType.TOPIC && name === CLEANUP_POLICY;
  const isBrokers = resourceType === ConfigResourceType.BROKER &&
    name === `log.${CLEANUP_POLICY}`;
  if (!isTopics && !isBrokers) return;
  const key = isTopics ? resourceName : brokerDefault;
  if (text === null) policies.delete(key);
  else policies.set(key, text);
}
