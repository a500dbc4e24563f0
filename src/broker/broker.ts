/**
 * The broker role of a node: registers with the controller, opens the partitions that the metadata
 * assign to it, follows changes of the metadata, and dispatches requests to its handlers.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import type { BrokerRegistration } from "../controller/registration.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import { pauseAtStart, SlicedWork } from "../log/sliced_work.ts";
import type { Logger } from "../logger.ts";
import type { MetadataLoader } from "../metadata/loader.ts";
import { Dispatcher, type DispatcherOptions } from "../network/server/dispatch.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { NO_FLUSH_BY_TIME } from "../replication/background_flush.ts";
import type { PartitionNeeds } from "../replication/partition.ts";
import { PartitionFlusher } from "../replication/partition_flusher.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import { StorageFailures } from "../replication/storage_failures.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ControllerChannel } from "./controller_channel.ts";
import { DirectoryAssignments } from "./directory_assignments.ts";
import { applyDynamicConfigs } from "./dynamic_configs.ts";
import { FetchSessionCache } from "./fetch_session_cache.ts";
import { Forwarding } from "./forwarding.ts";
import { type GroupParts, GroupsOnDemand } from "./groups/groups_on_demand.ts";
import type { BrokerMembership } from "./lifecycle/membership.ts";
import { MetadataApplier, type MetadataLoss } from "./metadata_applier.ts";
import { blocksFrom, ProducerIds } from "./producer_ids.ts";
import type { BrokerNeeds } from "./supported.ts";

/** How long the answer to a forwarded request waits for the own image, ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What a broker provides to its handlers. */
export interface BrokerServices extends BrokerNeeds {
  /** Provides `groups`, which must be loaded before it is used. */
  readonly groupsOnDemand: Pick<GroupsOnDemand, "load">;
}

/** The requests that a broker serves. */
export type BrokerHandlers = DispatcherOptions<BrokerServices>["handlers"];

/** The parts of the node that its broker uses. */
export interface BrokerOptions extends Pick<BrokerNeeds, "advertisedAddress"> {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  /** The committed metadata of the cluster. */
  readonly metadata: MetadataLoader;
  readonly membership: BrokerMembership;
  /** Reaches the active controller. */
  readonly channel: ControllerChannel;
  readonly raft: BrokerNeeds["raft"];
  readonly logs: LogManager;
  /** Filled by the broker. */
  readonly partitions: PartitionTable;
  readonly logger: Logger;
  readonly handlers: BrokerHandlers;
  /** The code of groups, or the function that loads it. */
  readonly groupParts: GroupParts | (() => Promise<GroupParts>);
  /** Called for each request before its handler, the first one first: for fault injection. */
  readonly interceptors: readonly Interceptor<BrokerNeeds>[];
}

/** The broker of a node. */
export class Broker {
  /** Passes requests to the broker's handlers. */
  readonly dispatcher: Dispatcher<BrokerServices>;
  readonly #options: BrokerOptions;
  readonly #partitionNeeds: PartitionNeeds;
  readonly #fetchSessions: FetchSessionCache;
  readonly #groups: GroupsOnDemand;
  readonly #applier: MetadataApplier;
  readonly #assignments: DirectoryAssignments;

  constructor(options: BrokerOptions) {
    const { runtime, config, metadata, membership, raft, logs, partitions, logger } = options;
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
    const groups = this.#groups = new GroupsOnDemand(options.groupParts, {
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
      () => metadata.image,
      logger,
      (assignments) => this.#assignments.add(assignments),
      runtime,
    );
    const registration = { nodeId: config.nodeId, brokerEpoch: () => membership.brokerEpoch };
    this.#assignments = new DirectoryAssignments({
      runtime,
      channel: options.channel,
      ...registration,
      image: () => metadata.image,
      logger,
    });
    const services: BrokerServices = {
      clock: runtime.clock,
      nodeId: config.nodeId,
      clusterId: logs.clusterId,
      config,
      image: () => metadata.image,
      advertisedAddress: options.advertisedAddress,
      raft,
      partitions,
      logs,
      slicedWork: this.#partitionNeeds.slicedWork,
      fetchSessions: this.#fetchSessions,
      forwarding: new Forwarding({
        channel: options.channel,
        waitFor: (offset) => metadata.waitFor(offset),
        clock,
        logger,
        timeoutMs: REQUEST_TIMEOUT_MS,
      }),
      producerIds: new ProducerIds(blocksFrom(options.channel, registration)),
      get groups() {
        return groups.coordinator;
      },
      groupsOnDemand: groups,
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
    const { runtime, config, metadata, membership, logs, logger } = this.#options;
    const applier = this.#applier;
    await membership.register({ endpoints, directoryIds: logs.onlineIds });
    logs.brokerEpoch = membership.brokerEpoch;
    applyDynamicConfigs(config, metadata.image, logger);
    const pause = pauseAtStart(runtime.clock);
    await this.#followMetadata(async () => {
      for (const directory of logs.directories) {
        await directory.openAllInSteps((topic) => applier.logConfig(topic), pause);
      }
      await applier.hostAll(metadataLoss, pause);
    });
    // Otherwise a second power failure could restore the torn tail.
    if (!logs.wasShutDownCleanly) await logs.each((directory) => directory.flushRepaired());
    // With flush.messages=1 consumers must find what was acknowledged before the start.
    await this.#partitionNeeds.flusher.settled();
    await membership.reportDirectories(logs.onlineIds);
    if (logs.wasShutDownCleanly) return;
    this.#logFailure(logs.each((directory) => directory.flushUncertain()));
  }

  /** Applies every change of the metadata that follows what `begin` finds. No change comes between. */
  #followMetadata(begin: () => Promise<void>): Promise<void> {
    const { config, metadata, logs, logger } = this.#options;
    const applier = this.#applier;
    let hasDeleted = false;
    config.onChange(() => applier.onBrokerConfigChange());
    return metadata.addListener({
      prepare: (delta, pause) => applier.prepare(delta, pause),
      apply: async (delta, pause) => {
        if (delta.changedConfigs.some(({ type }) => type === ConfigResourceType.BROKER)) {
          applyDynamicConfigs(config, metadata.image, logger);
        }
        await applier.apply(delta, pause);
        this.#groups.onTopicsDeleted(delta.deletedTopics.map(({ name }) => name));
        hasDeleted ||= delta.deletedTopics.length > 0;
      },
      finish: async () => {
        applier.finish();
        // The next change begins once this has ended, when the names are free.
        if (hasDeleted) await logs.each((directory) => directory.flushDirectory());
        hasDeleted = false;
        this.#reportAwaitedOffset();
      },
    }, begin);
  }

  /** Reports the image to the controllers once it is in force here, if a broker that shuts down waits for it. */
  #reportAwaitedOffset(): void {
    const { metadata, membership } = this.#options;
    const { image } = metadata;
    const isAwaited = [...image.brokers()].some(({ fenced, inControlledShutdown }) =>
      inControlledShutdown && !fenced
    );
    if (!isAwaited) return;
    metadata.waitFor(image.offset).then(() => membership.reportOffset(), () => {
      // The node has stopped.
    });
  }

  /** Tells the controller which data directories are in service, after one has failed. */
  reportDirectories(): void {
    const { membership, logs } = this.#options;
    this.#logFailure(membership.reportDirectories(logs.onlineIds));
  }

  /** Starts no more work, and fails the requests that wait. */
  stop(): void {
    this.#applier.shutdown();
    this.#assignments.stop();
    this.#options.membership.stop();
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
    await flusher.settled();
  }

  /** Logs the failure of work that no caller waits for. */
  #logFailure(work: Promise<void>): void {
    work.catch((error) => this.#options.logger.log("error", (error as Error).message));
  }
}

function shuttingDown(): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    "Cannot finish the request: the broker is shutting down",
  );
}
