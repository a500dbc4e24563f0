/**
 * Whether a log can be used: what has failed for good, and what only the one operation that met it.
 *
 * @module
 */
import type { KafkaError } from "../protocol/errors.ts";
import { isDescriptorShortage } from "../runtime/runtime.ts";
import { asKafkaError, storageError } from "./storage_error.ts";

/** The state of one log. */
export class LogHealth {
  #failure: KafkaError | null = null;
  /** What is thrown once the log has been closed, unless it had failed before. */
  #closed: KafkaError | null = null;

  /** `name` is the log's, such as `events-0`. */
  constructor(private readonly name: string) {}

  /** Why nothing more is written, or null. */
  get failure(): KafkaError | null {
    return this.#failure ?? this.#closed;
  }

  /** Whether the log has been closed. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Nothing is written from now on, because of `failure`, unless there was a reason before. */
  takeOffline(failure: KafkaError): void {
    this.#failure ??= failure;
  }

  /** The log has been closed. */
  close(): void {
    this.#closed ??= storageError(`Cannot use ${this.name}`, new Error("the log has been closed"));
  }

  /** `what` has failed, and what the disk has is not known: nothing more is written. */
  fail(what: string, cause: unknown): KafkaError {
    const error = storageError(what, cause);
    this.#failure ??= error;
    return error;
  }

  /**
   * A flush has failed. For want of a descriptor nothing was synced and nothing was lost: the next
   * flush covers the same records. After any other error the log is not written any more.
   */
  flushFailed(cause: unknown): KafkaError {
    const what = `Cannot flush ${this.name}`;
    return isDescriptorShortage(cause) ? storageError(what, cause) : this.fail(what, cause);
  }

  /** The error to throw when `action` met `error`. */
  failed(action: string, error: unknown): unknown {
    return asKafkaError(`Cannot ${action} ${this.name}`, error);
  }

  /** Throws unless the log is open and nothing has failed for good. */
  check(): void {
    const failure = this.#failure ?? this.#closed;
    if (failure !== null) throw failure;
  }

  /** Throws what has failed for good: for work that the log's end must not make fail. */
  checkFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** As `guard`, for what writes: nothing is, once files failed or what `mustEnd` was done in part. */
  change<T>(action: string, run: () => T, mustEnd = false): T {
    this.check();
    try {
      return this.guard(action, run);
    } catch (error) {
      if (mustEnd) this.#failure ??= error as KafkaError;
      throw error;
    }
  }

  /** Runs `run` unless the log is closed. What it throws becomes a `KafkaError`. */
  guard<T>(action: string, run: () => T): T {
    if (this.#closed !== null) throw this.#failure ?? this.#closed;
    try {
      return run();
    } catch (error) {
      throw this.failed(action, error);
    }
  }
}
