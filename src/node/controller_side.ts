/**
 * The controller side of a node: the listener at which controllers and brokers reach its controller, and the
 * channel through which the node itself reaches the active one.
 *
 * @module
 */
import { ControllerChannel, type OwnController } from "../broker/controller_channel.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import { type LocalController, localController } from "../controller/requests/local_controller.ts";
import { CONTROLLER_LISTENER, DECIDED_BY_CONTROLLER } from "../controller/requests/supported.ts";
import type { Logger } from "../logger.ts";
import { Dispatcher } from "../network/server/dispatch.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import type { ListenerSet } from "../network/server/listener_set.ts";
import type { Server } from "../network/server/server.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import { BrokerWatch } from "./broker_watch.ts";
import { ControllerEnrollment } from "./controller_enrollment.ts";
import { ownEndpoints } from "./open_quorum.ts";
import { serverOf } from "./server.ts";

/** How long a request to the active controller is retried, ms: Kafka's default for `request.timeout.ms`. */
const REQUEST_TIMEOUT_MS = 30_000;

const PLAINTEXT = 0;

/** The parts of a node that its controller side uses. */
export interface ControllerSideOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly clusterId: string;
  readonly quorum: MetadataQuorum;
  /** Null if the node has no listener for controllers. */
  readonly listeners: ListenerSet | null;
  readonly maxConnections: number;
  readonly freeDescriptors: () => boolean;
  /** Called for each request to the listeners before its handler, in this order. */
  readonly interceptors: readonly Interceptor[];
}

/** The controller side of a node. On a node without that role it is the channel alone. */
export class ControllerSide {
  /** Reaches the active controller, in this process or at another node. */
  readonly channel: ControllerChannel;
  readonly #options: ControllerSideOptions;
  readonly #own: OwnController | null;
  readonly #server: Server | null;
  readonly #watch: BrokerWatch | null = null;
  readonly #enrollment: ControllerEnrollment | null = null;

  constructor(options: ControllerSideOptions) {
    const { listeners } = options;
    const own = ownController(options);
    this.#options = options;
    this.#own = own;
    this.channel = this.newChannel();
    const { runtime, config, logger, quorum: { controller, loader } } = options;
    if (listeners === null || own === null || controller === null) this.#server = null;
    else {
      this.#watch = new BrokerWatch({ runtime, controller, image: loader.image });
      this.#server = serverOn(listeners, own, this.#watch, options);
      this.#enrollment = new ControllerEnrollment({
        nodeId: config.nodeId,
        incarnationId: randomUuid(runtime.random),
        endpoints: ownEndpoints(config).map((endpoint) => ({
          ...endpoint,
          securityProtocol: PLAINTEXT,
        })),
        channel: this.channel,
        loader,
        logger,
      });
    }
  }

  /** Returns another channel, for requests that must not wait for those of {@linkcode ControllerSide.channel}. */
  newChannel(): ControllerChannel {
    const { runtime, config, quorum } = this.#options;
    return new ControllerChannel({
      runtime,
      nodeId: config.nodeId,
      location: quorum,
      own: this.#own,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retryBackoffMs: config.quorumTiming.retryBackoffMs,
    });
  }

  /** The addresses of the listeners by name. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#server?.addresses ?? new Map();
  }

  /** Begins to accept connections, and registers the controller once one is active. */
  start(): void {
    this.#server?.start();
    this.#enrollment?.start();
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    this.#watch?.stop();
    this.#enrollment?.stop();
    this.channel.close();
    await this.#server?.close();
  }
}

/** The dependencies of the requests that controllers serve. */
function servicesOf({ runtime, config, clusterId, quorum }: ControllerSideOptions) {
  return {
    clock: runtime.clock,
    config,
    nodeId: config.nodeId,
    clusterId,
    controller: quorum.controller!,
    raft: quorum.replica,
    image: () => quorum.loader.image,
  };
}

function ownController(options: ControllerSideOptions): OwnController | null {
  const { controller, replica } = options.quorum;
  if (controller === null) return null;
  return {
    ...localController({ handlers: DECIDED_BY_CONTROLLER, services: servicesOf(options) }),
    committedOffset: () => replica.status.highWatermark - 1,
  };
}

function serverOn(
  listeners: ListenerSet,
  localController: LocalController,
  watch: BrokerWatch,
  options: ControllerSideOptions,
): Server {
  const { logger, interceptors } = options;
  return serverOf({
    ...options,
    listeners,
    dispatcher: new Dispatcher({
      handlers: CONTROLLER_LISTENER,
      services: { ...servicesOf(options), localController },
      logger,
      interceptors: [...interceptors, watch.interceptor],
    }),
    onConnection: () => {},
    onEnd: watch.onEnd,
  });
}
