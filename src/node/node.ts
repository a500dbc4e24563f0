/**
 * A node: one process of a cluster, with the controller role, the broker role, or both (`process.roles`). It
 * opens the data directories, takes part in the metadata quorum, and starts the broker and the listeners, and
 * stops them in the reverse order.
 *
 * @module
 */
import { Broker } from "../broker/broker.ts";
import { applyDynamicConfigs } from "../broker/dynamic_configs.ts";
import type { BrokerMembership } from "../broker/lifecycle/membership.ts";
import type { BrokerNeeds } from "../broker/supported.ts";
import { BrokerConfig } from "../config/broker_config.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { noticeOfExposedListeners } from "../config/listeners.ts";
import type { Controller } from "../controller/controller.ts";
import { MAX_REPLICAS } from "../controller/replica_limit.ts";
import { descriptorShares } from "../limits.ts";
import { pauseAtStart } from "../log/sliced_work.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import { OpenSegments } from "../log/segments/open_segments.ts";
import type { Logger } from "../logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import type { ListenerSet } from "../network/server/listener_set.ts";
import type { Server } from "../network/server/server.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Partition } from "../replication/partition.ts";
import { PartitionTable } from "../replication/partition_table.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { membershipOf } from "./broker_membership.ts";
import { advertisedAddress, registeredEndpoints } from "./advertised_address.ts";
import { BackgroundTasks } from "./background_tasks.ts";
import { ControllerSide } from "./controller_side.ts";
import { readDeletedTopics } from "./deleted_topics.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import { requireServed } from "./not_yet_served.ts";
import { openQuorum } from "./open_quorum.ts";
import { loaded } from "./parts/loadable.ts";
import type { ClusterParts, NodeParts } from "./parts/node_parts.ts";
import { openListeners, serverOf } from "./server.ts";
import { StartDeadline } from "./start_deadline.ts";
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
   * The id of the cluster, for directories that have none yet. By default the node asks its controllers, or
   * draws one if it is alone.
   */
  readonly clusterId?: string;
  /**
   * Bounds the open segment files of all nodes that share it. Defaults to one for this node alone, with
   * its share of the process's limit on open files.
   */
  readonly openSegments?: OpenSegments;
  /**
   * The code to start it with: `ALL_PARTS`, or `PARTS_ON_DEMAND` to start sooner where time is real.
   */
  readonly parts: NodeParts;
  /** Called for each request to its broker before its handler, in this order. */
  readonly interceptors?: readonly Interceptor<BrokerNeeds>[];
  /**
   * Called for each request to its controller before its handler, in this order. Requests that the node makes
   * to itself are not sent and not intercepted.
   */
  readonly controllerInterceptors?: readonly Interceptor[];
  /**
   * Maximum number of replicas of a new partition. Defaults to what this version keeps; a simulation of
   * controllers decides about more.
   */
  readonly maxReplicas?: number;
  /** Called when the node's files are open, before it takes part in its cluster. */
  readonly onOpened?: (node: Node) => void;
}

/** How a node ends. */
export interface NodeShutdownOptions {
  /**
   * Whether other nodes take over from this one: the node waits until the leaderships of its partitions have
   * moved, and until the other voters know that it no longer leads the quorum. Defaults to true.
   */
  readonly handsOver?: boolean;
}

/** The parts of a node, from its start on. */
interface Parts extends Storage {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly partitions: PartitionTable;
  readonly quorum: MetadataQuorum;
  readonly controllerSide: ControllerSide;
  /** Null if no other node can belong to the cluster. */
  readonly cluster: ClusterParts | null;
  readonly options: NodeOptions;
  readonly deadline: StartDeadline;
}

/** The broker role of a node. */
interface BrokerSide {
  readonly broker: Broker;
  readonly membership: BrokerMembership;
  readonly listeners: ListenerSet;
  readonly server: Server;
}

/** A running node. */
export class Node {
  readonly config: BrokerConfig;
  /**
   * Resolves with the reason when the node has ended by itself, because the disk with its metadata log has
   * failed or the controllers refuse its broker; never while it serves, nor after an orderly
   * {@linkcode Node.shutdown}.
   */
  readonly failed: Promise<KafkaError>;
  readonly #fail: (failure: KafkaError) => void;
  readonly #parts: Parts;
  readonly #tasks: BackgroundTasks;
  #brokerSide: BrokerSide | null = null;
  #begun: Promise<void> = Promise.resolve();
  #ended: Promise<void> | null = null;

  private constructor(parts: Parts) {
    this.config = parts.config;
    this.#parts = parts;
    ({ promise: this.failed, resolve: this.#fail } = Promise.withResolvers<KafkaError>());
    this.#tasks = new BackgroundTasks({ ...parts, parts: parts.options.parts });
  }

  /**
   * Starts a node and resolves when it serves: a broker when the controllers have taken it into service, a
   * controller when it can be reached. Throws a `KafkaError` whose message says what to do for an invalid
   * configuration or data directory, or that says what it waited for until `server.max.startup.time.ms`, and
   * `AddressInUseError` for a port that is taken.
   */
  static async start(options: NodeOptions): Promise<Node> {
    const config = configOf(options);
    requireServed(config);
    const deadline = new StartDeadline(options.runtime.clock, config);
    try {
      return await Node.#startWithin(deadline, config, options);
    } finally {
      deadline.cancel();
    }
  }

  static async #startWithin(
    deadline: StartDeadline,
    config: BrokerConfig,
    options: NodeOptions,
  ): Promise<Node> {
    const { runtime } = options;
    const logger = options.logger.with?.({ node: config.nodeId }) ?? options.logger;
    const shares = descriptorShares(runtime.openFileLimit?.());
    const { openSegments = new OpenSegments(shares.segmentFiles) } = options;
    const cluster = isWithoutOthers(config) ? null : await loaded(options.parts.cluster);
    deadline.waitsFor = () => "a controller that names the cluster";
    const clusterId = options.clusterId ??
      await cluster?.findClusterId({ runtime, config, logger, signal: deadline.signal });
    deadline.waitsFor = () => "its log directories to be opened";
    const partitions = new PartitionTable();
    const storage = await openStorage({
      runtime,
      config,
      logger,
      partitions,
      openSegments,
      clusterId,
      onFatal: (error) => deadline.fail(error),
    });
    let controllerListeners: ListenerSet | null = null;
    let quorum: MetadataQuorum | null = null;
    let node: Node | null = null;
    try {
      controllerListeners = await openListeners(runtime, config, "controller");
      const { maxReplicas = MAX_REPLICAS } = options;
      quorum = await openQuorum({ runtime, config, logger, storage, cluster, maxReplicas });
      const controllerSide = new ControllerSide({
        runtime,
        config,
        logger,
        clusterId: storage.logs.clusterId,
        quorum,
        listeners: controllerListeners,
        maxConnections: shares.connections,
        freeDescriptors: () => storage.logs.makeRoom(),
        interceptors: options.controllerInterceptors ?? [],
        handlers: options.parts.controllerHandlers,
        cluster,
      });
      node = new Node({
        ...storage,
        runtime,
        config,
        logger,
        partitions,
        quorum,
        controllerSide,
        cluster,
        options,
        deadline,
      });
      options.onOpened?.(node);
      await node.#start(shares.connections);
      return node;
    } catch (error) {
      // The reason matters more than what else fails then.
      if (node !== null) await node.shutdown().catch(() => {});
      else {
        await quorum?.close();
        await controllerListeners?.close();
        await storage.logs.close().catch(() => {});
      }
      throw error;
    }
  }

  /** The address of its first listener. */
  get address(): Address {
    return this.addresses.values().next().value!;
  }

  /** The addresses of its listeners, by name. */
  get addresses(): ReadonlyMap<string, Address> {
    return new Map([
      ...this.#brokerSide?.server.addresses ?? [],
      ...this.#parts.controllerSide.addresses,
    ]);
  }

  /** Notices to show at start: about its settings, and about listeners that other machines can reach. */
  get notices(): readonly string[] {
    const { brokerListeners, controllerListeners, notices } = this.config;
    const exposed = noticeOfExposedListeners([...brokerListeners, ...controllerListeners]);
    return [...(exposed === null ? [] : [exposed]), ...notices];
  }

  get clusterId(): string {
    return this.#logs.clusterId;
  }

  /** The controller of this node. Throws an Error if it has not this role. */
  get controller(): Controller {
    const { controller } = this.#parts.quorum;
    if (controller === null) throw new Error(`Node ${this.config.nodeId} is no controller`);
    return controller;
  }

  /** The node's part in the metadata quorum. */
  get quorum(): MetadataQuorum {
    return this.#parts.quorum;
  }

  /** The cluster's metadata as this node knows them. */
  get image(): MetadataImage {
    return this.#parts.quorum.loader.image;
  }

  /** The epoch of its broker's registration, -1 before the first and without this role. */
  get brokerEpoch(): number {
    return this.#brokerSide?.membership.brokerEpoch ?? -1;
  }

  /** Whether its broker accepts connections. */
  get isAccepting(): boolean {
    return this.#brokerSide?.server.isAccepting ?? false;
  }

  /** The partitions that are in service on this node. */
  get partitions(): Iterable<Partition> {
    return this.#parts.partitions;
  }

  get #logs(): LogManager {
    return this.#parts.logs;
  }

  /** Answers the requests under way, closes every file and ends. May be called twice, and during the start. */
  shutdown({ handsOver = true }: NodeShutdownOptions = {}): Promise<void> {
    return this.#ended ??= this.#end(handsOver);
  }

  #start(maxConnections: number): Promise<void> {
    return this.#begun = this.#begin(maxConnections);
  }

  async #begin(maxConnections: number): Promise<void> {
    const { config, quorum, controllerSide, failures, deadline } = this.#parts;
    deadline.check();
    controllerSide.start();
    quorum.start();
    // What is on the disk of the only voter is committed.
    if (config.isAlone) await quorum.caughtUp();
    if (config.isBroker) await this.#beginBroker(maxConnections);
    else await this.#followConfigs();
    if (this.#logs.fatalFailure !== null) throw this.#logs.fatalFailure;
    quorum.setServing();
    failures.listen((failure) => this.#onDirectoryFailure(failure));
  }

  /** Puts the dynamic configs of the cluster in force on a node that is a controller only. */
  #followConfigs(): Promise<void> {
    const { config, quorum: { loader }, logger } = this.#parts;
    const apply = () => applyDynamicConfigs(config, loader.image, logger);
    return loader.addListener({
      apply: ({ changedConfigs }) => {
        if (changedConfigs.some(({ type }) => type === ConfigResourceType.BROKER)) apply();
      },
    }, apply);
  }

  async #beginBroker(maxConnections: number): Promise<void> {
    const { runtime, config, quorum, raft, metadataLoss, logs, partitions, deadline } = this.#parts;
    const listeners = (await openListeners(runtime, config, "broker"))!;
    const { broker, membership, server } = this.#brokerSide = this.#brokerOn(
      listeners,
      maxConnections,
    );
    deadline.waitsFor = () =>
      membership.brokerEpoch < 0
        ? "an active controller to register it"
        : "the metadata up to its registration, and its logs to be opened";
    await broker.start(
      registeredEndpoints(config, listeners.addresses),
      metadataLoss === null || !config.isAlone ? null : {
        sentence: metadataLoss,
        deletedTopics: await readDeletedTopics(raft.log, pauseAtStart(runtime.clock)),
      },
    );
    deadline.waitsFor = () => "the active controller to unfence it";
    deadline.check();
    // Without records and without clients the tasks have nothing to do, and the first timer of a host
    // may take a while: they begin with the first connection then.
    if ([...partitions].some(({ log }) => log.sizeInBytes > 0)) this.#tasks.start();
    if (logs.fatalFailure !== null) throw logs.fatalFailure;
    quorum.setServing();
    server.start();
    await membership.enterService();
  }

  #brokerOn(listeners: ListenerSet, maxConnections: number): BrokerSide {
    const { runtime, config, quorum, controllerSide, logs, partitions, logger, options } =
      this.#parts;
    const membership = membershipOf(this.#parts);
    const broker = new Broker({
      runtime,
      config,
      metadata: quorum.loader,
      membership,
      channel: controllerSide.channel,
      raft: quorum.replica,
      logs,
      partitions,
      logger,
      handlers: options.parts.brokerHandlers,
      groupParts: options.parts.groups,
      interceptors: options.interceptors ?? [],
      advertisedAddress: (connection) => advertisedAddress(config, connection),
    });
    const server = serverOf({
      runtime,
      config,
      logger,
      listeners,
      dispatcher: broker.dispatcher,
      maxConnections,
      freeDescriptors: () => logs.makeRoom(),
      onConnection: () => this.#tasks.start(),
    });
    return { broker, membership, listeners, server };
  }

  #onDirectoryFailure({ error, isFatal }: DirectoryFailure): void {
    if (this.#ended !== null) return;
    if (!isFatal) return this.#brokerSide?.broker.reportDirectories();
    this.#fail(error);
    this.shutdown().catch((error) => this.#parts.logger.log("error", (error as Error).message));
  }

  async #end(handsOver: boolean): Promise<void> {
    const { quorum, controllerSide, deadline } = this.#parts;
    deadline.fail(shutDown(this.config.nodeId));
    // Everything that a start has begun must be ended.
    await this.#begun.catch(() => {});
    const side = this.#brokerSide;
    if (handsOver) await side?.membership.leaveService();
    const tasks = this.#tasks.stop();
    side?.broker.stop();
    await side?.server.close();
    await side?.listeners.close();
    // No work may be under way in the data directories when they are closed.
    await tasks;
    await side?.broker.settled();
    // The other voters hear that a leader gives up while they can still reach it.
    await quorum.close({ handsOver });
    await controllerSide.stop();
    await this.#logs.close();
  }
}

/** Whether no other node can belong to the cluster: there is no listener at which one could register. */
function isWithoutOthers({ isAlone, controllerListeners }: BrokerConfig): boolean {
  return isAlone && controllerListeners.length === 0;
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

function shutDown(nodeId: number): KafkaError {
  return new KafkaError(
    ErrorCode.BROKER_NOT_AVAILABLE,
    `Cannot start node ${nodeId}: it is being shut down`,
  );
}
