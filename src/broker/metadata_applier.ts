/**
 * Keeps what this node hosts in step with the cluster's metadata: a log for each partition it
 * leads, none for those of deleted topics, and the settings in force.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { logConfigFor, minInsyncReplicas } from "../config/topic_config.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { DirectoryAssignment } from "../controller/directories.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import { isInternalTopic } from "../controller/internal_topics.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import type {
  MetadataDelta,
  MetadataImage,
  PartitionImage,
  TopicImage,
} from "../metadata/image.ts";
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Logger } from "../logger.ts";
import { isDescriptorShortage, type Runtime } from "../runtime/runtime.ts";
import { Partition, type PartitionNeeds } from "../replication/partition.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import { RetryTimer } from "./retry_timer.ts";

/** The end of the metadata log was cut off. */
export interface MetadataLoss {
  /** What was cut, in words. */
  readonly sentence: string;
  /** The topics that what is left of the log had deleted, ids with names: nobody misses their logs. */
  readonly deletedTopics: ReadonlyMap<string, string>;
}

/** A partition whose log got no descriptor. */
interface Lacking {
  readonly topicId: string;
  readonly partition: number;
  readonly isNew: boolean;
}

/** Applies the cluster's metadata to this node. */
export class MetadataApplier {
  /** Partitions that lie in another directory than the metadata say, or that those say nothing of. */
  #placed: DirectoryAssignment[] = [];
  /** Partitions whose logs got no descriptor when they were opened, by their names. */
  readonly #lacking = new Map<string, Lacking>();
  readonly #retries: RetryTimer;

  /** `onPlaced` is told where partitions lie, when that is news. */
  constructor(
    private readonly nodeId: number,
    private readonly config: BrokerConfig,
    private readonly logs: LogManager,
    private readonly partitions: PartitionTable,
    private readonly needs: PartitionNeeds,
    private readonly image: () => MetadataImage,
    private readonly logger: Logger,
    private readonly onPlaced: (assignments: readonly DirectoryAssignment[]) => void,
    runtime: Pick<Runtime, "clock" | "random">,
  ) {
    this.#retries = new RetryTimer(runtime, () => this.#openLacking());
  }

  /** Opens no more logs by itself. */
  shutdown(): void {
    this.#retries.stop();
  }

  /**
   * Hosts everything the metadata assign to this node, at start. A log of a topic that does not exist
   * is set aside, unless the metadata's own end was lost, as `metadataLoss` says: then its topic may
   * have been there, and a KAFKA_STORAGE_ERROR is thrown. A directory is made only when its topic is
   * on the disk, so a torn write does not leave one behind, but a deletion may.
   */
  hostAll(metadataLoss: MetadataLoss | null): void {
    for (const topic of this.image().topics()) this.#host(topic, topic.partitions.length);
    this.#tellPlaced();
    for (const log of [...this.logs.logs()]) {
      if (log.topic === METADATA_TOPIC) continue;
      const topic = this.image().topicByName(log.topic);
      // One of another topic id stays where it is, out of service: its partition.metadata may be wrong.
      if (topic !== undefined && log.partition < topic.partitions.length) continue;
      if (metadataLoss !== null && !wasDeleted(log, metadataLoss)) {
        throw topicMayBeLost(log, metadataLoss.sentence);
      }
      const place = this.logs.holderOf(log.topic, log.partition)!
        .quarantine(log.topic, log.partition);
      this.logger.log(
        "warn",
        `${log.name} belongs to no topic of this cluster: it was set aside as ${place}, remove it if it is not needed`,
      );
    }
  }

  /** Follows a change of the metadata. What is created is ready when this returns. */
  apply(delta: MetadataDelta): void {
    for (const topic of delta.deletedTopics) this.#drop(topic);
    for (const topic of delta.createdTopics) this.#host(topic, 0);
    for (const { before, after } of delta.changedTopics) {
      this.#host(after, before.partitions.length);
    }
    this.#tellPlaced();
    for (const { type, name } of delta.changedConfigs) {
      if (type === ConfigResourceType.TOPIC) this.#reconfigure(name);
    }
  }

  /** Takes changed settings of the broker over into every log. */
  reconfigureAll(): void {
    for (const topic of this.image().topics()) this.#reconfigure(topic.name);
  }

  /** The first `known` partitions are not new: their logs lie somewhere. */
  #host(topic: TopicImage, known: number): void {
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(this.nodeId)) continue;
      const found = this.partitions.find(topic.name, partition.partition);
      if (found?.hasLog) this.#assignRole(found, partition);
      else this.#open(topic, partition, partition.partition >= known);
    }
  }

  /** Has the partition lead or follow, as the metadata say. */
  #assignRole(partition: Partition, { leader, leaderEpoch, replicas, isr }: PartitionImage): void {
    if (leader !== this.nodeId) return partition.becomeFollower({ leaderEpoch, leader });
    try {
      partition.becomeLeader({ leaderEpoch, replicas, isr });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.logger.log("error", `${partition.name} is offline: ${error.message}`);
    }
  }

  /** A log that cannot be opened leaves its partition out of service, and the others in it. */
  #open(topic: TopicImage, partition: PartitionImage, isNew: boolean): void {
    const { name, id } = topic;
    const replica = partition.replicas.indexOf(this.nodeId);
    const directoryId = partition.directories[replica] ?? ZERO_UUID;
    try {
      const place = { directoryId, isNew };
      const log = this.logs.create(name, partition.partition, id, this.logConfig(name), place);
      const actualId = this.logs.holderOf(name, partition.partition)?.directoryId;
      if (actualId !== undefined && actualId !== directoryId) {
        const { partition: number } = partition;
        this.#placed.push({ topicId: id, partition: number, directoryId: actualId });
      }
      this.#assignRole(this.#add(topic, partition, log), partition);
      this.#lacking.delete(`${name}-${partition.partition}`);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#add(topic, partition, error);
      if (isDescriptorShortage(error)) this.#retryLater(topic, partition, isNew, error);
      else this.logger.log("error", `${name}-${partition.partition} is offline: ${error.message}`);
    }
  }

  /** Adds the partition with its log, or with the reason why that cannot be opened. */
  #add(
    { name, id }: TopicImage,
    { partition: index }: PartitionImage,
    log: PartitionLog | KafkaError,
  ): Partition {
    const partition = new Partition({
      topic: name,
      topicId: id,
      index,
      nodeId: this.nodeId,
      isInternal: isInternalTopic(name),
      minInsyncReplicas: this.#minInsyncReplicas(name),
      log,
      storedHighWatermark: this.logs.holderOf(name, index)?.storedHighWatermark(name, index) ?? -1,
    }, this.needs);
    this.partitions.add(partition);
    return partition;
  }

  /** A log that got no descriptor is opened again after a while. */
  #retryLater(
    topic: TopicImage,
    { partition }: PartitionImage,
    isNew: boolean,
    { message }: KafkaError,
  ): void {
    const isFirst = this.#lacking.size === 0;
    this.#lacking.set(`${topic.name}-${partition}`, { topicId: topic.id, partition, isNew });
    this.#retries.start();
    // One line for all that meet the same, and none for later attempts.
    if (!isFirst) return;
    const name = `${topic.name}-${partition}`;
    this.logger.log("error", `${name} is offline until there are descriptors: ${message}`);
  }

  /** Opens the logs that got no descriptor. Returns whether some still get none. */
  #openLacking(): boolean {
    for (const [name, { topicId, partition, isNew }] of [...this.#lacking]) {
      const topic = this.image().topicById(topicId);
      const image = topic?.partitions.find((one) => one.partition === partition);
      if (topic === undefined || image === undefined) this.#lacking.delete(name);
      else this.#open(topic, image, isNew);
      // Others would meet the same.
      if (this.#lacking.has(name)) break;
    }
    this.#tellPlaced();
    return this.#lacking.size > 0;
  }

  #tellPlaced(): void {
    const placed = this.#placed;
    this.#placed = [];
    if (placed.length > 0) this.onPlaced(placed);
  }

  #drop(topic: TopicImage): void {
    this.partitions.removeTopic(topic.name);
    for (const { partition } of topic.partitions) {
      try {
        this.logs.holderOf(topic.name, partition)?.delete(topic.name, partition);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.logger.log("error", error.message);
      }
    }
  }

  #reconfigure(name: string): void {
    const topic = this.image().topicByName(name);
    if (topic === undefined) return;
    const config = this.logConfig(name);
    const minInsyncReplicas = this.#minInsyncReplicas(name);
    for (const { partition } of topic.partitions) {
      this.partitions.find(name, partition)?.configure(config, minInsyncReplicas);
    }
  }

  /** The settings in force for the logs of a topic. */
  logConfig(topic: string): LogConfig {
    return logConfigFor(this.image().configs(ConfigResourceType.TOPIC, topic), this.config);
  }

  #minInsyncReplicas(topic: string): number {
    return minInsyncReplicas(this.image().configs(ConfigResourceType.TOPIC, topic), this.config);
  }
}

/** Whether the log's topic was deleted. A crash may have taken the id from a log, never from another. */
function wasDeleted({ topic, topicId }: PartitionLog, { deletedTopics }: MetadataLoss): boolean {
  return topicId === ZERO_UUID
    ? [...deletedTopics.values()].includes(topic)
    : deletedTopics.has(topicId);
}

function topicMayBeLost({ directory, name }: PartitionLog, metadataLoss: string): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot start: ${name} belongs to no topic, and the cluster's metadata have lost their end ` +
      `(${metadataLoss}); bring that file back from a copy, or move ${directory} away`,
  );
}
