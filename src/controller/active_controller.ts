/**
 * The active controller of one epoch: it makes all changes to the cluster, and watches over its brokers. A
 * request is decided from the state at the end of the log, its records are appended as one batch and applied
 * at once, and the request is answered when they are committed.
 *
 * It exists while its node leads the quorum. When that ends, all that wait fail with NOT_CONTROLLER.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import { pauseBetweenSlices } from "../log/sliced_work.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import type { KafkaError } from "../protocol/errors.ts";
import type { Steps } from "../protocol/records/compression/steps.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BrokerRegistrationRequest } from "./brokers/broker_registration.ts";
import { BrokerWatch, type HeartbeatResult } from "./brokers/broker_watch.ts";
import {
  type AssignReplicasDecision,
  type AssignReplicasRequest,
  decideAssignReplicas,
} from "./brokers/directory_assignment.ts";
import { electLeaderless } from "./brokers/fencing.ts";
import type { HeartbeatRequest } from "./brokers/heartbeats.ts";
import {
  type AlterConfigsResult,
  type ConfigChanges,
  type ConfigReplacement,
  decideAlterConfigs,
  decideIncrementalAlterConfigs,
} from "./configs.ts";
import {
  type ControllerRegistrationRequest,
  decideControllerRegistration,
  decideUnregisterController,
} from "./controller_registration.ts";
import type { Decision } from "./decision.ts";
import {
  type Decided,
  type DecisionLog,
  type DecisionOptions,
  DecisionQueue,
} from "./active/decision_queue.ts";
import type { DecisionState } from "./active/decision_state.ts";
import { decideOnlineDirectories } from "./directories.ts";
import { decideElectLeaders, type TopicElectionResult, type TopicElections } from "./elections.ts";
import { decideUpdateFeatures, type UpdateFeaturesRequest } from "./features.ts";
import { IdleLog } from "./active/idle_log.ts";
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

/** Options of requests that support a dry run. */
export interface ValidateOptions {
  /** Return the results without making any change. */
  readonly validateOnly?: boolean;
}

/** Options of topic creation. */
export interface CreateTopicsOptions extends ValidateOptions {
  /** Reduce a replication factor that is too high instead of rejecting it. */
  readonly lowerReplicationFactor?: boolean;
}

/** The quorum that the controller leads. */
export interface LedQuorum extends DecisionLog {
  /** The level of `kraft.version`. */
  readonly kraftVersion: number;
  /** Whether any other node reads the log. */
  readonly hasFollowers: boolean;
  /** Raises `kraft.version` to 1. Throws the reason if that is refused. */
  upgradeKRaftVersion(): void;
  /** Gives up the leadership after a fault. */
  resign(): void;
}

/** The dependencies of an active controller. */
export interface ActiveControllerOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly clusterId: string;
  readonly epoch: number;
  readonly quorum: LedQuorum;
  readonly state: DecisionState;
  /** Maximum number of replicas of a new partition. Defaults to any number. */
  readonly maxReplicas?: number;
  /** The records of `bootstrap.checkpoint`, which a new cluster begins with; empty for the defaults. */
  readonly bootstrapRecords: readonly MetadataRecordInput[];
}

export type { HeartbeatResult };

/** The controller of one epoch. */
export class ActiveController {
  readonly epoch: number;
  readonly #options: ActiveControllerOptions;
  readonly #queue: DecisionQueue;
  readonly #brokers: BrokerWatch;
  readonly #idleLog: IdleLog;

  constructor(options: ActiveControllerOptions) {
    const { runtime: { clock }, config, epoch, quorum, state, logger, clusterId } = options;
    this.epoch = epoch;
    this.#options = options;
    this.#queue = new DecisionQueue({
      epoch,
      log: quorum,
      state,
      now: () => clock.now(),
      newPause: () => pauseBetweenSlices(clock),
      onFault: (error) => {
        logger.log(
          "error",
          `Resigned as the active controller of epoch ${epoch}: ${(error as Error).message}`,
        );
        quorum.resign();
      },
    });
    this.#idleLog = new IdleLog({
      clock,
      maxIdleIntervalMs: config.metadataLogSettings.maxIdleIntervalMs,
      hasFollowers: () => quorum.hasFollowers,
      append: (records) => this.#appendIdle(records),
    });
    this.#brokers = new BrokerWatch({
      clock,
      logger,
      ...config.brokerLifecycle,
      image: state.image,
      registrationContext: {
        clusterId,
        controllerListenerNames: config.controllerListenerNames,
      },
      run: (decide, decision) => this.#run(decide, decision),
    });
  }

  /** The state that decisions are made from. */
  get image(): MetadataImage {
    return this.#options.state.image;
  }

  /**
   * Completes what an earlier controller left unfinished, and begins the sessions of the brokers. Resolves
   * when that is committed; requests may be made at once, and are decided after it.
   */
  async begin(isInTransaction: boolean): Promise<void> {
    this.#brokers.begin();
    const initial = this.#run(() => ({
      records: [...(isInTransaction ? [abortRecord()] : []), ...this.#bootstrapRecords()],
      result: undefined,
    }));
    const elections = this.#run(
      () => ({ records: electLeaderless(this.image), result: undefined }),
      { isDivisible: true },
    );
    await Promise.all([initial, elections]);
  }

  /** Answers what is committed. */
  onCommitted(offset: number): void {
    this.#queue.onCommitted(offset);
  }

  /** Ends with the leadership. */
  end(reason: KafkaError): void {
    this.#brokers.stop();
    this.#idleLog.stop();
    this.#queue.end(reason);
  }

  /** Resolves when no decision is being carried out. Call after `end()`. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  /** Creates topics independently of each other. See {@linkcode decideCreateTopics} for the errors. */
  createTopics(
    topics: readonly CreatableTopic[],
    options: CreateTopicsOptions = {},
  ): Promise<readonly CreateTopicResult[]> {
    const { runtime: { random }, config, maxReplicas = Infinity } = this.#options;
    return this.#carryOut(options, () =>
      decideCreateTopics(topics, {
        image: this.image,
        config,
        newTopicId: () => randomUuid(random),
        below: (bound) => random.below(bound),
        maxReplicas,
        lowerReplicationFactor: options.lowerReplicationFactor ?? false,
      }));
  }

  /** Deletes topics independently of each other; see {@linkcode decideDeleteTopics}. */
  deleteTopics(topics: readonly TopicReference[]): Promise<readonly DeleteTopicResult[]> {
    const { config } = this.#options;
    return this.#carryOut({}, () => decideDeleteTopics(topics, { image: this.image, config }));
  }

  /** Adds partitions to topics independently of each other; see {@linkcode decideCreatePartitions}. */
  createPartitions(
    topics: readonly NewPartitions[],
    options: ValidateOptions = {},
  ): Promise<readonly CreatePartitionsResult[]> {
    const { runtime: { random }, maxReplicas = Infinity } = this.#options;
    const below = (bound: number) => random.below(bound);
    return this.#carryOut(
      options,
      () => decideCreatePartitions(topics, { image: this.image, below, maxReplicas }),
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

  /** Elects leaders of partitions independently of each other; see {@linkcode decideElectLeaders}. */
  electLeaders(
    type: number,
    elections: readonly TopicElections[] | null,
  ): Promise<readonly TopicElectionResult[]> {
    return this.#carryOut({}, () => decideElectLeaders(type, elections, this.image));
  }

  /** Allocates a block of unused producer ids to a broker; see {@linkcode decideAllocateProducerIds}. */
  allocateProducerIds(
    request: AllocateProducerIdsRequest,
  ): Promise<{ readonly producerIdStart: number; readonly producerIdLen: number }> {
    return this.#run(() => {
      const { records, ...result } = decideAllocateProducerIds(request, this.image);
      return { records, result };
    });
  }

  /** Records the log directories of a broker's replicas; see {@linkcode decideAssignReplicas}. */
  assignReplicas(
    request: AssignReplicasRequest,
  ): Promise<Pick<AssignReplicasDecision, "directories">> {
    return this.#run(() => {
      const { records, directories } = decideAssignReplicas(request, this.image);
      return { records, result: { directories } };
    }, { isDivisible: true });
  }

  /** Registers a broker; see {@linkcode BrokerWatch.register}. */
  registerBroker(request: BrokerRegistrationRequest): Promise<{ readonly brokerEpoch: number }> {
    return this.#brokers.register(request);
  }

  /** Processes a heartbeat; see {@linkcode BrokerWatch.heartbeat}. */
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    return this.#brokers.heartbeat(request);
  }

  /** Removes a broker from the cluster. Throws BROKER_ID_NOT_REGISTERED. */
  unregisterBroker(brokerId: number): Promise<void> {
    return this.#brokers.unregister(brokerId);
  }

  /** Registers a controller; see {@linkcode decideControllerRegistration}. */
  registerController(request: ControllerRegistrationRequest): Promise<void> {
    return this.#run(() => ({
      records: decideControllerRegistration(request, {
        image: this.image,
        registered: this.image.controller(request.controllerId),
      }),
      result: undefined,
    }));
  }

  /** Removes the registration of a controller; see {@linkcode decideUnregisterController}. */
  unregisterController(controllerId: number): Promise<void> {
    return this.#run(() => ({
      records: decideUnregisterController(controllerId, {
        image: this.image,
        registered: this.image.controller(controllerId),
      }),
      result: undefined,
    }), { isForClient: true });
  }

  /** Changes feature levels; see {@linkcode decideUpdateFeatures}. */
  updateFeatures(request: UpdateFeaturesRequest, options: ValidateOptions = {}): Promise<void> {
    const { quorum } = this.#options;
    return this.#run(() => {
      const { records, kraftVersion } = decideUpdateFeatures(request, {
        image: this.image,
        controllers: this.image.controllers(),
        kraftVersion: quorum.kraftVersion,
      });
      // Its refusal refuses the whole request.
      if (kraftVersion !== null && options.validateOnly !== true) quorum.upgradeKRaftVersion();
      return { records, result: undefined };
    }, { ...options, isForClient: true });
  }

  /**
   * Registers the broker of this process, which is the only node of its cluster, in service at once: it needs
   * no session, since it ends with its controller.
   */
  async registerOwnBroker(registration: BrokerRegistration): Promise<void> {
    const { quorum } = this.#options;
    const { nodeId } = registration;
    const registered = this.#run(() => ({
      records: decideRegistration(registration, this.image, quorum.endOffset),
      result: undefined,
    }), { onApplied: () => this.#brokers.forget(nodeId) });
    const elected = this.#run(
      () => ({ records: decideElections(nodeId, this.image), result: undefined }),
      { isDivisible: true },
    );
    await Promise.all([registered, elected]);
  }

  /** Records which log directories of the own broker are online. */
  reportOwnDirectories(onlineIds: readonly string[]): Promise<void> {
    const { nodeId } = this.#options.config;
    return this.#run(() => ({
      records: decideOnlineDirectories(nodeId, onlineIds, this.image),
      result: undefined,
    }));
  }

  /**
   * Records that all connections of a broker have ended. Returns whether the caller should try to connect to
   * its listener and report a refusal with {@linkcode ActiveController.refused}.
   */
  connectionsClosed(brokerId: number): boolean {
    return this.#brokers.connectionsClosed(brokerId);
  }

  /** Fences a broker whose connections have ended and whose listener refuses a connection. */
  refused(brokerId: number): void {
    this.#brokers.refused(brokerId);
  }

  #carryOut<Result>(
    { validateOnly = false }: ValidateOptions,
    decide: () => Steps<Decision<Result>>,
  ): Promise<readonly Result[]> {
    return this.#run(function* () {
      const { records, results } = yield* decide();
      return { records, result: results };
    }, { validateOnly, isForClient: true });
  }

  #run<Result>(
    decide: () => Decided<Result> | Steps<Decided<Result>>,
    options: DecisionOptions = {},
  ): Promise<Result> {
    return this.#queue.run(decide, {
      ...options,
      onApplied: (lastOffset) => {
        this.#idleLog.onApplied(lastOffset);
        options.onApplied?.(lastOffset);
      },
    });
  }

  /** Returns the first records of a new cluster, or nothing if the cluster has them. */
  #bootstrapRecords(): readonly MetadataRecordInput[] {
    const defaults = decideBootstrap(this.image);
    const { bootstrapRecords } = this.#options;
    return defaults.length > 0 && bootstrapRecords.length > 0 ? bootstrapRecords : defaults;
  }

  #appendIdle(records: readonly MetadataRecordInput[]): void {
    this.#run(() => ({ records, result: undefined })).catch(() => {
      // Not committed by this controller. The next one appends its own.
    });
  }
}

function abortRecord(): MetadataRecordInput {
  return {
    name: "AbortTransactionRecord",
    value: { reason: "The controller that began the transaction leads no more" },
  };
}
