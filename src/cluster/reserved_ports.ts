/**
 * Ports for the nodes of a cluster. A voter must be configured with its port, so ports have to be known
 * before the first node starts: the listeners are opened here and handed to the nodes, so that no other
 * process takes a port between.
 *
 * @module
 */
import {
  AddressInUseError,
  type Clock,
  type Listener,
  type Network,
  type RandomSource,
  type Runtime,
} from "../runtime/runtime.ts";

/**
 * The ports to choose from. They are below those that systems give to outgoing connections: while a node is
 * stopped, one of these must not take its port.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 50;
/** How long a host may take to close a listener, ms, and the time between two attempts. */
const CLOSING_MS = 1_000;
const CLOSING_STEP_MS = 2;

/** Listeners that are open before the nodes that they belong to. */
export class ReservedPorts {
  /** By port, until a node listens on it. */
  readonly #listeners = new Map<number, Listener>();

  /** Listens on `port`, or on any free one if it is 0, and returns the port. Throws `AddressInUseError`. */
  async reserve(
    { network, random }: Pick<Runtime, "network" | "random">,
    host: string,
    port: number,
  ): Promise<number> {
    const listener = port === 0
      ? await listenAnywhere(network, random, host)
      : await network.listen({ host, port });
    this.#listeners.set(listener.address.port, listener);
    return listener.address.port;
  }

  /**
   * Returns the network of `runtime` with the reserved listeners: the first `listen` on a reserved port returns
   * one. A later one waits until the host has closed the listener of the node that was killed.
   */
  over({ network, clock }: Pick<Runtime, "network" | "clock">): Network {
    return {
      connect: (options) => network.connect(options),
      listen: async (options) => {
        const listener = this.#listeners.get(options.port);
        if (listener === undefined) return await listenAgain(network, clock, options);
        this.#listeners.delete(options.port);
        return listener;
      },
    };
  }

  /** Closes the listeners that no node has taken. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }
}

/** Listens on a free port that no outgoing connection takes, if there is one. */
async function listenAnywhere(
  network: Network,
  random: RandomSource,
  host: string,
): Promise<Listener> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + random.below(LAST_PORT - FIRST_PORT);
    try {
      return await network.listen({ host, port });
    } catch (error) {
      if (!(error instanceof AddressInUseError)) throw error;
    }
  }
  return await network.listen({ host, port: 0 });
}

/** Listens, and tries again for a while if the port is taken: hosts close a listener some turns later. */
async function listenAgain(
  network: Network,
  clock: Clock,
  options: { readonly host: string; readonly port: number },
): Promise<Listener> {
  const deadline = clock.monotonicMs() + CLOSING_MS;
  for (;;) {
    try {
      return await network.listen(options);
    } catch (error) {
      if (!(error instanceof AddressInUseError) || clock.monotonicMs() >= deadline) throw error;
    }
    await new Promise<void>((resolve) => clock.setTimer(CLOSING_STEP_MS, resolve));
  }
}
