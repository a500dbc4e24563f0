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
import type { ListenerSet } from "../network/server/listener_set.ts";
import type { Server } from "../network/server/server.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import { serverOf } from "./server.ts";

/** How long a request to the active controller is retried, ms: Kafka's default for `request.timeout.ms`. */
const REQUEST_TIMEOUT_MS = 30_000;

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
}

/** The controller side of a node. On a node without that role it is the channel alone. */
export class ControllerSide {
  /** Reaches the active controller, in this process or at another node. */
  readonly channel: ControllerChannel;
  readonly #options: ControllerSideOptions;
  readonly #own: OwnController | null;
  readonly #server: Server | null;

  constructor(options: ControllerSideOptions) {
    const { listeners } = options;
    const own = ownController(options);
    this.#options = options;
    this.#own = own;
    this.channel = this.newChannel();
    this.#server = listeners === null || own === null ? null : serverOn(listeners, own, options);
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

  /** Begins to accept connections. */
  start(): void {
    this.#server?.start();
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
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
  options: ControllerSideOptions,
): Server {
  const { logger } = options;
  return serverOf({
    ...options,
    listeners,
    dispatcher: new Dispatcher({
      handlers: CONTROLLER_LISTENER,
      services: { ...servicesOf(options), localController },
      logger,
    }),
    onConnection: () => {},
  });
}
