/**
 * The socket servers of a node: one for clients and brokers, one for controllers.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { KEPT_RECEIVE_BYTES } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ConnectionEnvironment } from "../network/server/connection.ts";
import { FrameMemory } from "../network/server/frame_memory.ts";
import { ListenerSet } from "../network/server/listener_set.ts";
import { LargeAnswers } from "../network/server/large_answers.ts";
import { SendPool } from "../network/server/send_pool.ts";
import { Server } from "../network/server/server.ts";
import { SocketDescriptors } from "../network/server/socket_descriptors.ts";
import { KeptBytes } from "../protocol/frame.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";

/** What a server serves, and within which limits. */
export interface ServerOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly listeners: ListenerSet;
  readonly dispatcher: ConnectionEnvironment["dispatcher"];
  /** The number of connections for which the process has descriptors. */
  readonly maxConnections: number;
  /** Closes files that are open for speed only, when descriptors are short. */
  readonly freeDescriptors: () => boolean;
  /** Returns the maximum size of a request. Defaults to `socket.request.max.bytes`. */
  readonly maxFrameBytes?: () => number;
  /** Called for each connection. */
  readonly onConnection: () => void;
  /** Called when the client's side of a connection has ended. */
  readonly onEnd?: ConnectionEnvironment["onEnd"];
}

/** Makes a server. It accepts connections once it has been started. */
export function serverOf(options: ServerOptions): Server {
  const { runtime: { clock, random }, config, logger, listeners, dispatcher } = options;
  const { maxFrameBytes = () => config.socketRequestMaxBytes } = options;
  return new Server(
    listeners,
    {
      dispatcher,
      pool: new SendPool(),
      keptBytes: new KeptBytes(KEPT_RECEIVE_BYTES),
      frameMemory: new FrameMemory(clock),
      largeAnswers: new LargeAnswers(clock),
      clock,
      logger,
      maxFrameBytes,
      ...(options.onEnd !== undefined && { onEnd: options.onEnd }),
    },
    {
      maxConnections: () => config.maxConnections,
      maxConnectionsOf: (host) => config.maxConnectionsOf(host),
      connectionsMaxIdleMs: () => config.connectionsMaxIdleMs,
    },
    new SocketDescriptors({
      maxConnections: options.maxConnections,
      freeDescriptors: options.freeDescriptors,
      clock,
      random,
      logger,
    }),
    options.onConnection,
  );
}

/** Opens the listeners of one role, if it has any. */
export async function openListeners(
  { network }: Runtime,
  config: BrokerConfig,
  role: "broker" | "controller",
): Promise<ListenerSet | null> {
  const listeners = role === "broker" ? config.brokerListeners : config.controllerListeners;
  if (listeners.length === 0) return null;
  const opened = await ListenerSet.open(network, listeners);
  config.setListening(portsOf(opened.addresses));
  return opened;
}

function portsOf(addresses: ReadonlyMap<string, Address>): Map<string, number> {
  return new Map([...addresses].map(([name, { port }]) => [name, port]));
}
