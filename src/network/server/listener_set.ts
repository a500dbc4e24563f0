/**
 * The listening sockets of a node, one for each of its `listeners`, as one queue of connections.
 *
 * @module
 */
import type { Address, Connection, Listener, Network } from "../../runtime/runtime.ts";

/** The name and the address of a listener. */
export interface NamedAddress extends Address {
  readonly name: string;
}

/** A connection and the name of the listener that accepted it. */
export interface AcceptedConnection {
  readonly connection: Connection;
  readonly listener: string;
}

/** One listening socket. */
interface Socket {
  readonly name: string;
  readonly listener: Listener;
  /** Whether an accept is in flight, or its connection has not been returned yet. */
  isBusy: boolean;
  /** Settles when the accept in flight has ended. */
  accepting: Promise<void>;
}

/** Accepts connections on several sockets. */
export class ListenerSet {
  readonly #sockets: readonly Socket[];
  /** Accepted connections, at most one of each socket. */
  readonly #arrived: { readonly connection: Connection; readonly socket: Socket }[] = [];
  /** The error of a failed accept, until {@linkcode ListenerSet.accept} has thrown it. */
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;
  #isClosed = false;

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
  }

  /**
   * Listens on all of `addresses`, which must not be empty. Throws the first error of
   * {@linkcode Network.listen}, and listens on none of them then.
   */
  static async open(
    network: Network,
    addresses: readonly NamedAddress[],
  ): Promise<ListenerSet> {
    const sockets: Socket[] = [];
    try {
      for (const { name, host, port } of addresses) {
        const listener = await network.listen({ host, port });
        sockets.push({ name, listener, isBusy: false, accepting: Promise.resolve() });
      }
    } catch (error) {
      for (const { listener } of sockets) listener.close();
      throw error;
    }
    return new ListenerSet(sockets);
  }

  /** The addresses of the listeners by name, in the order of {@linkcode ListenerSet.open}. */
  get addresses(): ReadonlyMap<string, Address> {
    return new Map(this.#sockets.map(({ name, listener }) => [name, listener.address]));
  }

  /**
   * Returns the next connection of any listener, or null once the set is closed. Must not be called again
   * before it has settled. With several listeners one connection of each may wait here for the next call.
   * Others wait in the host's backlogs. Rejects as {@linkcode Listener.accept} does, once if several
   * listeners fail at the same time.
   */
  async accept(): Promise<AcceptedConnection | null> {
    while (!this.#isClosed) {
      const next = this.#arrived.shift();
      if (next !== undefined) {
        next.socket.isBusy = false;
        return { connection: next.connection, listener: next.socket.name };
      }
      const failure = this.#failure;
      this.#failure = null;
      if (failure !== null) throw failure.error;
      for (const socket of this.#sockets) {
        if (!socket.isBusy) socket.accepting = this.#acceptOn(socket);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return null;
  }

  /**
   * Stops listening and closes connections that {@linkcode accept} has not returned. Resolves when the ports
   * are free. May be called twice.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { listener } of this.#sockets) listener.close();
    for (const { connection } of this.#arrived.splice(0)) connection.close();
    this.#wake?.();
    await Promise.all(this.#sockets.map(({ accepting }) => accepting));
  }

  async #acceptOn(socket: Socket): Promise<void> {
    socket.isBusy = true;
    try {
      const connection = await socket.listener.accept();
      if (connection === null) return;
      if (this.#isClosed) return connection.close();
      this.#arrived.push({ connection, socket });
    } catch (error) {
      socket.isBusy = false;
      this.#failure = { error };
    }
    this.#wake?.();
  }
}
