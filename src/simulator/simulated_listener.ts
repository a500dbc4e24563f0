/**
 * A listening socket of a simulated machine.
 *
 * @module
 */

import type { Address, Connection, Listener } from "../runtime/runtime.ts";
import type { ConnectionOwner, SimulatedConnection } from "./simulated_connection.ts";

/** Connections that wait to be accepted; more are refused. */
const MAX_BACKLOG = 128;

/** Hands out connections in the order in which they arrive. */
export class SimulatedListener implements Listener {
  readonly #arrived: SimulatedConnection[] = [];
  readonly #waiting: ((connection: Connection | null) => void)[] = [];
  #closed = false;

  /** `owner` is the process that listens; `onClose` frees the port. */
  constructor(
    readonly address: Address,
    readonly owner: ConnectionOwner,
    readonly onClose: () => void,
  ) {}

  /** Whether another connection is accepted. The backlog fills up while the process is paused. */
  get acceptsMore(): boolean {
    return !this.#closed && this.#arrived.length < MAX_BACKLOG;
  }

  /** Adds a connection that a client has made. */
  arrive(connection: SimulatedConnection): void {
    this.#arrived.push(connection);
    if (this.#waiting.length > 0) this.owner.events.deliver(this, () => this.#handOut());
  }

  #handOut(): void {
    while (this.#waiting.length > 0 && this.#arrived.length > 0) {
      this.#waiting.shift()!(this.#arrived.shift()!);
    }
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

  /** Ends it with its process: pending calls of `accept` never settle. */
  orphan(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
    this.#arrived.length = 0;
    this.#waiting.length = 0;
  }
}
