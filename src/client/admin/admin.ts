/**
 * The admin client for topics and the cluster.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { createTopics } from "../../protocol/messages/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/delete_topics.ts";
import { describeLogDirs } from "../../protocol/messages/describe_log_dirs.ts";
import { metadata } from "../../protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { PeerConnection } from "../../network/peer_connection.ts";
import { checkNames, checkOptionNames, type ClientOptions } from "../client_options.ts";
import { ClusterClient } from "../cluster/cluster_client.ts";
import {
  type BrokerInfo,
  type PartitionInfo,
  type TopicInfo,
  topicInfo,
} from "../cluster/cluster_view.ts";
import { responseError } from "../errors.ts";
import { type LogDirInfo, type LogDirPartition, logDirsOf } from "./log_dirs.ts";

export type { LogDirInfo, LogDirPartition };
export type { BrokerInfo, PartitionInfo, TopicInfo };

/** A topic to create. */
export interface NewTopic {
  readonly name: string;
  /** Number of partitions. Defaults to the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Defaults to the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** Topic configs by Kafka's names, such as `{ "retention.ms": "60000" }`. */
  readonly configs?: Readonly<Record<string, string>>;
}

const NEW_TOPIC: Readonly<Record<keyof NewTopic, true>> = {
  name: true,
  partitions: true,
  replicationFactor: true,
  configs: true,
};

/** The cluster and its brokers. */
export interface ClusterDescription {
  readonly clusterId: string | null;
  /** Node id of the controller, or -1 if there is none at present. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerInfo[];
}

/**
 * Creates, lists, describes and deletes topics, and describes the cluster. Every method rejects with
 * a {@linkcode KafkaError} if the cluster returns an error or cannot be reached.
 *
 * @example
 * ```ts
 * import { Admin, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster();
 * await using admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
 * await admin.createTopics([{ name: "orders", partitions: 3, replicationFactor: 1 }]);
 * const [orders] = await admin.describeTopics(["orders"]);
 * console.log(orders?.partitions.length); // 3
 * ```
 */
export class Admin implements AsyncDisposable {
  readonly #client: ClusterClient;

  /** Creates a client without connecting. Throws a TypeError for invalid options. */
  constructor(options: ClientOptions) {
    checkOptionNames("Admin", options);
    this.#client = new ClusterClient(options);
  }

  /**
   * Creates topics independently of each other. Rejects with the error of the first topic that
   * cannot be created; topics before it exist.
   */
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const topic of topics) checkNames(`Topic "${topic.name}"`, topic, NEW_TOPIC);
    await this.#change(async (controller) => {
      const answer = await controller.request(createTopics, {
        topics: topics.map(({ name, partitions = -1, replicationFactor = -1, configs = {} }) => ({
          name,
          numPartitions: partitions,
          replicationFactor,
          assignments: [],
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        })),
        timeoutMs: this.#client.settings.requestTimeoutMs,
      });
      for (const { name, errorCode, errorMessage } of answer.topics) {
        if (errorCode === ErrorCode.NONE) continue;
        throw responseError(errorCode, `Cannot create topic "${name}"`, errorMessage);
      }
    });
  }

  /** Deletes topics and their data. */
  async deleteTopics(names: readonly string[]): Promise<void> {
    await this.#change(async (controller) => {
      const answer = await controller.request(deleteTopics, {
        topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
        topicNames: [...names],
        timeoutMs: this.#client.settings.requestTimeoutMs,
      });
      for (const { name, errorCode, errorMessage } of answer.responses) {
        if (errorCode === ErrorCode.NONE) continue;
        throw responseError(errorCode, `Cannot delete topic "${name}"`, errorMessage);
      }
    });
  }

  /** Returns the names of all topics in alphabetical order, internal topics only on request. */
  async listTopics(options: { readonly includeInternal?: boolean } = {}): Promise<string[]> {
    const { topics } = await this.#client.allTopics();
    return topics
      .filter(({ isInternal }) => !isInternal || options.includeInternal === true)
      .map(({ name }) => name ?? "")
      .sort();
  }

  /** Returns topics with their partitions, in the order of `names`. Defaults to all topics. */
  async describeTopics(names?: readonly string[]): Promise<TopicInfo[]> {
    const answer = await this.#client.ask(metadata, {
      topics: names?.map((name) => ({ name })) ?? null,
      allowAutoTopicCreation: false,
    });
    const topics = new Map<string, TopicInfo>();
    for (const topic of answer.topics) {
      const { name, errorCode } = topic;
      if (errorCode !== ErrorCode.NONE) {
        throw responseError(errorCode, `Cannot describe topic "${name}"`);
      }
      if (name !== null) topics.set(name, topicInfo({ ...topic, name }));
    }
    const requested = names ?? [...topics.keys()].sort();
    return requested.flatMap((name) => topics.get(name) ?? []);
  }

  /** Returns the cluster's id, controller and brokers. */
  async describeCluster(): Promise<ClusterDescription> {
    const answer = await this.#client.ask(metadata, { topics: [], allowAutoTopicCreation: false });
    const { clusterId, controllerId } = answer;
    const brokers = answer.brokers.map(({ nodeId, host, port, rack }) => ({
      nodeId,
      host,
      port,
      rack,
    }));
    return { clusterId, controllerId, brokers: brokers.sort((a, b) => a.nodeId - b.nodeId) };
  }

  /**
   * Returns the log directories of the brokers `nodeIds`, with the partitions in each. Defaults to
   * all brokers. An offline directory has an `error`.
   */
  async describeLogDirs(nodeIds?: readonly number[]): Promise<LogDirInfo[]> {
    return await this.#client.retry(async () => {
      await this.#client.refresh();
      const all = [...this.#client.view.brokers.keys()].sort((a, b) => a - b);
      const directories: LogDirInfo[] = [];
      for (const nodeId of nodeIds ?? all) {
        const broker = await this.#client.broker(nodeId);
        directories.push(
          ...logDirsOf(nodeId, await broker.request(describeLogDirs, { topics: null })),
        );
      }
      return directories;
    });
  }

  /** Closes all connections. May be called twice. */
  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  /** Calls {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Sends a request to the controller, and retries if the controller has changed. */
  async #change(ask: (controller: PeerConnection) => Promise<void>): Promise<void> {
    await this.#client.retry(async () => {
      await this.#client.refresh();
      const { controllerId, brokers } = this.#client.view;
      const controller = brokers.has(controllerId)
        ? await this.#client.broker(controllerId)
        : await this.#client.anyBroker();
      await ask(controller);
    });
  }
}
