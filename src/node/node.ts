/**
 * A node: one process of a cluster. It opens the data directories, starts the controller, the listeners
 * and the broker in this order, and stops them in the reverse one.
 *
 * @module
 */
import { Broker, type BrokerHandlers } from "../broker/broker.ts";
import type { BrokerNeeds } from "../broker/supported.ts";
import { BrokerConfig } from "../config/broker_config.ts";
import { noticeOfExposedListeners } from "../config/listeners.ts";
import type { Controller } from "../controller/controller.ts";
import { descriptorShares, KEPT_RECEIVE_BYTES } from "../limits.ts";
import { pauseAtStart } from "../log/sliced_work.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import { OpenSegments } from "../log/segments/open_segments.ts";
import type { Logger } from "../logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import { FrameMemory } from "../network/server/frame_memory.ts";
import { ListenerSet } from "../network/server/listener_set.ts";
import { SendPool } from "../network/server/send_pool.ts";
import { Server } from "../network/server/server.ts";
import { SocketDescriptors } from "../network/server/socket_descriptors.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { KeptBytes } from "../protocol/frame.ts";
import type { Partition } from "../replication/partition.ts";
import { PartitionTable } from "../replication/partition_table.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { advertisedAddress, registeredEndpoints } from "./advertised_address.ts";
import { noticesOfUnopened, requireServed } from "./not_yet_served.ts";
import { BackgroundTasks } from "./background_tasks.ts";
import { channelTo } from "./controller_side.ts";
import { readDeletedTopics } from "./deleted_topics.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import { openQuorum } from "./open_quorum.ts";
import { type DirectoryFailure, openStorage, type Storage } from "./storage.ts";

/** How a node is started. */
export interface NodeOptions {
  readonly runtime: Runtime;
  /**
   * The data directory, or several with commas between them, created when missing. Defaults to
   * `log.dirs` of `config`.
   */
  readonly directory?: string;
  /** Kafka's broker keys with their values as text. */
  readonly config?: Readonly<Record<string, string>>;
  readonly logger: Logger;
  /**
   * Bounds the open segment files of all nodes that share it. Defaults to one for this node alone, with
   * its share of the process's limit on open files.
   */
  readonly openSegments?: OpenSegments;
  /**
   * The requests that its broker serves: `SUPPORTED`, or `SUPPORTED_ON_DEMAND` to start sooner where time
   * is real.
   */
  readonly handlers: BrokerHandlers;
  /** Called for each request before its handler, in this order. */
  readonly interceptors?: readonly Interceptor<BrokerNeeds>[];
}

/** The parts of a node that are started before its broker. */
interface Parts extends Storage {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly partitions: PartitionTable;
  readonly quorum: MetadataQuorum;
  readonly controller: Controller;
  readonly listeners: ListenerSet;
  readonly maxConnections: number;
  readonly handlers: BrokerHandlers;
  readonly interceptors: readonly Interceptor<BrokerNeeds>[];
}

/** A running node. */
export class Node {
  readonly config: BrokerConfig;
  readonly controller: Controller;
  /**
   * Resolves with the reason when the node has ended by itself, because the disk with its metadata
   * log has failed; never while it serves, nor after an orderly {@linkcode Node.shutdown}.
   */
  readonly failed: Promise<KafkaError>;
  readonly #fail: (failure: KafkaError) => void;
  readonly #parts: Parts;
  readonly #broker: Broker;
  readonly #tasks: BackgroundTasks;
  readonly #server: Server;
  #ended: Promise<void> | null = null;

  private constructor(parts: Parts) {
    const {
      runtime,
      config,
      quorum,
      controller,
      logs,
      partitions,
      logger,
      handlers,
      interceptors,
    } = parts;
    this.config = config;
    this.controller = controller;
    this.#parts = parts;
    ({ promise: this.failed, resolve: this.#fail } = Promise.withResolvers<KafkaError>());
    this.#tasks = new BackgroundTasks({ runtime, config, logs, partitions, logger });
    this.#broker = new Broker({
      runtime,
      config,
      metadata: quorum.loader,
      controller,
      channel: channelTo({ runtime, config, quorum }),
      quorum: quorum.replica,
      logs,
      partitions,
      logger,
      handlers,
      interceptors,
      advertisedAddress: (connection) => advertisedAddress(config, connection),
    });
    this.#server = serverOf(parts, this.#broker, () => this.#tasks.start());
  }

  /**
   * Starts a node and resolves when it serves. Throws a `KafkaError` whose message says what to do for
   * an invalid configuration or data directory, and `AddressInUseError` for a port that is taken.
   */
  static async start(options: NodeOptions): Promise<Node> {
    const { runtime } = options;
    const config = configOf(options);
    requireServed(config);
    const logger = options.logger.with?.({ node: config.nodeId }) ?? options.logger;
    const shares = descriptorShares(runtime.openFileLimit?.());
    const { openSegments = new OpenSegments(shares.segmentFiles) } = options;
    const partitions = new PartitionTable();
    const storage = await openStorage({ runtime, config, logger, partitions, openSegments });
    let listeners: ListenerSet | null = null;
    let quorum: MetadataQuorum | null = null;
    let node: Node | null = null;
    try {
      quorum = await openQuorum({ runtime, config, logger, storage });
      quorum.start();
      // What is on the disk of the only voter is committed.
      await quorum.caughtUp();
      listeners = await ListenerSet.open(runtime.network, config.brokerListeners);
      config.setListening(portsOf(listeners.addresses));
      node = new Node({
        ...storage,
        runtime,
        config,
        logger,
        partitions,
        quorum,
        controller: quorum.controller!,
        listeners,
        maxConnections: shares.connections,
        handlers: options.handlers,
        interceptors: options.interceptors ?? [],
      });
      await node.#begin();
      return node;
    } catch (error) {
      // The reason matters more than what else fails then.
      if (node !== null) await node.shutdown().catch(() => {});
      else await quorum?.close();
      await listeners?.close();
      await storage.logs.close().catch(() => {});
      throw error;
    }
  }

  /** The address of its first listener. */
  get address(): Address {
    return this.addresses.values().next().value!;
  }

  /** The addresses of its listeners, by name. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#server.addresses;
  }

  /** Notices to show at start: about its settings, and about listeners that other machines can reach. */
  get notices(): readonly string[] {
    const exposed = noticeOfExposedListeners(this.config.brokerListeners);
    return [
      ...(exposed === null ? [] : [exposed]),
      ...this.config.notices,
      ...noticesOfUnopened(this.config),
    ];
  }

  get clusterId(): string {
    return this.#logs.clusterId;
  }

  /** The cluster's metadata as this node knows them. */
  get image(): MetadataImage {
    return this.#parts.quorum.loader.image;
  }

  /** The partitions that are in service on this node. */
  get partitions(): Iterable<Partition> {
    return this.#parts.partitions;
  }

  get #logs(): LogManager {
    return this.#parts.logs;
  }

  /** Answers the requests under way, closes every file and ends. May be called twice. */
  shutdown(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #begin(): Promise<void> {
    const { runtime, config, quorum, raft, metadataLoss, listeners, failures, partitions } =
      this.#parts;
    await this.#broker.start(
      registeredEndpoints(config, listeners.addresses),
      metadataLoss === null ? null : {
        sentence: metadataLoss,
        deletedTopics: await readDeletedTopics(raft.log, pauseAtStart(runtime.clock)),
      },
    );
    // Without records and without clients the tasks have nothing to do, and the first timer of a host
    // may take a while: they begin with the first connection then.
    if ([...partitions].some(({ log }) => log.sizeInBytes > 0)) this.#tasks.start();
    if (this.#logs.fatalFailure !== null) throw this.#logs.fatalFailure;
    quorum.setServing();
    this.#server.start();
    failures.listen((failure) => this.#onDirectoryFailure(failure));
  }

  #onDirectoryFailure({ error, isFatal }: DirectoryFailure): void {
    if (this.#ended !== null) return;
    if (!isFatal) {
      this.#broker.reportDirectories();
      return;
    }
    this.#fail(error);
    this.shutdown().catch((error) => this.#parts.logger.log("error", (error as Error).message));
  }

  async #end(): Promise<void> {
    const tasks = this.#tasks.stop();
    this.#broker.stop();
    await this.#server.close();
    // No work may be under way in the data directories when they are closed.
    await tasks;
    await this.#broker.settled();
    await this.#parts.quorum.close();
    await this.#logs.close();
  }
}

/** The socket server of a node. It calls `onConnection` for each connection. */
function serverOf(
  { runtime, config, logs, logger, listeners, maxConnections }: Parts,
  { dispatcher }: Broker,
  onConnection: () => void,
): Server {
  const { clock, random } = runtime;
  return new Server(
    listeners,
    {
      dispatcher,
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
      maxConnections,
      freeDescriptors: () => logs.makeRoom(),
      clock,
      random,
      logger,
    }),
    onConnection,
  );
}

function configOf({ directory, config = {} }: NodeOptions): BrokerConfig {
  const given = ["log.dirs", "log.dir"].find((name) => config[name] !== undefined);
  if (directory !== undefined && given !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set "${given}": the data directories are set by an option of their own, --data-dir on ` +
        "the command line",
    );
  }
  return new BrokerConfig({
    ...config,
    ...(directory !== undefined && { "log.dirs": directory }),
  });
}

function portsOf(addresses: ReadonlyMap<string, Address>): Map<string, number> {
  return new Map([...addresses].map(([name, { port }]) => [name, port]));
}
