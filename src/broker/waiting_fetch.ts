/**
 * A fetch that waits until its partitions have enough bytes. It counts them as they come: only the
 * partitions that have changed are looked at again.
 *
 * @module
 */
import type { Reader } from "../replication/partition_read.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { FetchSession, FetchTarget, SessionWait } from "./fetch_session.ts";

/** What a read has found. */
export interface FetchPass {
  readonly bytes: number;
  /** Whether the answer must not wait for more. */
  readonly isUrgent: boolean;
}

/** What a waiting fetch reads, and what it waits for. */
export interface WaitingFetchOptions {
  readonly clock: Clock;
  readonly session: FetchSession;
  readonly reader: Reader;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Reads what there is. */
  readonly read: () => FetchPass;
  /** Answers with what the last read has found. Called once. */
  readonly answer: () => void;
}

/** A fetch whose answer is not sent yet. */
export class WaitingFetch implements SessionWait {
  readonly #options: WaitingFetchOptions;
  readonly #timer: Timer;
  #uncounted: FetchTarget[] = [];
  #bytes: number;
  #isDone = false;

  /** Waits from now on. `bytes` are there already, as `countedBytes` of the session's partitions say. */
  constructor(options: WaitingFetchOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
    this.#timer = options.clock.setTimer(options.maxWaitMs, () => this.end());
    options.session.waiting = this;
    options.session.listen();
  }

  /** The bytes of `target` have to be counted again: once for all that happens in the current task. */
  onNews(target: FetchTarget): void {
    if (target.isUncounted) return;
    target.isUncounted = true;
    if (this.#uncounted.length === 0) queueMicrotask(() => this.#count());
    this.#uncounted.push(target);
  }

  /** Answers with what there is. */
  end(): void {
    if (this.#isDone) return;
    this.#options.read();
    this.#answer();
  }

  #answer(): void {
    this.#isDone = true;
    this.#timer.cancel();
    this.#options.session.waiting = null;
    for (const target of this.#uncounted) target.isUncounted = false;
    this.#options.answer();
  }

  #count(): void {
    if (this.#isDone) return;
    const { reader, minBytes } = this.#options;
    const targets = this.#uncounted;
    this.#uncounted = [];
    for (const target of targets) target.isUncounted = false;
    let mustRead = false;
    for (const target of targets) {
      const bytes = target.partition?.readableBytes(target, reader) ?? null;
      if (bytes === null) mustRead = true;
      else {
        this.#bytes += bytes - target.countedBytes;
        target.countedBytes = bytes;
      }
    }
    if (!mustRead && this.#bytes < minBytes) return;
    // The limits of the request may leave out some of what was counted.
    const pass = this.#options.read();
    if (pass.bytes >= minBytes || pass.isUrgent) this.#answer();
    else this.#bytes = pass.bytes;
  }
}
