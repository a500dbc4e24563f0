/**
 * A listening socket of a simulated machine.
 *
 * @module
 */

import type { Address, Connection, Listener } from "../runtime/runtime.ts";
import type { SimulatedConnection } from "./simulated_connection.ts";
import type { SimulatedProcess } from "./simulated_process.ts";

/** Connections that wait to be accepted; more are refused. */
const MAX_BACKLOG = 128;

/** Takes connections in the order in which they arrive. */
export class SimulatedListener implements Listener {
  readonly #arrived: SimulatedConnection[] = [];
  readonly #waiting: ((connection: Connection | null) => void)[] = [];
  #closed = false;

  /** `owner` is the process that listens; `onClose` frees the port. */
  constructor(
    readonly address: Address,
    readonly owner: SimulatedProcess,
    readonly onClose: () => void,
  ) {}

  /** Whether another connection would be taken. */
  get hasRoom(): boolean {
    return !this.#closed && this.#arrived.length < MAX_BACKLOG;
  }

  /** A connection has been made from elsewhere. */
  arrive(connection: SimulatedConnection): void {
    const accept = this.#waiting.shift();
    if (accept) accept(connection);
    else this.#arrived.push(connection);
  }

  /** As {@linkcode Listener.accept}. */
  accept(): Promise<Connection | null> {
    if (this.#closed) return Promise.resolve(null);
    const connection = this.#arrived.shift();
    if (connection) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** As {@linkcode Listener.close}. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
    for (const connection of this.#arrived.splice(0)) connection.close();
    for (const resolve of this.#waiting.splice(0)) resolve(null);
  }

  /** The process has ended: whoever waits here is never answered. */
  orphan(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
    this.#arrived.length = 0;
    this.#waiting.length = 0;
  }
}
