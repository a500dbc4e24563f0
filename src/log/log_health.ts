/**
 * Whether a log can be used. Separates permanent failures from those of a single operation.
 *
 * @module
 */
import type { KafkaError } from "../protocol/errors.ts";
import { isDescriptorShortage } from "../runtime/runtime.ts";
import { asKafkaError, storageError } from "./storage_error.ts";

/** The state of one log. */
export class LogHealth {
  #failure: KafkaError | null = null;
  /** The error after the log has been closed, unless it had failed before. */
  #closed: KafkaError | null = null;

  /** `name` is the name of the log, such as `events-0`. */
  constructor(private readonly name: string) {}

  /** Why nothing is written any more, or null. */
  get failure(): KafkaError | null {
    return this.#failure ?? this.#closed;
  }

  /** Whether the log has been closed. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Stops all writes because of `failure`, unless there is an earlier reason. */
  takeOffline(failure: KafkaError): void {
    this.#failure ??= failure;
  }

  /** Marks the log as closed. */
  close(): void {
    this.#closed ??= storageError(`Cannot use ${this.name}`, new Error("the log has been closed"));
  }

  /**
   * Records that `what` has failed and the content of the disk is unknown: nothing is written any
   * more.
   */
  fail(what: string, cause: unknown): KafkaError {
    const error = storageError(what, cause);
    this.#failure ??= error;
    return error;
  }

  /**
   * Records that a flush has failed. If it lacked a file descriptor, nothing was lost, and the next
   * flush covers the same records. After any other error, nothing is written any more.
   */
  flushFailed(cause: unknown): KafkaError {
    const what = `Cannot flush ${this.name}`;
    return isDescriptorShortage(cause) ? storageError(what, cause) : this.fail(what, cause);
  }

  /** Returns the error to throw when `action` failed with `error`. */
  failed(action: string, error: unknown): unknown {
    return asKafkaError(`Cannot ${action} ${this.name}`, error);
  }

  /** Throws unless the log is open and has no permanent failure. */
  check(): void {
    const failure = this.#failure ?? this.#closed;
    if (failure !== null) throw failure;
  }

  /** Throws the permanent failure, if any, for work that may continue on a closed log. */
  checkFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Like `guard`, for writes: they stop after a file failure, or when `mustEnd` work was only
   * partly done.
   */
  change<T>(action: string, run: () => T, mustEnd = false): T {
    this.check();
    try {
      return this.guard(action, run);
    } catch (error) {
      if (mustEnd) this.#failure ??= error as KafkaError;
      throw error;
    }
  }

  /** Calls `run` unless the log is closed. Its errors are converted to a `KafkaError`. */
  guard<T>(action: string, run: () => T): T {
    if (this.#closed !== null) throw this.#failure ?? this.#closed;
    try {
      return run();
    } catch (error) {
      throw this.failed(action, error);
    }
  }
}
