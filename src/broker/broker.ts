/**
 * A node: opens its data directory, reads the cluster's metadata, hosts its partitions and serves
 * clients, and takes all of that down again. On one node the controller lives here too.
 *
 * @module
 */
import { BrokerConfig } from "../config/broker_config.ts";
import { Controller } from "../controller/controller.ts";
import { GroupCoordinator } from "../groups/group_coordinator.ts";
import { KEPT_RECEIVE_BYTES } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { LogManager } from "../log/log_manager.ts";
import type { RecoveryReport } from "../log/recovery.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { METADATA_LOG_CONFIG, METADATA_TOPIC, MetadataLog } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { KeptBytes } from "../protocol/frame.ts";
import { METADATA_TOPIC_ID, randomUuid } from "../protocol/uuid.ts";
import type { Address, Listener, Runtime, Timer } from "../runtime/runtime.ts";
import { Dispatcher } from "./dispatch.ts";
import { FetchSessions } from "./fetch_sessions.ts";
import { FrameMemory } from "./frame_memory.ts";
import type { ConnectionInfo } from "./handler.ts";
import { Hosting } from "./hosting.ts";
import { Partitions } from "./partitions.ts";
import { ProducerIds } from "./producer_ids.ts";
import { SendPool } from "./send_pool.ts";
import { Server } from "./server.ts";
import type { BrokerServices } from "./services.ts";
import { SUPPORTED } from "./supported.ts";

/** How a broker is started. */
export interface BrokerOptions {
  readonly runtime: Runtime;
  /** The data directory, made when missing. */
  readonly directory: string;
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
  readonly #partitions: Partitions;
  readonly #groups: GroupCoordinator;
  readonly #server: Server;
  #retentionTimer: Timer | null = null;
  #ended: Promise<void> | null = null;

  private constructor(
    options: BrokerOptions,
    config: BrokerConfig,
    logs: LogManager,
    controller: Controller,
    listener: Listener,
  ) {
    const { runtime, logger } = options;
    const { clock, random } = runtime;
    this.config = config;
    this.controller = controller;
    this.#runtime = runtime;
    this.#logger = logger;
    this.#logs = logs;
    this.#partitions = new Partitions(clock, (message) => logger.log("error", message));
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
      fetchSessions: new FetchSessions(
        clock,
        random,
        () => config.maxIncrementalFetchSessionCacheSlots,
      ),
      producerIds: new ProducerIds(() => controller.allocateProducerIds()),
      groups: this.#groups,
      codecs: () => runtime.codecs(),
      logger,
    };
    this.#server = new Server(
      listener,
      {
        dispatcher: new Dispatcher(SUPPORTED, services),
        pool: new SendPool(),
        keptBytes: new KeptBytes(KEPT_RECEIVE_BYTES),
        frameMemory: new FrameMemory(clock),
        clock,
        logger,
        maxFrameBytes: () => config.socketRequestMaxBytes,
      },
      {
        maxConnections: () => config.maxConnections,
        maxConnectionsPerIp: () => config.maxConnectionsPerIp,
        connectionsMaxIdleMs: () => config.connectionsMaxIdleMs,
      },
      () => {
        if (this.#retentionTimer === null) this.#scheduleRetention();
      },
    );
  }

  /**
   * Starts a broker and resolves when it serves. Throws a `KafkaError` whose message says what to do
   * for a bad configuration or data directory, and `AddressInUseError` for a port that is taken.
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const { runtime, logger, directory } = options;
    if (options.config?.["log.dirs"] !== undefined) {
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        'Cannot set "log.dirs": the data directory is given by itself, --data-dir on the command line',
      );
    }
    const config = new BrokerConfig({ ...options.config, "log.dirs": directory });
    const logs = LogManager.open({
      runtime,
      directory,
      nodeId: config.nodeId,
      onRecovery: (report) => logger.log("warn", recoverySentence(report)),
      onLoss: (sentence) => logger.log("warn", sentence),
    });
    let listener: Listener | null = null;
    try {
      await logs.flushDirectory();
      const isNew = !logs.has(METADATA_TOPIC, 0);
      const metadata = logs.create(METADATA_TOPIC, 0, METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
      if (isNew || !logs.wasShutDownCleanly) await logs.flushDirectory();
      const metadataLog = new MetadataLog(metadata);
      const controller = new Controller({ runtime, metadataLog, config, logger });
      listener = await runtime.network.listen(config.listener);
      config.setListening(config.listener.host, listener.address.port);
      const broker = new Broker(options, config, logs, controller, listener);
      await broker.#begin(listener.address);
      return broker;
    } catch (error) {
      listener?.close();
      // Why it cannot start matters more than what else fails then.
      await logs.close().catch(() => {});
      throw error;
    }
  }

  /** Where it listens. */
  get address(): Address {
    return this.#server.address;
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

  async #begin({ host, port }: Address): Promise<void> {
    const { config, controller } = this;
    const hosting = new Hosting(
      config.nodeId,
      config,
      this.#logs,
      this.#partitions,
      () => controller.image,
      this.#logger,
    );
    const advertised = config.advertisedListener ?? { name: "PLAINTEXT", host, port };
    await controller.start({
      nodeId: config.nodeId,
      incarnationId: randomUuid(this.#runtime.random),
      endpoints: [{
        name: advertised.name,
        host: advertised.host,
        port: advertised.port,
        securityProtocol: PLAINTEXT,
      }],
      rack: null,
      logDirs: [this.#logs.directoryId],
    });
    this.#logs.openAll((topic) => hosting.logConfig(topic));
    hosting.hostAll();
    // What was cut off a torn tail must not come back when the power goes once more.
    if (!this.#logs.wasShutDownCleanly) await this.#logs.flush();
    controller.onDelta((delta) => {
      hosting.apply(delta);
      this.#groups.onTopicsDeleted(delta.deletedTopics.map(({ name }) => name));
    });
    config.onChange(() => hosting.reconfigureAll());
    // Without records and without clients there is nothing to do, and a host may take a while over
    // its first timer.
    if ([...this.#partitions].some(({ log }) => log.sizeInBytes > 0)) this.#scheduleRetention();
    this.#server.start();
  }

  async #end(): Promise<void> {
    this.#retentionTimer?.cancel();
    this.#groups.shutdown();
    this.#partitions.shutdown();
    await this.#server.close();
    await this.#logs.close();
  }

  /** Deletes what is too old or too much, and forgets producers that have been silent too long. */
  #scheduleRetention(): void {
    const { logRetentionCheckIntervalMs, producerIdExpirationMs } = this.config;
    this.#retentionTimer = this.#runtime.clock.setTimer(logRetentionCheckIntervalMs, () => {
      const now = this.#runtime.clock.now();
      for (const { log, highWatermark, name } of this.#partitions) {
        try {
          log.applyRetention(now, highWatermark);
          log.expireProducers(now, producerIdExpirationMs);
        } catch (error) {
          this.#logger.log(
            "error",
            `Cannot apply retention to ${name}: ${(error as Error).message}`,
          );
        }
      }
      this.#scheduleRetention();
    });
  }

  /** A node that listens everywhere is reached where the client has reached it. */
  #advertisedAddress({ localAddress }: ConnectionInfo): Address {
    const { advertisedListener, listener } = this.config;
    const port = this.#server.address.port;
    if (advertisedListener !== null) {
      return { host: advertisedListener.host, port: advertisedListener.port || port };
    }
    const isEverywhere = ["", "0.0.0.0", "::"].includes(listener.host);
    return { host: isEverywhere ? localAddress.host : listener.host, port };
  }
}

function recoverySentence({ file, bytesCut, logEndOffset, reason }: RecoveryReport): string {
  return `Cut ${
    bytesCut.toLocaleString("en")
  } bytes off ${file}, which now ends at offset ${logEndOffset}: ${reason}`;
}
