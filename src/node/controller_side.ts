/**
 * The controller side of a node: the channel through which the node reaches the active controller, and, if
 * its controller can be reached by other nodes, the listener for them.
 *
 * @module
 */
import { ControllerChannel, type OwnController } from "../broker/controller_channel.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import { localController } from "../controller/requests/local_controller.ts";
import type { Logger } from "../logger.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import type { ListenerSet } from "../network/server/listener_set.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import type { ControllerListener } from "./controller_listener.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import type { ClusterParts, NodeParts } from "./parts/node_parts.ts";

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
  /** Called for each request to the listeners before its handler, in this order. */
  readonly interceptors: readonly Interceptor[];
  readonly handlers: NodeParts["controllerHandlers"];
  /** Null on a node that has no others beside it. */
  readonly cluster: ClusterParts | null;
}

/** The controller side of a node. On a node without that role it is the channel alone. */
export class ControllerSide {
  /** Reaches the active controller, in this process or at another node. */
  readonly channel: ControllerChannel;
  readonly #options: ControllerSideOptions;
  readonly #own: OwnController | null;
  readonly #listener: ControllerListener | null = null;

  constructor(options: ControllerSideOptions) {
    const { listeners, cluster, quorum: { controller } } = options;
    this.#options = options;
    this.#own = ownController(options);
    this.channel = this.newChannel();
    if (cluster === null || listeners === null || controller === null) return;
    this.#listener = new cluster.ControllerListener({
      ...options,
      listeners,
      controller,
      channel: this.channel,
      services: servicesOf(options),
    });
  }

  /** Returns another channel, for requests that must not wait for those of {@linkcode ControllerSide.channel}. */
  newChannel(): ControllerChannel {
    const { runtime, config: { nodeId, quorumTiming }, quorum, cluster } = this.#options;
    const requestTimeoutMs = REQUEST_TIMEOUT_MS;
    return new ControllerChannel({
      runtime,
      nodeId,
      location: quorum,
      own: this.#own,
      remote: cluster && new cluster.RemoteController({ runtime, nodeId, requestTimeoutMs }),
      requestTimeoutMs,
      retryBackoffMs: quorumTiming.retryBackoffMs,
    });
  }

  /** The addresses of the listeners by name. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#listener?.addresses ?? new Map();
  }

  /** Begins to accept connections, and registers the controller once one is active. */
  start(): void {
    this.#listener?.start();
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    this.#listener?.stop();
    this.channel.close();
    await this.#listener?.close();
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
  const { quorum: { controller, replica }, handlers } = options;
  if (controller === null) return null;
  return {
    ...localController({ handlers, services: servicesOf(options) }),
    committedOffset: () => {
      // A new leader may not know yet how much its predecessor had committed.
      if (controller.active === null) {
        throw new KafkaError(
          ErrorCode.NOT_CONTROLLER,
          "Cannot tell what is committed: this controller is not active yet",
        );
      }
      return replica.status.highWatermark - 1;
    },
  };
}
