/**
 * Ports for the nodes of a cluster. A voter must be configured with its port, so ports have to be known
 * before the first node starts: the listeners are opened here and handed to the nodes, so that no other
 * process takes a port between.
 *
 * @module
 */
import type { Listener, Network } from "../runtime/runtime.ts";

/** Listeners that are open before the nodes that they belong to. */
export class ReservedPorts {
  /** By port, until a node listens on it. */
  readonly #listeners = new Map<number, Listener>();

  /** Listens on `port`, or on any free one if it is 0, and returns the port. Throws `AddressInUseError`. */
  async reserve(network: Network, host: string, port: number): Promise<number> {
    const listener = await network.listen({ host, port });
    this.#listeners.set(listener.address.port, listener);
    return listener.address.port;
  }

  /** Returns `network` with the reserved listeners: the first `listen` on a reserved port returns one. */
  over(network: Network): Network {
    return {
      connect: (options) => network.connect(options),
      listen: (options) => {
        const listener = this.#listeners.get(options.port);
        if (listener === undefined) return network.listen(options);
        this.#listeners.delete(options.port);
        return Promise.resolve(listener);
      },
    };
  }

  /** Closes the listeners that no node has taken. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }
}
