/**
 * Accepts connections and keeps their number, their number per address and their idle time within the
 * configured limits.
 *
 * @module
 */
import { SHUTDOWN_GRACE_MS } from "../../limits.ts";
import {
  type Address,
  type Clock,
  isDescriptorShortage,
  type Timer,
} from "../../runtime/runtime.ts";
import { ClientConnection, type ConnectionEnvironment } from "./connection.ts";
import type { AcceptedConnection, ListenerSet } from "./listener_set.ts";
import type { SocketDescriptors } from "./socket_descriptors.ts";

/** Minimum time between two checks for idle connections, ms. */
const LEAST_IDLE_CHECK_MS = 100;

/** The configured limits. Each method returns the current value. */
export interface ServerLimits {
  /** `max.connections` */
  maxConnections(): number;
  /** `max.connections.per.ip`, or the value for `host` in `max.connections.per.ip.overrides`. */
  maxConnectionsOf(host: string): number;
  /** `connections.max.idle.ms`. A negative value turns the check off. */
  connectionsMaxIdleMs(): number;
}

/** Serves the connections that its listeners accept. */
export class Server {
  readonly #listeners: ListenerSet;
  readonly #environment: ConnectionEnvironment;
  readonly #limits: ServerLimits;
  readonly #descriptors: SocketDescriptors;
  readonly #onConnection: () => void;
  readonly #clock: Clock;
  readonly #connections = new Set<ClientConnection>();
  readonly #perIp = new Map<string, number>();
  #nextId = 1;
  #idleCheck: Timer | null = null;
  #closing = false;
  #freed: (() => void) | null = null;
  #accepting: Promise<void> | null = null;

  constructor(
    listeners: ListenerSet,
    environment: ConnectionEnvironment,
    limits: ServerLimits,
    descriptors: SocketDescriptors,
    onConnection: () => void,
  ) {
    this.#listeners = listeners;
    this.#descriptors = descriptors;
    this.#onConnection = onConnection;
    this.#environment = environment;
    this.#limits = limits;
    this.#clock = environment.clock;
  }

  /** The addresses of the listeners by name. */
  get addresses(): ReadonlyMap<string, Address> {
    return this.#listeners.addresses;
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Whether connections are accepted. */
  get isAccepting(): boolean {
    return this.#accepting !== null && !this.#closing;
  }

  /** Starts to accept connections. */
  start(): void {
    this.#accepting = this.#accept();
  }

  /** Stops accepting, waits for the answers to requests in flight, and closes all connections. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#descriptors.stop();
    this.#freed?.();
    this.#idleCheck?.cancel();
    await this.#listeners.close();
    await this.#accepting;
    const drained = Promise.all([...this.#connections].map((connection) => connection.drain()));
    let timer: Timer | null = null;
    const graceIsOver = new Promise<void>((resolve) => {
      timer = this.#clock.setTimer(SHUTDOWN_GRACE_MS, resolve);
    });
    await Promise.race([drained, graceIsOver]);
    (timer as Timer | null)?.cancel();
    this.kill();
  }

  /** Closes all connections immediately. */
  kill(): void {
    this.#closing = true;
    this.#descriptors.stop();
    this.#freed?.();
    this.#idleCheck?.cancel();
    this.#listeners.close();
    for (const connection of [...this.#connections]) connection.close();
  }

  async #accept(): Promise<void> {
    while (!this.#closing) {
      // As in Apache Kafka, connections beyond the limit wait in the host's backlog.
      if (this.#connections.size >= this.#limits.maxConnections()) {
        await new Promise<void>((resolve) => void (this.#freed = resolve));
        this.#freed = null;
        continue;
      }
      let accepted: AcceptedConnection | null;
      try {
        accepted = await this.#listeners.accept();
      } catch (error) {
        if (this.#closing) return;
        if (!isDescriptorShortage(error)) throw error;
        await this.#descriptors.failed(error as Error);
        continue;
      }
      if (accepted === null) return;
      if (this.#closing) return accepted.connection.close();
      if (this.#descriptors.admits(this.#connections.size)) this.#serve(accepted);
      else {
        this.#descriptors.refused(accepted.connection.remoteAddress);
        accepted.connection.close();
      }
    }
  }

  #serve({ connection, listener }: AcceptedConnection): void {
    const { host, port } = connection.remoteAddress;
    const fromHere = this.#perIp.get(host) ?? 0;
    const limit = this.#limits.maxConnectionsOf(host);
    if (fromHere >= limit) {
      this.#environment.logger.log(
        "warn",
        `Refused ${host}:${port}: ${host} has ${fromHere} connections, max.connections.per.ip is ${limit}`,
      );
      return connection.close();
    }
    this.#perIp.set(host, fromHere + 1);
    const client = new ClientConnection(
      { id: this.#nextId++, listener },
      connection,
      this.#environment,
    );
    this.#connections.add(client);
    this.#onConnection();
    this.#armIdleCheck();
    client.run().then(() => {
      this.#connections.delete(client);
      const left = (this.#perIp.get(host) ?? 1) - 1;
      if (left > 0) this.#perIp.set(host, left);
      else this.#perIp.delete(host);
      this.#freed?.();
      if (this.#connections.size === 0) {
        this.#idleCheck?.cancel();
        this.#idleCheck = null;
      }
    });
  }

  /** Sets one timer for all connections, for the first one that may have been idle too long. */
  #armIdleCheck(): void {
    const maxIdleMs = this.#limits.connectionsMaxIdleMs();
    if (this.#idleCheck !== null || this.#closing || maxIdleMs < 0) return;
    let earliest = Infinity;
    for (const { lastActiveMs } of this.#connections) earliest = Math.min(earliest, lastActiveMs);
    if (earliest === Infinity) return;
    const delayMs = earliest + maxIdleMs - this.#clock.monotonicMs();
    this.#idleCheck = this.#clock.setTimer(Math.max(delayMs, LEAST_IDLE_CHECK_MS), () => {
      this.#idleCheck = null;
      this.#closeIdle();
      this.#armIdleCheck();
    });
  }

  #closeIdle(): void {
    const maxIdleMs = this.#limits.connectionsMaxIdleMs();
    if (maxIdleMs < 0) return;
    const oldest = this.#clock.monotonicMs() - maxIdleMs;
    for (const connection of [...this.#connections]) {
      if (connection.lastActiveMs > oldest) continue;
      const { host, port } = connection.info.remoteAddress;
      this.#environment.logger.log("debug", `Closed ${host}:${port}: idle for ${maxIdleMs} ms`);
      connection.close();
    }
  }
}
