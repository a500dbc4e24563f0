/**
 * A node: opens its data directory, reads the cluster's metadata, hosts its partitions and serves
 * clients, and takes all of that down again. On one node the controller lives here too.
 *
 * @module
 */
import { BrokerConfig } from "../config/broker_config.ts";
import { isWildcard } from "../config/listeners.ts";
import { Controller } from "../controller/controller.ts";
import { GroupCoordinator } from "../groups/group_coordinator.ts";
import { type DescriptorShares, descriptorShares, KEPT_RECEIVE_BYTES } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { LogManager } from "../log/directory/log_manager.ts";
import { NO_FLUSH_BY_TIME } from "../replication/background_flush.ts";
import { SlicedWork } from "../log/sliced_work.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import type { RecoveryReport } from "../log/opening/recovery_types.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { METADATA_LOG_CONFIG, METADATA_TOPIC, MetadataLog } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { KeptBytes } from "../protocol/frame.ts";
import { RecordError } from "../protocol/records/record_error.ts";
import { METADATA_TOPIC_ID, randomUuid } from "../protocol/uuid.ts";
import type { Address, Runtime, Timer } from "../runtime/runtime.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Dispatcher } from "../network/server/dispatch.ts";
import { FetchSessions } from "./fetch_sessions.ts";
import { MetadataApplier, type MetadataLoss } from "./metadata_applier.ts";
import { FrameMemory } from "../network/server/frame_memory.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import { ListenerSet } from "../network/server/listener_set.ts";
import { LogCleaner } from "./log_cleaner.ts";
import type { Partition } from "../replication/partition.ts";
import type { PartitionNeeds } from "../replication/partition.ts";
import { PartitionFlusher } from "../replication/partition_flusher.ts";
import { PartitionTable } from "../replication/partition_table.ts";
import { StorageFailures } from "../replication/storage_failures.ts";
import { ProducerIds } from "./producer_ids.ts";
import { SendPool } from "../network/server/send_pool.ts";
import { Server } from "../network/server/server.ts";
import type { BrokerServices } from "./services.ts";
import { SocketDescriptors } from "../network/server/socket_descriptors.ts";
import { SUPPORTED } from "./supported.ts";

/** How a broker is started. */
export interface BrokerOptions {
  readonly runtime: Runtime;
  /**
   * The data directory, or several with commas between them, made when missing. Absent: `log.dirs`
   * of `config`.
   */
  readonly directory?: string;
  /** Kafka's broker keys with their values as text. */
  readonly config?: Readonly<Record<string, string>>;
  readonly logger: Logger;
}

const PLAINTEXT = 0;

/** A running node. */
export class Broker {
  readonly config: BrokerConfig;
  readonly controller: Controller;
  readonly #runtime: Runtime;
  readonly #logger: Logger;
  readonly #logs: LogManager;
  readonly #partitions = new PartitionTable();
  readonly #partitionNeeds: PartitionNeeds;
  readonly #fetchSessions: FetchSessions;
  readonly #groups: GroupCoordinator;
  readonly #server: Server;
  /**
   * Resolves with the reason when the node has ended by itself, because the disk with its metadata
   * log has failed; never while it serves, nor after an orderly {@linkcode Broker.shutdown}.
   */
  readonly failed: Promise<KafkaError>;
  #fail: (failure: KafkaError) => void = () => {};
  readonly #cleaner: LogCleaner;
  readonly #checkpoints: Checkpoints;
  #applier: MetadataApplier | null = null;
  #retentionTimer: Timer | null = null;
  #ended: Promise<void> | null = null;

  private constructor(
    options: BrokerOptions,
    config: BrokerConfig,
    logs: LogManager,
    controller: Controller,
    listeners: ListenerSet,
    shares: DescriptorShares,
  ) {
    const { runtime, logger } = options;
    const { clock, random } = runtime;
    this.config = config;
    this.controller = controller;
    this.failed = new Promise((resolve) => this.#fail = resolve);
    this.#runtime = runtime;
    this.#logger = logger;
    this.#logs = logs;
    this.#partitionNeeds = {
      flusher: new PartitionFlusher(clock, () => {
        const intervalMs = config.logFlushSchedulerIntervalMs;
        return intervalMs === NO_FLUSH_BY_TIME ? 0 : intervalMs;
      }),
      slicedWork: new SlicedWork(clock),
      failures: new StorageFailures(clock, (message) => logger.log("error", message)),
    };
    this.#fetchSessions = new FetchSessions(
      clock,
      random,
      () => config.maxIncrementalFetchSessionCacheSlots,
    );
    this.#checkpoints = new Checkpoints(
      clock,
      logs,
      () => config.logFlushOffsetCheckpointIntervalMs,
      (error) => logger.log("error", (error as Error).message),
    );
    logs.highWatermarkOf = ({ topic, partition }) => {
      const found = this.#partitions.find(topic, partition);
      return found?.hasLog ? found.highWatermark : null;
    };
    this.#cleaner = new LogCleaner({ runtime, config, partitions: this.#partitions, logger });
    this.#groups = new GroupCoordinator({
      clock,
      random,
      config,
      note: (text) => logger.log("debug", text),
    });
    const services: BrokerServices = {
      runtime,
      nodeId: config.nodeId,
      clusterId: logs.clusterId,
      config,
      image: () => controller.image,
      advertisedAddress: (connection) => this.#advertisedAddress(connection),
      controller,
      partitions: this.#partitions,
      logs,
      slicedWork: this.#partitionNeeds.slicedWork,
      fetchSessions: this.#fetchSessions,
      producerIds: new ProducerIds(() => controller.allocateProducerIds()),
      groups: this.#groups,
      codecs: () => runtime.codecs(),
      logger,
    };
    this.#server = new Server(
      listeners,
      {
        dispatcher: new Dispatcher(SUPPORTED, services, logger),
        pool: new SendPool(),
        keptBytes: new KeptBytes(KEPT_RECEIVE_BYTES),
        frameMemory: new FrameMemory(clock),
        clock,
        logger,
        maxFrameBytes: () => config.socketRequestMaxBytes,
      },
      {
        maxConnections: () => config.maxConnections,
        maxConnectionsOf: (host) => config.maxConnectionsOf(host),
        connectionsMaxIdleMs: () => config.connectionsMaxIdleMs,
      },
      new SocketDescriptors({
        maxConnections: shares.connections,
        makeRoom: () => logs.makeRoom(),
        clock,
        random,
        logger,
      }),
      () => {
        if (this.#retentionTimer === null) this.#scheduleRetention();
        this.#checkpoints.start();
        this.#cleaner.start();
      },
    );
  }

  /** The partitions that are in service on this node. */
  get partitions(): Iterable<Partition> {
    return this.#partitions;
  }

  /**
   * Starts a broker and resolves when it serves. Throws a `KafkaError` whose message says what to do
   * for a bad configuration or data directory, and `AddressInUseError` for a port that is taken.
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const { runtime, directory } = options;
    const given = ["log.dirs", "log.dir"].find((name) => options.config?.[name] !== undefined);
    if (directory !== undefined && given !== undefined) {
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `Cannot set "${given}": the data directories are given by themselves, --data-dir on the ` +
          "command line",
      );
    }
    const config = new BrokerConfig({
      ...options.config,
      ...(directory !== undefined && { "log.dirs": directory }),
    });
    const logger = options.logger.with?.({ node: config.nodeId }) ?? options.logger;
    let broker: Broker | null = null;
    let metadataLoss: string | null = null;
    const shares = descriptorShares(runtime.openFileLimit?.());
    const logs = await LogManager.open({
      runtime,
      directories: config.logDirs,
      metadataDirectory: config.metadataLogDir,
      metadataTopic: METADATA_TOPIC,
      nodeId: config.nodeId,
      maxOpenSegmentFiles: shares.segmentFiles,
      onFailure: (failure, isFatal) => {
        logger.log("error", failure.message);
        if (broker !== null) broker.#onDirectoryFailure(failure, isFatal);
      },
      onRecovery: (report) => {
        if (report.name === `${METADATA_TOPIC}-0`) metadataLoss = recoverySentence(report);
        logger.log("warn", recoverySentence(report));
      },
      onLoss: (sentence) => logger.log("warn", sentence),
    });
    for (const { path, directory, failure } of logs.states()) {
      if (directory !== null || failure === null) continue;
      logger.log("error", `Started without the data directory ${path}: ${failure.message}`);
    }
    let listeners: ListenerSet | null = null;
    let begun: Broker | null = null;
    try {
      await logs.each((directory) => directory.flushDirectory());
      const isNew = !logs.hasMetadataLog;
      const metadata = logs.openMetadataLog(METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
      if (metadata.logEndOffset === 0 && logs.hasPartitions) throw emptyMetadataLog(metadata);
      if (isNew || !logs.wasShutDownCleanly) {
        await logs.each((directory) => directory.flushDirectory());
      }
      const metadataLog = readMetadataLog(metadata);
      const controller = new Controller({ runtime, metadataLog, config, logger });
      listeners = await ListenerSet.open(runtime.network, config.listeners);
      config.setListening(portsOf(listeners.addresses));
      begun = new Broker({ ...options, logger }, config, logs, controller, listeners, shares);
      await begun.#begin(
        metadataLoss === null
          ? null
          : { sentence: metadataLoss, deletedTopics: metadataLog.deletedTopics() },
      );
      return broker = begun;
    } catch (error) {
      // Why it cannot start matters more than what else fails then.
      if (begun !== null) await begun.shutdown().catch(() => {});
      await listeners?.close();
      await logs.close().catch(() => {});
      throw error;
    }
  }

  /** Where the first of its listeners listens. */
  get address(): Address {
    return this.addresses.values().next().value!;
  }

  /** Where it listens, by the names of its listeners. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#server.addresses;
  }

  get clusterId(): string {
    return this.#logs.clusterId;
  }

  /** The cluster as this node knows it. */
  get image(): MetadataImage {
    return this.controller.image;
  }

  /** Answers what is under way, closes every file and ends. May be called twice. */
  shutdown(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #begin(metadataLoss: MetadataLoss | null): Promise<void> {
    const { config, controller } = this;
    const applier = new MetadataApplier(
      config.nodeId,
      config,
      this.#logs,
      this.#partitions,
      this.#partitionNeeds,
      () => controller.image,
      this.#logger,
      (assignments) => this.#note(controller.assignDirectories(assignments)),
      this.#runtime,
    );
    this.#applier = applier;
    await controller.start({
      nodeId: config.nodeId,
      incarnationId: randomUuid(this.#runtime.random),
      endpoints: [...this.addresses].map(([name, listensOn]) => {
        const { host, port } = config.advertisedListener(name) ?? listensOn;
        return { name, host, port: port || listensOn.port, securityProtocol: PLAINTEXT };
      }),
      rack: config.rack,
      logDirs: this.#logs.onlineIds,
    });
    for (const directory of this.#logs.directories) {
      directory.openAll((topic) => applier.logConfig(topic));
    }
    applier.hostAll(metadataLoss);
    // What was cut off a torn tail must not come back when the power goes once more.
    if (!this.#logs.wasShutDownCleanly) {
      await this.#logs.each((directory) => directory.flushRepaired());
    }
    // With flush.messages=1 consumers must find what was acknowledged before the start.
    await this.#partitionNeeds.flusher.settled();
    await controller.reportDirectories(this.#logs.onlineIds);
    controller.onDelta(async (delta) => {
      applier.apply(delta);
      this.#groups.onTopicsDeleted(delta.deletedTopics.map(({ name }) => name));
      // No change comes before this has ended: the names are free then.
      if (delta.deletedTopics.length > 0) {
        await this.#logs.each((directory) => directory.flushDirectory());
      }
    });
    config.onChange(() => applier.reconfigureAll());
    // Without records and without clients there is nothing to do, and a host may take a while over
    // its first timer.
    if ([...this.#partitions].some(({ log }) => log.sizeInBytes > 0)) {
      this.#scheduleRetention();
      this.#checkpoints.start();
      this.#cleaner.start();
    }
    if (this.#logs.fatalFailure !== null) throw this.#logs.fatalFailure;
    this.#server.start();
  }

  /** A directory has gone out of service. */
  #onDirectoryFailure(failure: KafkaError, isFatal: boolean): void {
    if (this.#ended !== null) return;
    if (!isFatal) {
      this.#note(this.controller.reportDirectories(this.#logs.onlineIds));
      return;
    }
    this.#fail(failure);
    this.#note(this.shutdown());
  }

  /** What goes wrong in `work`, which nobody waits for, is told to the operator. */
  #note(work: Promise<void>): void {
    work.catch((error) => this.#logger.log("error", (error as Error).message));
  }

  async #end(): Promise<void> {
    const { flusher, slicedWork } = this.#partitionNeeds;
    this.#retentionTimer?.cancel();
    this.#applier?.shutdown();
    const background = [this.#checkpoints.shutdown(), this.#cleaner.shutdown()];
    this.#groups.shutdown();
    flusher.stop();
    this.#fetchSessions.shutdown();
    for (const partition of this.#partitions) partition.failWaiting(shuttingDown());
    await this.#server.close();
    await slicedWork.stop();
    // Nothing may be under way in the data directories when they are closed.
    await Promise.all(background);
    await this.controller.settled();
    await flusher.settled();
    await this.#logs.close();
  }

  /** Deletes what is too old or too much, and forgets producers that have been silent too long. */
  #scheduleRetention(): void {
    const { logRetentionCheckIntervalMs, producerIdExpirationMs } = this.config;
    this.#retentionTimer = this.#runtime.clock.setTimer(logRetentionCheckIntervalMs, () => {
      const now = this.#runtime.clock.now();
      for (const partition of this.#partitions) {
        const { log, name } = partition;
        if (log.failure !== null) continue;
        try {
          partition.applyRetention(now);
          log.expireProducers(now, producerIdExpirationMs);
        } catch (error) {
          // The partition has reported the failure of its files.
          if (error instanceof KafkaError) continue;
          const text = (error as Error).message;
          this.#logger.log("error", `Cannot apply retention to ${name}: ${text}`);
        }
      }
      this.#scheduleRetention();
    });
  }

  /** With a wildcard listener, advertises the address that the client connected to. */
  #advertisedAddress({ listener: name, localAddress }: ConnectionInfo): Address {
    const listener = this.config.listeners.find((one) => one.name === name)!;
    const advertised = this.config.advertisedListener(name);
    if (advertised !== null) {
      return { host: advertised.host, port: advertised.port || listener.port };
    }
    return { host: isWildcard(listener) ? localAddress.host : listener.host, port: listener.port };
  }
}

function shuttingDown(): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    "Cannot finish the request: the broker is shutting down",
  );
}

function portsOf(addresses: ReadonlyMap<string, Address>): Map<string, number> {
  return new Map([...addresses].map(([name, { port }]) => [name, port]));
}

/** Reads all of it. What is wrong with it is told as one sentence that names its directory. */
function readMetadataLog(metadata: PartitionLog): MetadataLog {
  try {
    return new MetadataLog(metadata);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot read the metadata log in ${metadata.directory}: ${error.message}; bring its files ` +
        `back from a copy`,
      { cause: error },
    );
  }
}

/** All partitions would be taken for those of deleted topics. */
function emptyMetadataLog({ directory }: PartitionLog): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot start: the metadata log in ${directory} is empty, and there are partitions, of which it ` +
      "says whose they are; bring its files back from a copy, or name another data directory",
  );
}

function recoverySentence({ file, bytesCut, logEndOffset, reason }: RecoveryReport): string {
  return `Cut ${
    bytesCut.toLocaleString("en")
  } bytes off ${file}, which now ends at offset ${logEndOffset}: ${reason}`;
}
