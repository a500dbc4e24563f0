/**
 * Flushes the log of the quorum after appends: one flush at a time, for all appends before it.
 *
 * @module
 */
import type { Clock } from "../runtime/runtime.ts";
import type { RaftLog } from "./storage/raft_log.ts";

/**
 * The flushes that the start of a node alone asks for: of its election, its registration and its unfencing. They
 * begin at once: a host may need milliseconds for its first turn of the event loop.
 */
const REQUESTS_OF_START = 3;

/** The dependencies of a flusher. */
export interface LogFlusherOptions {
  readonly log: Pick<RaftLog, "flush" | "durableOffset">;
  readonly clock: Clock;
  /** Returns whether the replica has stopped: nothing is flushed or reported any more. */
  readonly isStopped: () => boolean;
  /** Called when the records below `offset` are durable. */
  readonly onDurable: (offset: number) => void;
}

/** Flushes one log. */
export class LogFlusher {
  readonly #options: LogFlusherOptions;
  #isDirty = false;
  #isFlushing = false;
  #requests = 0;

  constructor(options: LogFlusherOptions) {
    this.#options = options;
  }

  /**
   * Flushes what has been appended so far. Resolves when that is done, or at once if a flush that is under
   * way goes on to do it. Rejects with KAFKA_STORAGE_ERROR.
   */
  async request(): Promise<void> {
    this.#requests++;
    this.#isDirty = true;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const { log, clock, isStopped, onDurable } = this.#options;
    // The appends of this turn of the event loop share a flush.
    if (this.#requests > REQUESTS_OF_START) await clock.yieldToLoop();
    while (this.#isDirty && !isStopped()) {
      this.#isDirty = false;
      await log.flush();
      if (!isStopped()) onDurable(log.durableOffset);
    }
    this.#isFlushing = false;
  }
}
