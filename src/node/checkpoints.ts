/**
 * What a node does for its data directories every now and then: it writes down recovery points and
 * high watermarks, and removes what is left of deleted topics once its time has come.
 *
 * @module
 */
import type { LogManager } from "../log/directory/log_manager.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The timer of it. */
export class Checkpoints {
  readonly #clock: Clock;
  readonly #logs: LogManager;
  readonly #intervalMs: () => number;
  readonly #onError: (error: unknown) => void;
  #timer: Timer | null = null;
  #work: Promise<void> | null = null;
  #isStopped = false;

  /** `intervalMs` is `log.flush.offset.checkpoint.interval.ms`. */
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

  /** Begins. May be called again. */
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

  /** Ends for good and resolves when no checkpoint is being written. */
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
