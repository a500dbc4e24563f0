/**
 * What a client knows of its cluster: brokers, topics, leaders. Built from Metadata answers.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { MetadataResponse } from "../protocol/messages/metadata.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Address } from "../runtime/runtime.ts";

/** A partition, as the cluster has it. */
export interface PartitionInfo {
  readonly partition: number;
  /** The leader's node id, -1 when there is none now. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** A topic, as the cluster has it. */
export interface TopicInfo {
  readonly name: string;
  /** Its id, or null for a cluster that does not tell. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  /** In the order of their numbers, from 0 without a gap. */
  readonly partitions: readonly PartitionInfo[];
}

/** A broker of the cluster. */
export interface BrokerInfo extends Address {
  readonly nodeId: number;
  readonly rack: string | null;
}

/** The cluster, as last heard of. */
export class ClusterView {
  clusterId: string | null = null;
  controllerId = -1;
  readonly brokers = new Map<number, BrokerInfo>();
  /** Topics that were asked for, with the error that came instead of their partitions, if any. */
  readonly #topics = new Map<
    string,
    { readonly info: TopicInfo; readonly errorCode: number; readonly atMs: number }
  >();

  /** Takes in an answer that came at `nowMs`. */
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

  /** The topic when it is known, without error and heard of after `sinceMs`. */
  topic(name: string, sinceMs: number = -Infinity): TopicInfo | undefined {
    const known = this.#topics.get(name);
    if (known === undefined || known.atMs <= sinceMs) return undefined;
    return known.errorCode === ErrorCode.NONE ? known.info : undefined;
  }

  /** The error the cluster gave for the topic: 0 for none, 3 when it was never heard of. */
  topicError(name: string): number {
    return this.#topics.get(name)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  /** The node that leads the partition, or undefined while that is unknown. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.info.partitions[partition]?.leader ?? -1;
    return leader >= 0 && this.brokers.has(leader) ? leader : undefined;
  }

  /** Takes what is known of the topic for outdated. */
  forget(name: string): void {
    this.#topics.delete(name);
  }
}

/** The topic of a Metadata answer in our form. */
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
