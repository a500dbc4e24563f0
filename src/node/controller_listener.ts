/**
 * The listener at which controllers and brokers reach the controller of a node, with what it takes there: the
 * watch over the connections of brokers, and the registration of the controller.
 *
 * @module
 */
import type { ControllerChannel } from "../broker/controller_channel.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Controller } from "../controller/controller.ts";
import { envelopeController } from "../controller/requests/local_controller.ts";
import {
  CONTROLLER_LISTENER,
  type ControllerListenerNeeds,
  DECIDED_BY_CONTROLLER,
} from "../controller/requests/supported.ts";
import type { Logger } from "../logger.ts";
import { Dispatcher } from "../network/server/dispatch.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import type { ListenerSet } from "../network/server/listener_set.ts";
import type { Server } from "../network/server/server.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { BrokerWatch } from "./broker_watch.ts";
import { ControllerEnrollment } from "./controller_enrollment.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";
import { ownEndpoints } from "./advertised_address.ts";
import { serverOf } from "./server.ts";

const PLAINTEXT = 0;
/** What an Envelope adds to the largest request of a client, at most. */
const ENVELOPE_BYTES = 1_024;

/** The dependencies of {@linkcode ControllerListener}. */
export interface ControllerListenerOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly quorum: MetadataQuorum;
  readonly controller: Controller;
  /** Reaches the active controller. */
  readonly channel: ControllerChannel;
  readonly listeners: ListenerSet;
  readonly maxConnections: number;
  readonly freeDescriptors: () => boolean;
  /** Called for each request before its handler, in this order. */
  readonly interceptors: readonly Interceptor[];
  /** The dependencies of the requests. */
  readonly services: Omit<ControllerListenerNeeds, "localController">;
}

/** The listener of a controller. */
export class ControllerListener {
  readonly #server: Server;
  readonly #watch: BrokerWatch;
  readonly #enrollment: ControllerEnrollment;

  constructor(options: ControllerListenerOptions) {
    const { runtime, config, logger, quorum: { loader } } = options;
    const { controller, channel, interceptors, services } = options;
    const watch = this.#watch = new BrokerWatch({ runtime, controller, image: loader.image });
    this.#server = serverOf({
      ...options,
      dispatcher: new Dispatcher({
        handlers: CONTROLLER_LISTENER,
        services: {
          ...services,
          localController: envelopeController({ handlers: DECIDED_BY_CONTROLLER, services }),
        },
        logger,
        interceptors: [...interceptors, watch.interceptor],
      }),
      maxFrameBytes: () => config.socketRequestMaxBytes + ENVELOPE_BYTES,
      onConnection: () => {},
      onEnd: watch.onEnd,
    });
    this.#enrollment = new ControllerEnrollment({
      clock: runtime.clock,
      nodeId: config.nodeId,
      incarnationId: randomUuid(runtime.random),
      endpoints: ownEndpoints(config).map((endpoint) => ({
        ...endpoint,
        securityProtocol: PLAINTEXT,
      })),
      channel,
      loader,
      logger,
    });
  }

  /** The addresses by the names of the listeners. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#server.addresses;
  }

  /** Begins to accept connections, and registers the controller once one is active. */
  start(): void {
    this.#server.start();
    this.#enrollment.start();
  }

  /** Starts nothing more, while connections go on. */
  stop(): void {
    this.#watch.stop();
    this.#enrollment.stop();
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#server.close();
  }
}
