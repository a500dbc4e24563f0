/**
 * The listening sockets of a node, one for each of its `listeners`, as one queue of connections.
 *
 * @module
 */
import type { Address, Connection, Listener, Network } from "../../runtime/runtime.ts";

/** A listener's name and where it listens. */
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
  /** Whether it accepts, or has accepted a connection that was not returned yet. */
  isBusy: boolean;
  /** Settles when the accept under way, if there is one, has ended. */
  accepting: Promise<void>;
}

/** Accepts connections on several sockets. */
export class ListenerSet {
  readonly #sockets: readonly Socket[];
  /** At most one connection of each socket. */
  readonly #arrived: { readonly connection: Connection; readonly socket: Socket }[] = [];
  /** Why a listener could not accept, until {@linkcode ListenerSet.accept} has said so. */
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;
  #isClosed = false;

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
  }

  /**
   * Listens on all of `addresses`, at least one. Throws what {@linkcode Network.listen} throws for the
   * first that cannot be had, and listens on none then.
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

  /** Where it listens, by the names of the listeners, in the order of {@linkcode ListenerSet.open}. */
  get addresses(): ReadonlyMap<string, Address> {
    return new Map(this.#sockets.map(({ name, listener }) => [name, listener.address]));
  }

  /**
   * The next connection of any listener, or null once the set is closed. No other call may come before
   * this one has settled. With several listeners one connection of each may wait here for the next
   * call; others wait in the host's backlogs. Rejects as {@linkcode Listener.accept} does, once for
   * all listeners that fail together.
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
   * Listens no more and closes connections that {@linkcode accept} has not returned. Resolves when the
   * ports are free. May be called again.
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
