/**
 * The admin client for topics and the cluster.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { addRaftVoter } from "../../protocol/messages/add_raft_voter.ts";
import { apiVersions } from "../../protocol/messages/api_versions.ts";
import { createTopics } from "../../protocol/messages/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/delete_topics.ts";
import { describeCluster } from "../../protocol/messages/describe_cluster.ts";
import { describeLogDirs } from "../../protocol/messages/describe_log_dirs.ts";
import { describeQuorum } from "../../protocol/messages/describe_quorum.ts";
import { metadata } from "../../protocol/messages/metadata.ts";
import { removeRaftVoter } from "../../protocol/messages/remove_raft_voter.ts";
import { unregisterBroker } from "../../protocol/messages/unregister_broker.ts";
import { updateFeatures } from "../../protocol/messages/update_features.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { CLIENT_SOFTWARE, type PeerConnection } from "../../network/peer_connection.ts";
import { checkNames, checkOptionNames, type ClientOptions } from "../client_options.ts";
import { ClusterClient } from "../cluster/cluster_client.ts";
import {
  type BrokerInfo,
  type PartitionInfo,
  type TopicInfo,
  topicInfo,
} from "../cluster/cluster_view.ts";
import { responseError } from "../errors.ts";
import {
  type BrokerDescription,
  type ClusterDescription,
  clusterOf,
  type ControllersDescription,
  controllersOf,
} from "./cluster_description.ts";
import {
  FEATURE_UPDATE,
  type FeatureInfo,
  type FeaturesDescription,
  featuresOf,
  type FeatureUpdate,
  UPGRADE_TYPES,
} from "./features.ts";
import { type LogDirInfo, type LogDirPartition, logDirsOf } from "./log_dirs.ts";
import {
  type ControllerListener,
  type LeavingVoter,
  METADATA_TOPIC,
  type NewVoter,
  type QuorumDescription,
  quorumOf,
  type QuorumReplica,
} from "./quorum.ts";

export type { LogDirInfo, LogDirPartition };
export type { BrokerDescription, ClusterDescription, ControllersDescription };
export type { FeatureInfo, FeaturesDescription, FeatureUpdate };
export type { ControllerListener, LeavingVoter, NewVoter, QuorumDescription, QuorumReplica };
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

/** The type of endpoint in DescribeCluster. */
const CONTROLLERS = 2;

/**
 * Creates, lists, describes and deletes topics, describes the cluster and its quorum, and changes them.
 * Every method rejects with a {@linkcode KafkaError} if the cluster returns an error or cannot be reached.
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

  /**
   * Returns the cluster's id and brokers, on request with those that are registered but fenced. Rejects
   * with UNSUPPORTED_VERSION if the cluster cannot include them: Apache Kafka before 4.0.
   */
  async describeCluster(
    options: { readonly includeFenced?: boolean } = {},
  ): Promise<ClusterDescription> {
    const { includeFenced = false } = options;
    return await this.#client.retry(async () => {
      const broker = await this.#client.anyBroker();
      if (includeFenced && broker.version(describeCluster) < 2) {
        throw new KafkaError(
          ErrorCode.UNSUPPORTED_VERSION,
          `Cannot describe fenced brokers: ${broker.address} serves DescribeCluster only up to version ` +
            broker.version(describeCluster),
        );
      }
      const answer = await broker.request(describeCluster, {
        includeClusterAuthorizedOperations: false,
        includeFencedBrokers: includeFenced,
      });
      if (answer.errorCode === ErrorCode.MISMATCHED_ENDPOINT_TYPE) {
        throw new KafkaError(
          answer.errorCode,
          `Cannot ask ${broker.address} for DescribeCluster: it is the listener of a controller; name the ` +
            "address of a broker instead",
        );
      }
      return clusterOf(answer);
    });
  }

  /**
   * Returns the registered controllers. The `bootstrapServers` of this client must be listeners for
   * controllers: it is the only method that works there.
   */
  async describeControllers(): Promise<ControllersDescription> {
    return await this.#client.retry(async () => {
      const controller = await this.#client.anyBroker();
      return controllersOf(
        await controller.request(describeCluster, {
          includeClusterAuthorizedOperations: false,
          endpointType: CONTROLLERS,
          includeFencedBrokers: false,
        }),
      );
    });
  }

  /** Returns the leader of the controllers' quorum, its voters and observers, with their offsets. */
  async describeQuorum(): Promise<QuorumDescription> {
    return await this.#client.retry(async () => {
      const broker = await this.#client.anyBroker();
      return quorumOf(
        await broker.request(describeQuorum, {
          topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
        }),
      );
    });
  }

  /** Returns the levels of the cluster's features, and those that a broker supports. */
  async describeFeatures(): Promise<FeaturesDescription> {
    return featuresOf(await this.#client.ask(apiVersions, CLIENT_SOFTWARE));
  }

  /**
   * Changes the levels of features, all of them or none. `validateOnly` checks the change without making
   * it.
   *
   * @example
   * ```ts ignore
   * await admin.updateFeatures([{ name: "metadata.version", level: 33 }]);
   * ```
   */
  async updateFeatures(
    updates: readonly FeatureUpdate[],
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    for (const update of updates) checkNames(`Feature "${update.name}"`, update, FEATURE_UPDATE);
    await this.#change(async (controller) => {
      const { errorCode, errorMessage, results } = await controller.request(updateFeatures, {
        timeoutMs: this.#client.settings.requestTimeoutMs,
        featureUpdates: updates.map(({ name, level, downgrade = "never" }) => ({
          feature: name,
          maxVersionLevel: level,
          allowDowngrade: downgrade !== "never",
          upgradeType: UPGRADE_TYPES[downgrade],
        })),
        validateOnly: options.validateOnly ?? false,
      });
      if (errorCode !== ErrorCode.NONE) {
        throw responseError(errorCode, "Cannot update features", errorMessage);
      }
      for (const { feature, errorCode, errorMessage } of results) {
        if (errorCode === ErrorCode.NONE) continue;
        throw responseError(errorCode, `Cannot update feature "${feature}"`, errorMessage);
      }
    });
  }

  /** Removes the registration of a broker that will not come back. */
  async unregisterBroker(nodeId: number): Promise<void> {
    await this.#change(async (controller) => {
      const answer = await controller.request(unregisterBroker, { brokerId: nodeId });
      if (answer.errorCode === ErrorCode.NONE) return;
      throw responseError(
        answer.errorCode,
        `Cannot unregister broker ${nodeId}`,
        answer.errorMessage,
      );
    });
  }

  /**
   * Makes a controller a voter of a dynamic quorum (KIP-853). It must run and read the metadata log: it is
   * among the observers of {@linkcode describeQuorum}. Resolves when the change is committed.
   */
  async addRaftVoter(voter: NewVoter): Promise<void> {
    const { nodeId, directoryId, listeners, clusterId = null } = voter;
    await this.#change(async (controller) => {
      const answer = await controller.request(addRaftVoter, {
        clusterId,
        timeoutMs: this.#client.settings.requestTimeoutMs,
        voterId: nodeId,
        voterDirectoryId: directoryId,
        listeners: [...listeners],
      });
      if (answer.errorCode === ErrorCode.NONE) return;
      throw responseError(
        answer.errorCode,
        `Cannot add controller ${nodeId} to the quorum`,
        answer.errorMessage,
      );
    });
  }

  /** Removes a voter from a dynamic quorum (KIP-853). Resolves when the change is committed. */
  async removeRaftVoter(voter: LeavingVoter): Promise<void> {
    const { nodeId, directoryId, clusterId = null } = voter;
    await this.#change(async (controller) => {
      const answer = await controller.request(removeRaftVoter, {
        clusterId,
        voterId: nodeId,
        voterDirectoryId: directoryId,
      });
      if (answer.errorCode === ErrorCode.NONE) return;
      throw responseError(
        answer.errorCode,
        `Cannot remove controller ${nodeId} from the quorum`,
        answer.errorMessage,
      );
    });
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
