/**
 * The accepts of a node that wait for a connection. On some hosts a closed listener keeps its port until they
 * have ended.
 *
 * @module
 */
import type { Connection, Listener, Network } from "../runtime/runtime.ts";

/** Tracks the accepts on all listeners of a network. */
export class Accepts {
  readonly #pending = new Set<Promise<Connection | null>>();

  /** Returns `network`, whose accepts are tracked. */
  of(network: Network): Network {
    return {
      connect: (options) => network.connect(options),
      listen: async (options) => {
        const listener = await network.listen(options);
        return {
          address: listener.address,
          accept: () => this.#accept(listener),
          close: () => listener.close(),
        };
      },
    };
  }

  /** Resolves when none waits. Call it once the listeners have been closed. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async #accept(listener: Listener): Promise<Connection | null> {
    const accepted = listener.accept();
    this.#pending.add(accepted);
    try {
      return await accepted;
    } finally {
      this.#pending.delete(accepted);
    }
  }
}
