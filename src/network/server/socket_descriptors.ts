/**
 * Keeps connections from taking the file descriptors that the data need, and waits for descriptors
 * where they have run out all the same.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../../backoff.ts";
import type { Logger } from "../../logger.ts";
import type { Address, Clock, RandomSource, Timer } from "../../runtime/runtime.ts";

/** The waits between attempts to accept a connection for which there is no descriptor. */
const ACCEPT_BACKOFF: Backoff = { firstMs: 50, mostMs: 1_000 };
/** A want of descriptors is logged once in this time. */
const LOGGED_EVERY_MS = 60_000;

/** What {@linkcode SocketDescriptors} works with. */
export interface SocketDescriptorsOptions {
  /** The most connections that the process's limit on open files allows. */
  readonly maxConnections: number;
  /** Closes files that are not in use. Returns whether there were any. */
  readonly makeRoom: () => boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** The descriptors of a server's connections. */
export class SocketDescriptors {
  readonly #options: SocketDescriptorsOptions;
  /** Attempts to accept that have failed one after the other. */
  #failures = 0;
  /** Connections that were refused since that was last logged. */
  #refused = 0;
  #refusalLoggedMs = -Infinity;
  #failureLoggedMs = -Infinity;
  #timer: Timer | null = null;
  #wake: (() => void) | null = null;

  constructor(options: SocketDescriptorsOptions) {
    this.#options = options;
  }

  /** Whether a connection beside `open` others may be served. */
  admits(open: number): boolean {
    this.#failures = 0;
    return open < this.#options.maxConnections;
  }

  /** The connection of `peer` was closed, because {@linkcode SocketDescriptors.admits} said no. */
  refused({ host, port }: Address): void {
    this.#refused++;
    const { clock, maxConnections, logger } = this.#options;
    const now = clock.monotonicMs();
    if (now < this.#refusalLoggedMs + LOGGED_EVERY_MS) return;
    this.#refusalLoggedMs = now;
    const others = this.#refused - 1;
    this.#refused = 0;
    logger.log(
      "warn",
      `Refused ${host}:${port}${others > 0 ? `, and ${others} before it` : ""}: there are ` +
        `${maxConnections} connections, which is what the process's limit on open files allows ` +
        `beside its data; raise it (ulimit -n), or lower max.connections to have clients wait`,
    );
  }

  /**
   * A connection could not be accepted because of `error`, the want of a descriptor: has files closed,
   * and resolves when it is time for another attempt, or {@linkcode SocketDescriptors.stop} is called.
   */
  async failed(error: Error): Promise<void> {
    const { clock, random, logger, makeRoom } = this.#options;
    makeRoom();
    const now = clock.monotonicMs();
    if (now >= this.#failureLoggedMs + LOGGED_EVERY_MS) {
      this.#failureLoggedMs = now;
      logger.log("error", error.message);
    }
    const delayMs = exponentialBackoffMs(ACCEPT_BACKOFF, this.#failures++, random);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = clock.setTimer(delayMs, resolve);
    });
  }

  /** Ends a wait at once. */
  stop(): void {
    this.#timer?.cancel();
    this.#wake?.();
  }
}
