/**
 * A connection to another replica that is kept open for the next request.
 *
 * @module
 */
import { PeerConnection, type PeerConnectionOptions } from "../network/peer_connection.ts";

/** Opens its connection on the first request, and anew when it has ended. */
export class KeptConnection {
  readonly #options: PeerConnectionOptions;
  readonly #closing = new AbortController();
  #connection: PeerConnection | null = null;
  #opening: Promise<PeerConnection> | null = null;
  /** The number of requests that use it. */
  users = 0;

  constructor(options: Omit<PeerConnectionOptions, "signal">) {
    this.#options = { ...options, signal: this.#closing.signal };
  }

  /** Whether a connection is open already. */
  get isOpen(): boolean {
    return this.#connection?.isOpen ?? false;
  }

  /** Returns the connection, or opens one. Rejects as {@linkcode PeerConnection.open}. */
  async get(): Promise<PeerConnection> {
    if (this.#connection?.isOpen) return this.#connection;
    this.#opening ??= this.#open();
    return await this.#opening;
  }

  /** Closes the connection for good. Requests in flight fail. */
  close(): void {
    this.#closing.abort();
    this.#connection?.close();
  }

  async #open(): Promise<PeerConnection> {
    try {
      return this.#connection = await PeerConnection.open(this.#options);
    } finally {
      this.#opening = null;
    }
  }
}
