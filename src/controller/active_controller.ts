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
import { randomUuid } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  type BrokerRegistrationRequest,
  decideBrokerRegistration,
} from "./brokers/broker_registration.ts";
import {
  type AssignReplicasDecision,
  type AssignReplicasRequest,
  decideAssignReplicas,
} from "./brokers/directory_assignment.ts";
import { decideFence, decideUnregister, electLeaderless } from "./brokers/fencing.ts";
import { decideHeartbeat, type HeartbeatRequest } from "./brokers/heartbeats.ts";
import { BrokerLiveness, type ExpiredBroker } from "./brokers/liveness.ts";
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
} from "./decision_queue.ts";
import type { DecisionState } from "./decision_state.ts";
import {
  decideDirectoryAssignments,
  decideOnlineDirectories,
  type DirectoryAssignment,
} from "./directories.ts";
import { decideElectLeaders, type TopicElectionResult, type TopicElections } from "./elections.ts";
import { decideUpdateFeatures, type UpdateFeaturesRequest } from "./features.ts";
import { decideNoOp, noOpDueAt } from "./no_op.ts";
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
import { Timetable } from "./timetable.ts";
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
  /** Reduce a replication factor above the number of brokers instead of rejecting it. */
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
  /** The records of `bootstrap.checkpoint`, which a new cluster begins with; empty for the defaults. */
  readonly bootstrapRecords: readonly MetadataRecordInput[];
}

/** The answer to a heartbeat. */
export interface HeartbeatResult {
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** The controller of one epoch. */
export class ActiveController {
  readonly epoch: number;
  readonly #options: ActiveControllerOptions;
  readonly #queue: DecisionQueue;
  readonly #liveness: BrokerLiveness;
  readonly #timetable: Timetable;
  #lastAppendMs: number;

  constructor(options: ActiveControllerOptions) {
    const { runtime: { clock }, config, epoch, quorum, state, logger } = options;
    this.epoch = epoch;
    this.#options = options;
    this.#lastAppendMs = clock.monotonicMs();
    const { sessionTimeoutMs } = config.brokerLifecycle;
    this.#liveness = new BrokerLiveness({ sessionTimeoutMs });
    this.#timetable = new Timetable(clock, (lateMs) => this.#onTimer(lateMs));
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
  }

  /** The state that decisions are made from. */
  get image(): MetadataImage {
    return this.#options.state.image;
  }

  /**
   * Completes what an earlier controller left unfinished, and begins the sessions of the brokers. Resolves
   * when that is appended; requests may be made at once, and wait for it.
   */
  async begin(isInTransaction: boolean): Promise<void> {
    const { bootstrapRecords } = this.#options;
    this.#liveness.begin(this.image.brokers(), this.#now);
    const initial = this.#run(() => ({
      records: [
        ...(isInTransaction ? [abortRecord()] : []),
        ...(decideBootstrap(this.image).length === 0
          ? []
          : bootstrapRecords.length > 0
          ? bootstrapRecords
          : decideBootstrap(this.image)),
      ],
      result: undefined,
    }));
    const elections = this.#run(
      () => ({ records: electLeaderless(this.image), result: undefined }),
      { isDivisible: true },
    );
    this.#schedule();
    await Promise.all([initial, elections]);
  }

  /** Answers what is committed. */
  onCommitted(offset: number): void {
    this.#queue.onCommitted(offset);
  }

  /** Ends with the leadership. */
  end(reason: KafkaError): void {
    this.#timetable.stop();
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
    const { runtime: { random }, config } = this.#options;
    return this.#carryOut(options, () =>
      decideCreateTopics(topics, {
        image: this.image,
        config,
        newTopicId: () => randomUuid(random),
        below: (bound) => random.below(bound),
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

  /** Registers a broker; see {@linkcode decideBrokerRegistration}. */
  async registerBroker(
    request: BrokerRegistrationRequest,
  ): Promise<{ readonly brokerEpoch: number }> {
    const { config, clusterId } = this.#options;
    const { brokerId } = request;
    let brokerEpoch = -1;
    await this.#run(() => {
      const before = this.image.broker(brokerId);
      const { cleanup, register } = decideBrokerRegistration(request, {
        image: this.image,
        clusterId,
        hasSession: before !== undefined &&
          this.#liveness.hasSession(brokerId, before.epoch, this.#now),
        isKnownDead: this.#liveness.isKnownDead(brokerId),
        controllerListenerNames: config.controllerListenerNames,
      });
      const epilogue = (offset: number) => {
        const registered = register(offset);
        ({ brokerEpoch } = registered);
        return registered.records;
      };
      return { records: cleanup, epilogue, result: undefined };
    }, {
      isDivisible: true,
      onApplied: () => {
        this.#liveness.register(brokerId, brokerEpoch, this.#now);
        this.#schedule();
      },
    });
    return { brokerEpoch };
  }

  /** Processes a heartbeat; see {@linkcode decideHeartbeat}. */
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const { brokerId, brokerEpoch, currentMetadataOffset } = request;
    const liveness = this.#liveness;
    // Noted before the request waits for its turn, so that a busy controller fences no live broker.
    liveness.touch(brokerId, brokerEpoch, this.#now, currentMetadataOffset);
    this.#schedule();
    let state: string;
    return this.#run(() => {
      const others = [...this.image.brokers()].filter((broker) =>
        broker.id !== brokerId && !broker.fenced && !broker.inControlledShutdown
      );
      const shutdownOffset = liveness.shutdownOffset(brokerId);
      const decision = decideHeartbeat(request, {
        image: this.image,
        lowestActiveOffset: liveness.lowestOffset(others.map(({ id }) => id)),
        ...(shutdownOffset !== undefined && { shutdownOffset }),
      });
      state = decision.state;
      const { records, isCaughtUp, isFenced, shouldShutDown } = decision;
      return { records, result: { isCaughtUp, isFenced, shouldShutDown } };
    }, {
      isDivisible: true,
      isReadOfUncommitted: true,
      onApplied: (lastOffset) => {
        if (state === "controlled shutdown") liveness.beginShutdown(brokerId, lastOffset);
        if (state === "shut down") liveness.end(brokerId);
        this.#schedule();
      },
    });
  }

  /** Removes a broker from the cluster. Throws BROKER_ID_NOT_REGISTERED. */
  unregisterBroker(brokerId: number): Promise<void> {
    return this.#run(
      () => ({ records: decideUnregister(brokerId, this.image), result: undefined }),
      { isDivisible: true, onApplied: () => this.#liveness.remove(brokerId) },
    );
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
    }));
  }

  /** Changes feature levels; see {@linkcode decideUpdateFeatures}. */
  updateFeatures(request: UpdateFeaturesRequest, options: ValidateOptions = {}): Promise<void> {
    const { quorum } = this.#options;
    let kraftVersion: number | null = null;
    return this.#run(() => {
      const decision = decideUpdateFeatures(request, {
        image: this.image,
        controllers: this.image.controllers(),
        kraftVersion: quorum.kraftVersion,
      });
      ({ kraftVersion } = decision);
      return { records: decision.records, result: undefined };
    }, {
      ...options,
      onApplied: () => {
        if (kraftVersion !== null) quorum.upgradeKRaftVersion();
      },
    });
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
    }));
    const elected = this.#run(
      () => ({ records: decideElections(nodeId, this.image), result: undefined }),
      { isDivisible: true },
    );
    await Promise.all([registered, elected]);
    this.#liveness.remove(nodeId);
  }

  /** Records the log directories of the own broker's replicas. */
  assignOwnDirectories(assignments: readonly DirectoryAssignment[]): Promise<void> {
    const { nodeId } = this.#options.config;
    return this.#run(() => ({
      records: decideDirectoryAssignments(nodeId, assignments, this.image),
      result: undefined,
    }), { isDivisible: true });
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
    return this.#liveness.connectionsClosed(brokerId, this.#now);
  }

  /** Fences a broker whose connections have ended and whose listener refuses a connection. */
  refused(brokerId: number): void {
    const expired = this.#liveness.refused(brokerId);
    if (expired !== undefined) this.#fence(expired, "its process has ended");
  }

  get #now(): number {
    return this.#options.runtime.clock.monotonicMs();
  }

  #carryOut<Result>(
    { validateOnly = false }: ValidateOptions,
    decide: () => Decision<Result>,
  ): Promise<readonly Result[]> {
    return this.#run(() => {
      const { records, results } = decide();
      return { records, result: results };
    }, { validateOnly });
  }

  #run<Result>(
    decide: () => Decided<Result>,
    options: DecisionOptions = {},
  ): Promise<Result> {
    const before = this.#queue.lastOffset;
    return this.#queue.run(decide, {
      ...options,
      onApplied: (lastOffset) => {
        if (lastOffset > before) this.#lastAppendMs = this.#now;
        options.onApplied?.(lastOffset);
      },
    });
  }

  #fence({ brokerId, brokerEpoch }: ExpiredBroker, reason: string): void {
    const { logger } = this.#options;
    let isFenced = false;
    this.#run(() => {
      // It may have registered again while this decision waited for its turn.
      const isSame = this.image.broker(brokerId)?.epoch === brokerEpoch;
      const records = isSame ? [...decideFence(brokerId, this.image)] : [];
      isFenced = records.length > 0;
      return { records, result: undefined };
    }, { isDivisible: true, onApplied: () => this.#schedule() }).then(() => {
      if (isFenced) logger.log("warn", `Fenced broker ${brokerId}: ${reason}`);
    }, () => {
      // The next active controller gives the broker a new session.
    });
  }

  #onTimer(lateMs: number): void {
    const now = this.#now;
    // Heartbeats may have come that this controller has not read while it was held up.
    if (lateMs > 0) this.#liveness.extendAll(lateMs);
    const expired = this.#liveness.sweep(now);
    if (expired !== undefined) {
      this.#fence(expired, "it has sent no heartbeat for a session timeout");
    }
    this.#appendNoOp(now);
    this.#schedule();
  }

  #appendNoOp(now: number): void {
    if (!this.#options.quorum.hasFollowers) return;
    const records = decideNoOp(this.#noOpInput, now);
    if (records.length === 0) return;
    this.#lastAppendMs = now;
    this.#run(() => ({ records, result: undefined })).catch(() => {
      // Not committed by this controller. The next one appends its own.
    });
  }

  get #noOpInput() {
    const { maxIdleIntervalMs } = this.#options.config.metadataLogSettings;
    return { lastAppendMs: this.#lastAppendMs, maxIdleIntervalMs };
  }

  #schedule(): void {
    const noOp = this.#options.quorum.hasFollowers ? noOpDueAt(this.#noOpInput) : undefined;
    this.#timetable.wakeAt(Math.min(this.#liveness.nextDeadline ?? Infinity, noOp ?? Infinity));
  }
}

function abortRecord(): MetadataRecordInput {
  return {
    name: "AbortTransactionRecord",
    value: { reason: "The controller that began the transaction leads no more" },
  };
}
