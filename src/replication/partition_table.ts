/**
 * The partitions of which this node has a replica, by the name and by the id of their topic.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Partition } from "./partition.ts";

interface HostedTopic {
  readonly name: string;
  readonly id: string;
  /** By number. */
  readonly partitions: (Partition | undefined)[];
}

/** Finds partitions. */
export class PartitionTable {
  readonly #byName = new Map<string, HostedTopic>();
  readonly #byId = new Map<string, HostedTopic>();

  /** Returns the partition. Throws UNKNOWN_TOPIC_OR_PARTITION. */
  byName(topic: string, index: number): Partition {
    const found = this.find(topic, index);
    if (found !== undefined) return found;
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `Partition ${index} of topic "${topic}" does not exist here: create it or fetch metadata`,
    );
  }

  /** Returns the partition. Throws UNKNOWN_TOPIC_ID and UNKNOWN_TOPIC_OR_PARTITION. */
  byId(topicId: string, index: number): Partition {
    const topic = this.#byId.get(topicId);
    if (topic === undefined) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_ID,
        `No topic here has the id ${topicId}: fetch metadata`,
      );
    }
    return this.byName(topic.name, index);
  }

  /** Returns the partition, if there is one. */
  find(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index];
  }

  /** All partitions whose log could be opened. */
  *[Symbol.iterator](): Iterator<Partition> {
    for (const { partitions } of this.#byName.values()) {
      for (const partition of partitions) if (partition?.hasLog) yield partition;
    }
  }

  /** Adds a partition. One of the same topic and number is removed. */
  add(partition: Partition): void {
    const { topic: name, topicId: id, index } = partition;
    let topic = this.#byName.get(name);
    if (topic === undefined) {
      topic = { name, id, partitions: [] };
      this.#byName.set(name, topic);
      this.#byId.set(id, topic);
    }
    const before = topic.partitions[index];
    topic.partitions[index] = partition;
    before?.remove(
      new KafkaError(
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        `${partition.name} was opened again meanwhile: send the request again`,
      ),
    );
  }

  /**
   * Removes a topic's partitions. Requests that wait for one of them are answered
   * UNKNOWN_TOPIC_OR_PARTITION.
   */
  removeTopic(topic: string): void {
    const hosted = this.#byName.get(topic);
    if (hosted === undefined) return;
    this.#byName.delete(topic);
    this.#byId.delete(hosted.id);
    for (const partition of hosted.partitions) {
      partition?.remove(
        new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `${partition.name} was deleted before the request was done`,
        ),
      );
    }
  }
}
