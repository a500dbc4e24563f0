/**
 * The broker role of a node: registers with the controller, opens the partitions that the metadata
 * assign to it, follows changes of the metadata, and dispatches requests to its handlers.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Controller } from "../controller/controller.ts";
import { localController } from "../controller/requests/local_controller.ts";
import type { BrokerRegistration } from "../controller/registration.ts";
import { DECIDED_BY_CONTROLLER } from "../controller/requests/supported.ts";
import { GroupCoordinator } from "../groups/group_coordinator.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import { pauseAtStart, SlicedWork } from "../log/sliced_work.ts";
import type { Logger } from "../logger.ts";
import { Dispatcher, type DispatcherOptions } from "../network/server/dispatch.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { randomUuid } from "../protocol/uuid.ts";
import { NO_FLUSH_BY_TIME } from "../replication/background_flush.ts";
import type { PartitionNeeds } from "../replication/partition.ts";
import { PartitionFlusher } from "../replication/partition_flusher.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import { StorageFailures } from "../replication/storage_failures.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ControllerChannel } from "./controller_channel.ts";
import { DirectoryAssignments } from "./directory_assignments.ts";
import { FetchSessionCache } from "./fetch_session_cache.ts";
import { Forwarding } from "./forwarding.ts";
import { MetadataApplier, type MetadataLoss } from "./metadata_applier.ts";
import { blocksFrom, ProducerIds } from "./producer_ids.ts";
import type { BrokerNeeds } from "./supported.ts";

/** How long a request to the active controller is retried, ms: Kafka's default for `request.timeout.ms`. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The requests that a broker serves. */
export type BrokerHandlers = DispatcherOptions<BrokerNeeds>["handlers"];

/** The parts of the node that its broker uses. */
export interface BrokerOptions extends Pick<BrokerNeeds, "advertisedAddress"> {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly controller: Controller;
  readonly logs: LogManager;
  /** Filled by the broker. */
  readonly partitions: PartitionTable;
  readonly logger: Logger;
  readonly handlers: BrokerHandlers;
  /** Called for each request before its handler, the first one first: for fault injection. */
  readonly interceptors: readonly Interceptor<BrokerNeeds>[];
}

/** The broker of a node. */
export class Broker {
  /** Passes requests to the broker's handlers. */
  readonly dispatcher: Dispatcher<BrokerNeeds>;
  readonly #options: BrokerOptions;
  readonly #partitionNeeds: PartitionNeeds;
  readonly #fetchSessions: FetchSessionCache;
  readonly #groups: GroupCoordinator;
  readonly #applier: MetadataApplier;
  readonly #channel: ControllerChannel;
  readonly #assignments: DirectoryAssignments;

  constructor(options: BrokerOptions) {
    const { runtime, config, controller, logs, partitions, logger, advertisedAddress } = options;
    const { clock, random } = runtime;
    this.#options = options;
    this.#partitionNeeds = {
      flusher: new PartitionFlusher(clock, () => {
        const intervalMs = config.logFlushSchedulerIntervalMs;
        return intervalMs === NO_FLUSH_BY_TIME ? 0 : intervalMs;
      }),
      slicedWork: new SlicedWork(clock),
      failures: new StorageFailures(clock, (message) => logger.log("error", message)),
    };
    this.#fetchSessions = new FetchSessionCache(
      clock,
      random,
      () => config.maxIncrementalFetchSessionCacheSlots,
    );
    this.#groups = new GroupCoordinator({
      clock,
      random,
      config,
      note: (text) => logger.log("debug", text),
    });
    this.#applier = new MetadataApplier(
      config.nodeId,
      config,
      logs,
      partitions,
      this.#partitionNeeds,
      () => controller.image,
      logger,
      (assignments) => this.#assignments.add(assignments),
      runtime,
    );
    this.#channel = channelTo(options);
    const registration = { nodeId: config.nodeId, brokerEpoch: () => this.#brokerEpoch };
    this.#assignments = new DirectoryAssignments({
      runtime,
      channel: this.#channel,
      ...registration,
      image: () => controller.image,
      logger,
    });
    const services: BrokerNeeds = {
      clock: runtime.clock,
      nodeId: config.nodeId,
      clusterId: logs.clusterId,
      config,
      image: () => controller.image,
      advertisedAddress,
      controller,
      partitions,
      logs,
      slicedWork: this.#partitionNeeds.slicedWork,
      fetchSessions: this.#fetchSessions,
      forwarding: new Forwarding({
        channel: this.#channel,
        // The controller of this process has applied a change before it answers.
        waitFor: () => Promise.resolve(),
        clock,
        logger,
        timeoutMs: REQUEST_TIMEOUT_MS,
      }),
      producerIds: new ProducerIds(blocksFrom(this.#channel, registration)),
      groups: this.#groups,
      codecs: () => runtime.codecs(),
    };
    this.dispatcher = new Dispatcher({
      handlers: options.handlers,
      services,
      logger,
      interceptors: options.interceptors,
    });
  }

  /**
   * Registers with the controller, opens every partition that the metadata assign to this node, and
   * resolves when the broker can serve requests.
   */
  async start(
    endpoints: BrokerRegistration["endpoints"],
    metadataLoss: MetadataLoss | null,
  ): Promise<void> {
    const { runtime, config, controller, logs } = this.#options;
    const applier = this.#applier;
    await controller.start({
      nodeId: config.nodeId,
      incarnationId: randomUuid(runtime.random),
      endpoints,
      rack: config.rack,
      logDirs: logs.onlineIds,
    });
    logs.brokerEpoch = this.#brokerEpoch;
    const pause = pauseAtStart(runtime.clock);
    for (const directory of logs.directories) {
      await directory.openAllInSteps((topic) => applier.logConfig(topic), pause);
    }
    await applier.hostAll(metadataLoss, pause);
    // Otherwise a second power failure could restore the torn tail.
    if (!logs.wasShutDownCleanly) await logs.each((directory) => directory.flushRepaired());
    // With flush.messages=1 consumers must find what was acknowledged before the start.
    await this.#partitionNeeds.flusher.settled();
    await controller.reportDirectories(logs.onlineIds);
    this.#followMetadata();
    if (logs.wasShutDownCleanly) return;
    this.#logFailure(logs.each((directory) => directory.flushUncertain()));
  }

  /** The epoch of the broker's registration, -1 before the first. */
  get #brokerEpoch(): number {
    const { config, controller } = this.#options;
    return controller.image.broker(config.nodeId)?.epoch ?? -1;
  }

  /** Applies every change of the metadata before it is answered. */
  #followMetadata(): void {
    const { config, controller, logs } = this.#options;
    const applier = this.#applier;
    let hasDeleted = false;
    controller.addListener({
      prepare: (delta, pause) => applier.prepare(delta, pause),
      apply: async (delta, pause) => {
        await applier.apply(delta, pause);
        this.#groups.onTopicsDeleted(delta.deletedTopics.map(({ name }) => name));
        hasDeleted ||= delta.deletedTopics.length > 0;
      },
      finish: async () => {
        applier.finish();
        // The next change begins once this has ended, when the names are free.
        if (hasDeleted) await logs.each((directory) => directory.flushDirectory());
        hasDeleted = false;
      },
    });
    config.onChange(() => applier.onBrokerConfigChange());
  }

  /** Tells the controller which data directories are in service, after one has failed. */
  reportDirectories(): void {
    const { controller, logs } = this.#options;
    this.#logFailure(controller.reportDirectories(logs.onlineIds));
  }

  /** Starts no more work, and fails the requests that wait. */
  stop(): void {
    this.#applier.shutdown();
    this.#assignments.stop();
    this.#channel.close();
    this.#groups.shutdown();
    this.#partitionNeeds.flusher.stop();
    this.#fetchSessions.shutdown();
    const reason = shuttingDown();
    for (const partition of this.#options.partitions) partition.failWaiting(reason);
  }

  /** Resolves when no work of the broker and the controller is under way. Call after `stop`. */
  async settled(): Promise<void> {
    const { flusher, slicedWork } = this.#partitionNeeds;
    await slicedWork.stop();
    await this.#options.controller.settled();
    await flusher.settled();
  }

  /** Logs the failure of work that no caller waits for. */
  #logFailure(work: Promise<void>): void {
    work.catch((error) => this.#options.logger.log("error", (error as Error).message));
  }
}

/** Returns the channel to the controller of this process, which is the only one. */
function channelTo({ runtime, config, controller }: BrokerOptions): ControllerChannel {
  const { clock } = runtime;
  const { nodeId, quorumTiming: { retryBackoffMs } } = config;
  return new ControllerChannel({
    runtime,
    nodeId,
    location: {
      current: () => ({ id: nodeId, address: null }),
      changed: () => new Promise(() => {}),
    },
    own: {
      ...localController({
        handlers: DECIDED_BY_CONTROLLER,
        services: { clock, config, controller },
      }),
      committedOffset: () => controller.image.offset,
    },
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    retryBackoffMs,
  });
}

function shuttingDown(): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    "Cannot finish the request: the broker is shutting down",
  );
}
