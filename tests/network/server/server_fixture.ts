/**
 * A server on a free port with a client, for tests of how requests reach their handlers.
 *
 * @module
 */
import { Dispatcher, type DispatcherOptions } from "../../../src/network/server/dispatch.ts";
import { FrameMemory } from "../../../src/network/server/frame_memory.ts";
import { ListenerSet } from "../../../src/network/server/listener_set.ts";
import { SendPool } from "../../../src/network/server/send_pool.ts";
import { Server } from "../../../src/network/server/server.ts";
import { SocketDescriptors } from "../../../src/network/server/socket_descriptors.ts";
import { KeptBytes } from "../../../src/protocol/frame.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { RawClient } from "../../broker/raw_client.ts";

const MIB = 1024 * 1024;

/** A running server and its client. */
export interface Fixture {
  readonly client: RawClient;
  readonly server: Server;
  readonly frameMemory: FrameMemory;
  /** What the server logged. */
  readonly messages: string[];
  connect(): Promise<RawClient>;
}

/** Calls `use` with a server for the handlers and services of `options`. */
export async function withServer<Needs>(
  options: Omit<DispatcherOptions<Needs>, "logger">,
  use: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const runtime = hostRuntime();
  const { clock, random, network } = runtime;
  const messages: string[] = [];
  const logger = { log: (_level: string, message: string) => void messages.push(message) };
  const frameMemory = new FrameMemory(clock, 2 * MIB);
  const address = { name: "PLAINTEXT", host: "127.0.0.1", port: 0 };
  const listeners = await ListenerSet.open(network, [address]);
  const server = new Server(
    listeners,
    {
      dispatcher: new Dispatcher({ ...options, logger }),
      pool: new SendPool(),
      keptBytes: new KeptBytes(MIB),
      frameMemory,
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
  const clients: RawClient[] = [];
  const connect = async () => {
    const client = await RawClient.connect(runtime, listeners.addresses.get("PLAINTEXT")!);
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
