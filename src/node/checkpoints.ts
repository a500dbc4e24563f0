/**
 * Writes the recovery points and high watermarks of a node's data directories at intervals, and removes
 * the directories of deleted logs once `file.delete.delay.ms` has passed.
 *
 * @module
 */
import type { LogManager } from "../log/directory/log_manager.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The timer of the checkpoints. */
export class Checkpoints {
  readonly #clock: Clock;
  readonly #logs: LogManager;
  readonly #intervalMs: () => number;
  readonly #onError: (error: unknown) => void;
  #timer: Timer | null = null;
  #work: Promise<void> | null = null;
  #isStopped = false;

  /** `intervalMs` returns `log.flush.offset.checkpoint.interval.ms`. */
  constructor(
    clock: Clock,
    logs: LogManager,
    intervalMs: () => number,
    onError: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#logs = logs;
    this.#intervalMs = intervalMs;
    this.#onError = onError;
  }

  /** Schedules the next run. May be called again. */
  start(): void {
    if (this.#timer !== null || this.#isStopped) return;
    this.#timer = this.#clock.setTimer(Math.max(1, this.#intervalMs()), () => {
      this.#work = this.#run().finally(() => {
        this.#timer = null;
        this.#work = null;
        this.start();
      });
    });
  }

  /** Stops for good and resolves when no checkpoint is being written. */
  async shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#work;
  }

  async #run(): Promise<void> {
    try {
      for (const directory of this.#logs.online) directory.removeDeleted();
      await this.#logs.each((directory) => directory.checkpoint());
    } catch (error) {
      this.#onError(error);
    }
  }
}
