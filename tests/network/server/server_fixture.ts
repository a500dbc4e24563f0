/**
 * A server on a free port with a client, for tests of how requests reach their handlers.
 *
 * @module
 */
import { Dispatcher, type DispatcherOptions } from "../../../src/network/server/dispatch.ts";
import { FrameMemory } from "../../../src/network/server/frame_memory.ts";
import { LargeAnswers } from "../../../src/network/server/large_answers.ts";
import { ListenerSet } from "../../../src/network/server/listener_set.ts";
import { SendPool } from "../../../src/network/server/send_pool.ts";
import { Server } from "../../../src/network/server/server.ts";
import { SocketDescriptors } from "../../../src/network/server/socket_descriptors.ts";
import { KeptBytes } from "../../../src/protocol/frame.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import type { Address, Runtime } from "../../../src/runtime/runtime.ts";
import { RawClient } from "../../broker/raw_client.ts";

const MIB = 1024 * 1024;
const LISTENER = "PLAINTEXT";

/** A running server and its client. */
export interface Fixture {
  readonly client: RawClient;
  readonly server: Server;
  readonly frameMemory: FrameMemory;
  /** What the server logged. */
  readonly messages: string[];
  connect(): Promise<RawClient>;
}

/** A server that {@linkcode startServer} started. */
export interface Started {
  readonly server: Server;
  readonly frameMemory: FrameMemory;
  readonly address: Address;
}

/** Starts a server for the handlers and services of `options`, by default on a free port of 127.0.0.1. */
export async function startServer<Needs>(
  { network, clock, random }: Pick<Runtime, "network" | "clock" | "random">,
  options: DispatcherOptions<Needs>,
  { host, port }: Address = { host: "127.0.0.1", port: 0 },
): Promise<Started> {
  const { logger } = options;
  const frameMemory = new FrameMemory(clock, 2 * MIB);
  const listeners = await ListenerSet.open(network, [{ name: LISTENER, host, port }]);
  const server = new Server(
    listeners,
    {
      dispatcher: new Dispatcher(options),
      pool: new SendPool(),
      keptBytes: new KeptBytes(MIB),
      frameMemory,
      largeAnswers: new LargeAnswers(clock),
      clock,
      logger,
      maxFrameBytes: () => 100 * MIB,
    },
    {
      maxConnections: () => 10,
      maxConnectionsOf: () => 10,
      connectionsMaxIdleMs: () => -1,
    },
    new SocketDescriptors({
      maxConnections: 10,
      freeDescriptors: () => false,
      clock,
      random,
      logger,
    }),
    () => {},
  );
  server.start();
  return { server, frameMemory, address: listeners.addresses.get(LISTENER)! };
}

/** Calls `use` with a server for the handlers and services of `options`. */
export async function withServer<Needs>(
  options: Omit<DispatcherOptions<Needs>, "logger">,
  use: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const runtime = hostRuntime();
  const messages: string[] = [];
  const logger = { log: (_level: string, message: string) => void messages.push(message) };
  const { server, frameMemory, address } = await startServer(runtime, { ...options, logger });
  const clients: RawClient[] = [];
  const connect = async () => {
    const client = await RawClient.connect(runtime, address);
    clients.push(client);
    return client;
  };
  try {
    await use({ client: await connect(), server, frameMemory, messages, connect });
  } finally {
    for (const client of clients) client.close();
    await server.close();
  }
}
