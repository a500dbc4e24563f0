/**
 * The active controller: the one place where the cluster changes. A request is decided from the
 * image (`topics.ts`, `partitions.ts`, `configs.ts`), its records are appended to the metadata log
 * as one batch and applied, and whoever listens has acted on the change before the answer goes out:
 * a topic named in an answer is ready. Requests are carried out one after another.
 *
 * On one node the log is its own quorum. The methods are asynchronous so that a real one can come
 * between deciding and answering.
 *
 * @module
 */
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import type { MetadataDelta, MetadataImage } from "../metadata/image.ts";
import { MAX_RECORDS_PER_BATCH, type MetadataLog } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  type AlterConfigsResult,
  type ConfigChanges,
  type ConfigReplacement,
  decideAlterConfigs,
  decideIncrementalAlterConfigs,
} from "./configs.ts";
import type { Decision } from "./decision.ts";
import {
  decideDirectoryAssignments,
  decideOnlineDirectories,
  type DirectoryAssignment,
} from "./directories.ts";
import { decideElectLeaders, type TopicElectionResult, type TopicElections } from "./elections.ts";
import {
  type CreatePartitionsResult,
  decideCreatePartitions,
  type NewPartitions,
} from "./partitions.ts";
import {
  type BrokerRegistration,
  decideBootstrap,
  decideElections,
  decideRegistration,
} from "./registration.ts";
import {
  type CreateTopicResult,
  decideCreateTopics,
  decideDeleteTopics,
  type DeleteTopicResult,
  type NewTopic,
  type TopicReference,
} from "./topics.ts";

/** How many producer ids a broker is given at a time, as in Apache Kafka. */
const PRODUCER_ID_BLOCK = 1_000;

/** Acts on a change of the cluster. The change is not answered before a promise has settled. */
export type DeltaListener = (delta: MetadataDelta, image: MetadataImage) => void | Promise<void>;

/** What a controller works with. */
export interface ControllerOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly metadataLog: MetadataLog;
  /** This node's configuration. Broker configs set at run time are put in force here. */
  readonly config: BrokerConfig;
  readonly logger: Logger;
}

/** For requests that can be tried without doing anything. */
export interface ValidateOptions {
  /** Answer as if it were done, and do nothing. */
  readonly validateOnly?: boolean;
}

/** How topics are created. */
export interface CreateTopicsOptions extends ValidateOptions {
  /** Lower a replication factor above the number of brokers rather than refuse it. */
  readonly lowerReplicationFactor?: boolean;
}

/** The state of the metadata log, of which this node is the only voter. */
export interface QuorumState {
  readonly leaderEpoch: number;
  /** The offset below which records are on the disk and applied. */
  readonly highWatermark: number;
  readonly logEndOffset: number;
}

/** Decides and carries out every change of the cluster. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #listeners: DeltaListener[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#applyBrokerConfigs();
  }

  /** The cluster as it stands. */
  get image(): MetadataImage {
    return this.#options.metadataLog.image;
  }

  /** The metadata log as it stands. */
  get quorum(): QuorumState {
    const { leaderEpoch, endOffset } = this.#options.metadataLog;
    return { leaderEpoch, highWatermark: this.image.offset + 1, logEndOffset: endOffset };
  }

  /** Calls `listener` after each change, in the order of the calls of this method. */
  onDelta(listener: DeltaListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Begins a new metadata log, registers this node's broker where its registration changed, and makes
   * it lead what has no leader. Comes before any other request.
   */
  start(registration: BrokerRegistration): Promise<void> {
    return this.#inTurn(async () => {
      const { metadataLog } = this.#options;
      const bootstrap = decideBootstrap(this.image);
      const offset = metadataLog.endOffset + bootstrap.length;
      const records = [...bootstrap, ...decideRegistration(registration, this.image, offset)];
      // A start writes the same again when it is lost: it need not wait for the disk.
      await this.#commit(records, false);
      const elections = decideElections(registration.nodeId, this.image);
      for (let at = 0; at < elections.length; at += MAX_RECORDS_PER_BATCH) {
        await this.#commit(elections.slice(at, at + MAX_RECORDS_PER_BATCH));
      }
    });
  }

  /** Resolves when every request so far has been carried out. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Creates topics, each by itself; see {@linkcode decideCreateTopics} for what may go wrong. */
  createTopics(
    topics: readonly NewTopic[],
    options: CreateTopicsOptions = {},
  ): Promise<readonly CreateTopicResult[]> {
    const { runtime, config } = this.#options;
    return this.#carryOut(options, () =>
      decideCreateTopics(topics, {
        image: this.image,
        config,
        newTopicId: () => randomUuid(runtime.random),
        below: (bound) => runtime.random.below(bound),
        lowerReplicationFactor: options.lowerReplicationFactor ?? false,
      }));
  }

  /** Deletes topics, each by itself; see {@linkcode decideDeleteTopics}. */
  deleteTopics(topics: readonly TopicReference[]): Promise<readonly DeleteTopicResult[]> {
    const { config } = this.#options;
    return this.#carryOut({}, () => decideDeleteTopics(topics, { image: this.image, config }));
  }

  /** Adds partitions to topics, each by itself; see {@linkcode decideCreatePartitions}. */
  createPartitions(
    topics: readonly NewPartitions[],
    options: ValidateOptions = {},
  ): Promise<readonly CreatePartitionsResult[]> {
    const { random } = this.#options.runtime;
    const below = (bound: number) => random.below(bound);
    return this.#carryOut(
      options,
      () => decideCreatePartitions(topics, { image: this.image, below }),
    );
  }

  /** Changes single configs of resources; see {@linkcode decideIncrementalAlterConfigs}. */
  incrementalAlterConfigs(
    resources: readonly ConfigChanges[],
    options: ValidateOptions = {},
  ): Promise<readonly AlterConfigsResult[]> {
    const { config } = this.#options;
    return this.#carryOut(
      options,
      () => decideIncrementalAlterConfigs(resources, { image: this.image, config }),
    );
  }

  /** Replaces all configs of resources; see {@linkcode decideAlterConfigs}. */
  alterConfigs(
    resources: readonly ConfigReplacement[],
    options: ValidateOptions = {},
  ): Promise<readonly AlterConfigsResult[]> {
    const { config } = this.#options;
    return this.#carryOut(
      options,
      () => decideAlterConfigs(resources, { image: this.image, config }),
    );
  }

  /** Elects leaders, each partition by itself; see {@linkcode decideElectLeaders}. */
  electLeaders(
    type: number,
    elections: readonly TopicElections[] | null,
  ): Promise<readonly TopicElectionResult[]> {
    const { nodeId } = this.#options.config;
    return this.#carryOut(
      {},
      () => decideElectLeaders(type, elections, { nodeId, image: this.image }),
    );
  }

  /** Gives this node's broker a block of producer ids that nobody was ever given. */
  allocateProducerIds(): Promise<{ first: number; count: number }> {
    const { nodeId } = this.#options.config;
    return this.#inTurn(async () => {
      const first = this.image.nextProducerId;
      if (!Number.isSafeInteger(first + PRODUCER_ID_BLOCK)) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_SERVER_ERROR,
          `Cannot allot producer ids: the next one is ${first}, and ids end at 2^53`,
        );
      }
      await this.#commit([{
        name: "ProducerIdsRecord",
        value: {
          brokerId: nodeId,
          brokerEpoch: this.image.broker(nodeId)?.epoch ?? -1,
          nextProducerId: first + PRODUCER_ID_BLOCK,
        },
      }]);
      return { first, count: PRODUCER_ID_BLOCK };
    });
  }

  /** Writes down in which of its log directories this node's broker has partitions. */
  assignDirectories(assignments: readonly DirectoryAssignment[]): Promise<void> {
    const { nodeId } = this.#options.config;
    return this.#inTurn(async () => {
      const records = decideDirectoryAssignments(nodeId, assignments, this.image);
      for (let at = 0; at < records.length; at += MAX_RECORDS_PER_BATCH) {
        await this.#commit(records.slice(at, at + MAX_RECORDS_PER_BATCH));
      }
    });
  }

  /** Writes down which log directories of this node's broker are in service. */
  reportDirectories(onlineIds: readonly string[]): Promise<void> {
    const { nodeId } = this.#options.config;
    return this.#inTurn(() => this.#commit(decideOnlineDirectories(nodeId, onlineIds, this.image)));
  }

  #carryOut<Result>(
    { validateOnly }: ValidateOptions,
    decide: () => Decision<Result>,
  ): Promise<readonly Result[]> {
    return this.#inTurn(async () => {
      const { records, results } = decide();
      if (records.length > MAX_RECORDS_PER_BATCH) {
        throw new KafkaError(
          ErrorCode.POLICY_VIOLATION,
          `Cannot carry out a request that makes ${records.length} records: ` +
            `${MAX_RECORDS_PER_BATCH} is most, ask for less at once`,
        );
      }
      if (validateOnly !== true) await this.#commit(records);
      return results;
    });
  }

  async #commit(records: readonly MetadataRecordInput[], flush = true): Promise<void> {
    if (records.length === 0) return;
    const { metadataLog, runtime, logger } = this.#options;
    const nowMs = runtime.clock.now();
    const delta = await metadataLog.append(records, { nowMs, flush });
    if (delta.changedConfigs.some(({ type }) => type === ConfigResourceType.BROKER)) {
      this.#applyBrokerConfigs();
    }
    for (const listener of this.#listeners) {
      try {
        await listener(delta, this.image);
      } catch (error) {
        // The change is in the log and stands; what could not follow it is that listener's part.
        logger.log(
          "error",
          `Cannot act on the metadata at offset ${this.image.offset}: ${(error as Error).message}`,
        );
      }
    }
  }

  #applyBrokerConfigs(): void {
    const { config, logger } = this.#options;
    const refused = config.applyDynamic(
      this.image.configs(ConfigResourceType.BROKER, ""),
      this.image.configs(ConfigResourceType.BROKER, String(config.nodeId)),
    );
    for (const sentence of refused) logger.log("warn", sentence);
  }

  /** Runs `work` when all that was asked for before has been carried out. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.then(() => {}, () => {});
    return turn;
  }
}
