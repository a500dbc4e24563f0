/**
 * Applies the cluster's metadata to this node: opens a log for each of its partitions, deletes those
 * of deleted topics, and puts changed settings in force. Logs are opened before the metadata image
 * shows their topic, so that a leader named in an answer is ready, and with pauses, so that creating
 * or deleting many does not hold up the event loop.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { logConfigFor, minInsyncReplicas } from "../config/topic_config.ts";
import type { LogConfig } from "../log/log_config.ts";
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
import { type Pause, sparingly } from "../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Logger } from "../logger.ts";
import { isDescriptorShortage, type Runtime } from "../runtime/runtime.ts";
import { Partition, type PartitionNeeds } from "../replication/partition.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { DirectoryAssignment } from "./directory_assignments.ts";
import { RetryTimer } from "./retry_timer.ts";

/** How many partitions whose logs are open are hosted in the time that opening one log takes. */
const HOSTED_PER_STEP = 8;

/** Describes a metadata log whose end was truncated. */
export interface MetadataLoss {
  /** What was truncated, in words. */
  readonly sentence: string;
  /** Ids and names of the topics deleted by the rest of the log: their logs are not missed. */
  readonly deletedTopics: ReadonlyMap<string, string>;
}

/** A partition whose log got no descriptor. */
interface Lacking {
  readonly topicId: string;
  readonly partition: number;
  readonly isNew: boolean;
}

/** The settings of a topic's partitions. */
interface TopicSettings {
  readonly logConfig: LogConfig;
  readonly minInsyncReplicas: number;
}

/** Applies the cluster's metadata to this node. */
export class MetadataApplier {
  /** Logs of topics that the image does not show yet, or why they cannot be opened, by name. */
  readonly #prepared = new Map<string, PartitionLog | KafkaError>();
  /** Partitions whose directory in the metadata is another one, or missing. */
  #placed: DirectoryAssignment[] = [];
  /** Partitions whose logs got no descriptor when they were opened, by name. */
  readonly #lacking = new Map<string, Lacking>();
  readonly #retries: RetryTimer;
  /** Whether the broker's own settings have changed since the logs were configured. */
  #mustReconfigureAll = false;

  /** `onPlaced` is called with partitions whose directory in the metadata must change. */
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

  /** Stops opening logs that got no descriptor. */
  shutdown(): void {
    this.#retries.stop();
  }

  /**
   * Hosts all partitions that the metadata assign to this node, at start. A log without a topic is
   * quarantined; but if the end of the metadata log was lost, its topic may have been there, and
   * KAFKA_STORAGE_ERROR is thrown. A log's directory is created only once its topic is durable, so
   * that a torn metadata write does not leave one behind, whereas a deletion may.
   */
  async hostAll(metadataLoss: MetadataLoss | null, pause: Pause): Promise<void> {
    // The metadata of a single node cannot be ahead of its logs: there, a wrong id is damage.
    if (!this.config.isAlone) await this.#quarantineReplaced(pause);
    const pauseBetweenSome = sparingly(pause, HOSTED_PER_STEP);
    for (const topic of this.image().topics()) {
      await this.#prepare(topic, topic.partitions.length, pauseBetweenSome);
      this.#host(topic, topic.partitions.length);
    }
    this.#reportPlaced();
    for (const log of [...this.logs.logs()]) {
      if (log.topic === METADATA_TOPIC) continue;
      const topic = this.image().topicByName(log.topic);
      // A log with another topic id stays where it is, offline: its partition.metadata may be wrong.
      if (topic !== undefined && log.partition < topic.partitions.length) continue;
      if (metadataLoss !== null && !wasDeleted(log, metadataLoss)) {
        throw topicMayBeLost(log, metadataLoss.sentence);
      }
      this.#quarantine(log);
      await pause();
    }
  }

  /** Quarantines the logs of topics that were deleted, and created again, while this broker was down. */
  async #quarantineReplaced(pause: Pause): Promise<void> {
    const image = this.image();
    for (const { name, id, partitions } of image.topics()) {
      for (const { partition } of partitions) {
        const log = this.logs.get(name, partition);
        if (log === undefined || log.topicId === ZERO_UUID || log.topicId === id) continue;
        // The id of another topic is damage.
        if (image.topicById(log.topicId) !== undefined) continue;
        this.#quarantine(log);
        await pause();
      }
    }
  }

  #quarantine({ name, topic, partition }: PartitionLog): void {
    const place = this.logs.holderOf(topic, partition)!.quarantine(topic, partition);
    this.logger.log(
      "warn",
      `${name} belongs to no topic of this cluster: it was set aside as ${place}, remove it if it is not needed`,
    );
  }

  /** Opens the logs of partitions that the image is about to show. */
  async prepare({ createdTopics, changedTopics }: MetadataDelta, pause: Pause): Promise<void> {
    for (const topic of createdTopics) await this.#prepare(topic, 0, pause);
    for (const { before, after } of changedTopics) {
      await this.#prepare(after, before.partitions.length, pause);
    }
  }

  /** Applies a change for which {@linkcode MetadataApplier.prepare} has been called. */
  async apply(delta: MetadataDelta, pause: Pause): Promise<void> {
    for (const topic of delta.createdTopics) this.#host(topic, 0);
    for (const { before, after } of delta.changedTopics) {
      this.#host(after, before.partitions.length);
    }
    for (const topic of delta.deletedTopics) await this.#drop(topic, pause);
    for (const { type, name } of delta.changedConfigs) {
      if (type !== ConfigResourceType.TOPIC) continue;
      this.#reconfigure(name);
      await pause();
    }
    if (this.#mustReconfigureAll) await this.#reconfigureAll(pause);
  }

  /** Completes a series of changes. */
  finish(): void {
    this.#reportPlaced();
  }

  /** Makes the next {@linkcode MetadataApplier.apply} put the broker's settings in force in all logs. */
  onBrokerConfigChange(): void {
    this.#mustReconfigureAll = true;
  }

  async #reconfigureAll(pause: Pause): Promise<void> {
    this.#mustReconfigureAll = false;
    for (const { name } of [...this.image().topics()]) {
      this.#reconfigure(name);
      await pause();
    }
  }

  /** Opens the logs of the topic's new partitions. Those below `known` have logs already. */
  async #prepare(topic: TopicImage, known: number, pause: Pause): Promise<void> {
    const { logConfig } = this.#settingsOf(topic.name);
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(this.nodeId)) continue;
      if (this.partitions.find(topic.name, partition.partition)?.hasLog) continue;
      const log = this.#open(topic, partition, partition.partition >= known, logConfig);
      this.#prepared.set(nameOf(topic, partition), log);
      await pause();
    }
  }

  /** Brings the topic's partitions into service, at once. Those below `known` are not new. */
  #host(topic: TopicImage, known: number): void {
    const settings = this.#settingsOf(topic.name);
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(this.nodeId)) continue;
      const found = this.partitions.find(topic.name, partition.partition);
      if (found?.hasLog) this.#assignRole(found, partition);
      else this.#add(topic, partition, partition.partition >= known, settings);
    }
  }

  /** Makes the partition lead or follow, as the metadata say. */
  #assignRole(partition: Partition, { leader, leaderEpoch, replicas, isr }: PartitionImage): void {
    if (leader !== this.nodeId) return partition.becomeFollower({ leaderEpoch, leader });
    try {
      partition.becomeLeader({ leaderEpoch, replicas, isr });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.logger.log("error", `${partition.name} is offline: ${error.message}`);
    }
  }

  /** Opens or creates the partition's log. Returns the error of one that cannot be opened. */
  #open(
    { name, id }: TopicImage,
    image: PartitionImage,
    isNew: boolean,
    logConfig: LogConfig,
  ): PartitionLog | KafkaError {
    const { partition, leader, leaderEpoch } = image;
    const directoryId = image.directories[image.replicas.indexOf(this.nodeId)] ?? ZERO_UUID;
    try {
      const log = this.logs.create(name, partition, id, logConfig, { directoryId, isNew });
      const actualId = this.logs.holderOf(name, partition)?.directoryId;
      if (actualId !== undefined && actualId !== directoryId) {
        this.#placed.push({ topicId: id, partition, directoryId: actualId });
      }
      // As becomeLeader() does: here, the write is part of what is paced.
      if (leader === this.nodeId && log.failure === null && log.latestEpoch < leaderEpoch) {
        log.assignEpoch(leaderEpoch);
      }
      return log;
    } catch (error) {
      if (error instanceof KafkaError) return error;
      throw error;
    }
  }

  /** Adds the partition with its prepared log, or with the reason why that cannot be opened. */
  #add(
    topic: TopicImage,
    image: PartitionImage,
    isNew: boolean,
    { minInsyncReplicas }: TopicSettings,
  ): void {
    const { name: topicName, id: topicId } = topic;
    const { partition: index } = image;
    const name = nameOf(topic, image);
    const log = this.#prepared.get(name);
    this.#prepared.delete(name);
    // Opening the logs was given up for an error that has been logged.
    if (log === undefined) return;
    const holder = this.logs.holderOf(topicName, index);
    const partition = new Partition({
      topic: topicName,
      topicId,
      index,
      nodeId: this.nodeId,
      isInternal: isInternalTopic(topicName),
      minInsyncReplicas,
      log,
      storedHighWatermark: holder?.storedHighWatermark(topicName, index) ?? -1,
    }, this.needs);
    this.partitions.add(partition);
    if (!(log instanceof KafkaError)) {
      this.#assignRole(partition, image);
      this.#lacking.delete(name);
    } else if (isDescriptorShortage(log)) this.#retryLater(topic, image, isNew, log);
    else this.logger.log("error", `${name} is offline: ${log.message}`);
  }

  /** Schedules another attempt to open a log that got no descriptor. */
  #retryLater(
    topic: TopicImage,
    image: PartitionImage,
    isNew: boolean,
    { message }: KafkaError,
  ): void {
    const isFirst = this.#lacking.size === 0;
    const name = nameOf(topic, image);
    this.#lacking.set(name, { topicId: topic.id, partition: image.partition, isNew });
    this.#retries.start();
    // One line for all that fail alike, and none for later attempts.
    if (!isFirst) return;
    this.logger.log("error", `${name} is offline until there are descriptors: ${message}`);
  }

  /** Opens the logs that got no descriptor. Returns whether some still get none. */
  #openLacking(): boolean {
    for (const [name, { topicId, partition, isNew }] of [...this.#lacking]) {
      const topic = this.image().topicById(topicId);
      const image = topic?.partitions.find((one) => one.partition === partition);
      if (topic === undefined || image === undefined) {
        this.#lacking.delete(name);
        continue;
      }
      const settings = this.#settingsOf(topic.name);
      this.#prepared.set(name, this.#open(topic, image, isNew, settings.logConfig));
      this.#add(topic, image, isNew, settings);
      // The others would fail alike.
      if (this.#lacking.has(name)) break;
    }
    this.#reportPlaced();
    return this.#lacking.size > 0;
  }

  #reportPlaced(): void {
    const placed = this.#placed;
    this.#placed = [];
    if (placed.length > 0) this.onPlaced(placed);
  }

  async #drop(topic: TopicImage, pause: Pause): Promise<void> {
    this.partitions.removeTopic(topic.name);
    for (const { partition } of topic.partitions) {
      try {
        this.logs.holderOf(topic.name, partition)?.delete(topic.name, partition);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.logger.log("error", error.message);
      }
      await pause();
    }
  }

  #reconfigure(name: string): void {
    const topic = this.image().topicByName(name);
    if (topic === undefined) return;
    const { logConfig, minInsyncReplicas } = this.#settingsOf(name);
    for (const { partition } of topic.partitions) {
      this.partitions.find(name, partition)?.configure(logConfig, minInsyncReplicas);
    }
  }

  /** The settings in force for the logs of a topic. */
  logConfig(topic: string): LogConfig {
    return logConfigFor(this.image().configs(ConfigResourceType.TOPIC, topic), this.config);
  }

  #settingsOf(topic: string): TopicSettings {
    const overrides = this.image().configs(ConfigResourceType.TOPIC, topic);
    return {
      logConfig: logConfigFor(overrides, this.config),
      minInsyncReplicas: minInsyncReplicas(overrides, this.config),
    };
  }
}

function nameOf({ name }: TopicImage, { partition }: PartitionImage): string {
  return `${name}-${partition}`;
}

/** Whether the log's topic was deleted. A crash may lose the id of a log, but never change it. */
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
