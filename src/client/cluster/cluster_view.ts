/**
 * The known state of a cluster: brokers, topics and leaders. Built from Metadata responses.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type { MetadataResponse } from "../../protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Address } from "../../runtime/runtime.ts";

/** A partition in the metadata. */
export interface PartitionInfo {
  readonly partition: number;
  /** Node id of the leader, or -1 if there is none at present. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** A topic in the metadata. */
export interface TopicInfo {
  readonly name: string;
  /** The topic id, or null if the cluster does not support ids. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  /** Ordered by partition number, from 0 without gaps. */
  readonly partitions: readonly PartitionInfo[];
}

/** A broker of the cluster. */
export interface BrokerInfo extends Address {
  readonly nodeId: number;
  readonly rack: string | null;
}

/** The last known state of the cluster. */
export class ClusterView {
  clusterId: string | null = null;
  controllerId = -1;
  readonly brokers = new Map<number, BrokerInfo>();
  /** Requested topics with the error returned instead of their partitions, if any. */
  readonly #topics = new Map<
    string,
    { readonly info: TopicInfo; readonly errorCode: number; readonly atMs: number }
  >();

  /** Applies a response received at `nowMs`. */
  update(response: MetadataResponse, nowMs: number): void {
    this.clusterId = response.clusterId;
    this.controllerId = response.controllerId;
    if (response.brokers.length > 0) {
      this.brokers.clear();
      for (const { nodeId, host, port, rack } of response.brokers) {
        this.brokers.set(nodeId, { nodeId, host, port, rack });
      }
    }
    for (const topic of response.topics) {
      if (topic.name === null) continue;
      const info = topicInfo(topic as typeof topic & { name: string });
      this.#topics.set(topic.name, { info, errorCode: topic.errorCode, atMs: nowMs });
    }
  }

  /** Returns a topic if it is known, has no error and was updated after `sinceMs`. */
  topic(name: string, sinceMs: number = -Infinity): TopicInfo | undefined {
    const known = this.#topics.get(name);
    if (known === undefined || known.atMs <= sinceMs) return undefined;
    return known.errorCode === ErrorCode.NONE ? known.info : undefined;
  }

  /** Returns the last error of a topic: 0 for none, 3 if the topic is unknown. */
  topicError(name: string): number {
    return this.#topics.get(name)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  /** Returns the node id of the partition's leader, or undefined if unknown. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.info.partitions[partition]?.leader ?? -1;
    return leader >= 0 && this.brokers.has(leader) ? leader : undefined;
  }

  /** Discards the metadata of a topic. */
  forget(name: string): void {
    this.#topics.delete(name);
  }
}

/** Converts a topic of a Metadata response. */
export function topicInfo(
  topic: MetadataResponse["topics"][number] & { readonly name: string },
): TopicInfo {
  return {
    name: topic.name,
    topicId: topic.topicId === ZERO_UUID ? null : topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.partitions
      .map((partition) => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
      }))
      .sort((a, b) => a.partition - b.partition),
  };
}
