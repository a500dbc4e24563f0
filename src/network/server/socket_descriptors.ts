/**
 * Reserves file descriptors for data files by limiting connections, and waits for descriptors when they
 * have run out nevertheless.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../../backoff.ts";
import type { Logger } from "../../logger.ts";
import type { Address, Clock, RandomSource, Timer } from "../../runtime/runtime.ts";

/** The delays between attempts to accept a connection while there is no descriptor. */
const ACCEPT_BACKOFF: Backoff = { initialMs: 50, maxMs: 1_000 };
/** Minimum time between two log messages about a shortage, ms. */
const LOGGED_EVERY_MS = 60_000;

/** The options of {@linkcode SocketDescriptors}. */
export interface SocketDescriptorsOptions {
  /** Maximum number of connections that the process's limit on open files allows. */
  readonly maxConnections: number;
  /** Closes data files that are not in use. Returns whether there were any. */
  readonly freeDescriptors: () => boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** Limits the descriptors of a server's connections. */
export class SocketDescriptors {
  readonly #options: SocketDescriptorsOptions;
  /** Number of consecutive failed attempts to accept. */
  #failures = 0;
  /** Number of connections refused since the last log message about them. */
  #refused = 0;
  #refusalLoggedMs = -Infinity;
  #failureLoggedMs = -Infinity;
  #timer: Timer | null = null;
  #wake: (() => void) | null = null;

  constructor(options: SocketDescriptorsOptions) {
    this.#options = options;
  }

  /** Returns whether another connection may be served when `open` are open. */
  admits(open: number): boolean {
    this.#failures = 0;
    return open < this.#options.maxConnections;
  }

  /** Counts and logs a connection that was closed because of {@linkcode SocketDescriptors.admits}. */
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
   * Handles `error`, a failed accept for lack of a descriptor: closes data files, and resolves when the next
   * attempt is due or {@linkcode SocketDescriptors.stop} is called.
   */
  async failed(error: Error): Promise<void> {
    const { clock, random, logger, freeDescriptors } = this.#options;
    freeDescriptors();
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

  /** Ends a delay immediately. */
  stop(): void {
    this.#timer?.cancel();
    this.#wake?.();
  }
}
