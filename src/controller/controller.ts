/**
 * The active controller, which makes all changes to the cluster. A request is decided from the
 * image (`topics.ts`, `partitions.ts`, `configs.ts`), and its records are appended to the metadata
 * log as one batch and applied. All listeners have processed the change before the request is
 * answered, so a topic named in a response is ready for use. Requests are processed one at a time.
 *
 * On a single node, the log is its own quorum. The methods are asynchronous so that replication to
 * a quorum can happen between decision and response.
 *
 * @module
 */
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { MetadataListener } from "../metadata/listener.ts";
import { MAX_RECORDS_PER_BATCH, type MetadataLog } from "../metadata/metadata_log.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { pauseBetweenSlices } from "../log/sliced_work.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  type AssignReplicasDecision,
  type AssignReplicasRequest,
  decideAssignReplicas,
} from "./brokers/directory_assignment.ts";
import {
  type AlterConfigsResult,
  type ConfigChanges,
  type ConfigReplacement,
  decideAlterConfigs,
  decideIncrementalAlterConfigs,
} from "./configs.ts";
import type { Decision } from "./decision.ts";
import { decideOnlineDirectories } from "./directories.ts";
import { decideElectLeaders, type TopicElectionResult, type TopicElections } from "./elections.ts";
import {
  type CreatePartitionsResult,
  decideCreatePartitions,
  type NewPartitions,
} from "./partitions.ts";
import { type AllocateProducerIdsRequest, decideAllocateProducerIds } from "./producer_ids.ts";
import {
  type BrokerRegistration,
  decideBootstrap,
  decideElections,
  decideRegistration,
} from "./registration.ts";
import {
  type CreatableTopic,
  type CreateTopicResult,
  decideCreateTopics,
  decideDeleteTopics,
  type DeleteTopicResult,
  type TopicReference,
} from "./topics.ts";

/** The dependencies of a controller. */
export interface ControllerOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly metadataLog: MetadataLog;
  /** This node's configuration. Dynamic broker configs are applied to it. */
  readonly config: BrokerConfig;
  readonly logger: Logger;
}

/** Options of requests that support a dry run. */
export interface ValidateOptions {
  /** Return the results without making any change. */
  readonly validateOnly?: boolean;
}

/** Options of topic creation. */
export interface CreateTopicsOptions extends ValidateOptions {
  /** Reduce a replication factor above the number of brokers instead of rejecting it. */
  readonly lowerReplicationFactor?: boolean;
}

/** The state of the metadata log, of which this node is the only voter. */
export interface QuorumState {
  readonly leaderEpoch: number;
  /** The offset below which records are durable and applied. */
  readonly highWatermark: number;
  readonly logEndOffset: number;
}

/** Decides and executes every change of the cluster. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #listeners: MetadataListener[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#applyBrokerConfigs();
  }

  /** The current state of the cluster. */
  get image(): MetadataImage {
    return this.#options.metadataLog.image;
  }

  /** The current state of the metadata log. */
  get quorum(): QuorumState {
    const { leaderEpoch, endOffset } = this.#options.metadataLog;
    return { leaderEpoch, highWatermark: this.image.offset + 1, logEndOffset: endOffset };
  }

  /** Registers a listener. Listeners are called in the order of registration. */
  addListener(listener: MetadataListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Initializes a new metadata log, registers this node's broker if its registration changed, and
   * elects it leader of partitions without a leader. Must be called before any other request.
   */
  start(registration: BrokerRegistration): Promise<void> {
    return this.#enqueue(async () => {
      const { metadataLog } = this.#options;
      const bootstrap = decideBootstrap(this.image);
      const offset = metadataLog.endOffset + bootstrap.length;
      const records = [...bootstrap, ...decideRegistration(registration, this.image, offset)];
      // No flush is needed: if these records are lost, the next start writes them again.
      await this.#commit(records, { flush: false });
      const elections = decideElections(registration.nodeId, this.image);
      for (let at = 0; at < elections.length; at += MAX_RECORDS_PER_BATCH) {
        await this.#commit(elections.slice(at, at + MAX_RECORDS_PER_BATCH));
      }
    });
  }

  /** Resolves when all requests made so far have been processed. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /**
   * Creates topics independently of each other. See {@linkcode decideCreateTopics} for the errors.
   */
  createTopics(
    topics: readonly CreatableTopic[],
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

  /** Deletes topics independently of each other; see {@linkcode decideDeleteTopics}. */
  deleteTopics(topics: readonly TopicReference[]): Promise<readonly DeleteTopicResult[]> {
    const { config } = this.#options;
    return this.#carryOut({}, () => decideDeleteTopics(topics, { image: this.image, config }));
  }

  /**
   * Adds partitions to topics independently of each other; see {@linkcode decideCreatePartitions}.
   */
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

  /** Changes individual configs of resources; see {@linkcode decideIncrementalAlterConfigs}. */
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

  /**
   * Elects leaders of partitions independently of each other; see {@linkcode decideElectLeaders}.
   */
  electLeaders(
    type: number,
    elections: readonly TopicElections[] | null,
  ): Promise<readonly TopicElectionResult[]> {
    return this.#carryOut({}, () => decideElectLeaders(type, elections, this.image));
  }

  /** Allocates a block of unused producer ids; see {@linkcode decideAllocateProducerIds}. */
  allocateProducerIds(
    request: AllocateProducerIdsRequest,
  ): Promise<{ readonly producerIdStart: number; readonly producerIdLen: number }> {
    return this.#enqueue(async () => {
      const { records, ...block } = decideAllocateProducerIds(request, this.image);
      await this.#commit(records);
      return block;
    });
  }

  /** Records the log directories of a broker's replicas; see {@linkcode decideAssignReplicas}. */
  assignReplicas(
    request: AssignReplicasRequest,
  ): Promise<Pick<AssignReplicasDecision, "directories">> {
    return this.#enqueue(async () => {
      const { records, directories } = decideAssignReplicas(request, this.image);
      await this.#commit(records);
      return { directories };
    });
  }

  /** Records which log directories of this node are online. */
  reportDirectories(onlineIds: readonly string[]): Promise<void> {
    const { nodeId } = this.#options.config;
    return this.#enqueue(() =>
      this.#commit(decideOnlineDirectories(nodeId, onlineIds, this.image))
    );
  }

  #carryOut<Result>(
    { validateOnly }: ValidateOptions,
    decide: () => Decision<Result>,
  ): Promise<readonly Result[]> {
    return this.#enqueue(async () => {
      // A decision about a thousand topics is a slice of its own.
      const pause = pauseBetweenSlices(this.#options.runtime.clock);
      const { records, results } = decide();
      await pause();
      if (records.length > MAX_RECORDS_PER_BATCH) {
        throw new KafkaError(
          ErrorCode.POLICY_VIOLATION,
          `Cannot execute a request with ${records.length} metadata records: ` +
            `the maximum is ${MAX_RECORDS_PER_BATCH}, split the request`,
        );
      }
      if (validateOnly !== true) await this.#commit(records, { pause });
      return results;
    });
  }

  async #commit(
    records: readonly MetadataRecordInput[],
    options: { readonly flush?: boolean; readonly pause?: Pause } = {},
  ): Promise<void> {
    if (records.length === 0) return;
    const { metadataLog, runtime } = this.#options;
    const { flush = true, pause = pauseBetweenSlices(runtime.clock) } = options;
    await metadataLog.append(records, {
      nowMs: runtime.clock.now(),
      flush,
      pause,
      prepare: (delta, pause) => this.#notify((listener) => listener.prepare?.(delta, pause)),
      apply: (delta, pause) => {
        if (delta.changedConfigs.some(({ type }) => type === ConfigResourceType.BROKER)) {
          this.#applyBrokerConfigs();
        }
        return this.#notify((listener) => listener.apply?.(delta, pause));
      },
    });
    await this.#notify((listener) => listener.finish?.());
  }

  async #notify(call: (listener: MetadataListener) => void | Promise<void>): Promise<void> {
    for (const listener of this.#listeners) {
      try {
        await call(listener);
      } catch (error) {
        // The change is in the log and remains valid; only this listener failed to process it.
        const { metadataLog: { endOffset }, logger } = this.#options;
        logger.log(
          "error",
          `Cannot process the metadata at offset ${endOffset - 1}: ${(error as Error).message}`,
        );
      }
    }
  }

  #applyBrokerConfigs(): void {
    const { config, logger } = this.#options;
    const warnings = config.applyDynamic(
      this.image.configs(ConfigResourceType.BROKER, ""),
      this.image.configs(ConfigResourceType.BROKER, String(config.nodeId)),
    );
    for (const message of warnings) logger.log("warn", message);
  }

  /** Runs `work` after all earlier requests have been processed. */
  #enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.then(() => {}, () => {});
    return turn;
  }
}
