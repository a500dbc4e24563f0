/**
 * The durability of a log's start offset. No file with deleted records is removed before it is
 * durable: a power failure may restore some of those files and not others.
 *
 * @module
 */
import { isProcessEnded } from "../runtime/process_ended.ts";
import { FileError } from "../runtime/runtime.ts";
import type { LogState } from "./log_state.ts";

/** The parts of a log that {@linkcode LogStart} works on. */
export interface LogStartState {
  readonly checkpoints: Pick<NonNullable<LogState["checkpoints"]>, "saveLogStartOffset"> | null;
  readonly health: Pick<LogState["health"], "failure">;
  readonly segments: Pick<LogState["segments"], "removeRetired" | "removeRetiredIndexes">;
  readonly runtime: { readonly clock: Pick<LogState["runtime"]["clock"], "now"> };
}

/** Saves the start offset of one log. */
export class LogStart {
  readonly #state: LogStartState;
  #saving: Promise<void> | null = null;
  #isSaved = true;
  /** Whether the checkpoint may hold a higher offset. */
  #isLowered = false;

  /** Creates the tracker of a log whose start offset is durable. */
  constructor(state: LogStartState) {
    this.#state = state;
  }

  /** Whether the current start offset is durable. */
  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** Saves the changed start offset. `isLowered`: it is lower than before. */
  save(isLowered: boolean): void {
    this.#isLowered ||= isLowered;
    const saving = this.#state.checkpoints?.saveLogStartOffset();
    if (!(saving instanceof Promise)) return;
    this.#isSaved = false;
    this.#saving = saving;
    saving.then(() => this.#end(saving, true), () => this.#end(saving, false));
  }

  /** Retries a save that failed. */
  retry(): void {
    if (!this.#isSaved && this.#saving === null) this.save(this.#isLowered);
  }

  /**
   * Resolves when the checkpoint does not hold a higher start offset, since a log that ends before
   * its start would be considered empty. Rejects if it cannot be written.
   */
  async lowered(): Promise<void> {
    if (!this.#isLowered) return;
    this.retry();
    await this.#saving;
  }

  /** Resolves when the current start offset is durable. Rejects if it cannot be written. */
  async saved(): Promise<void> {
    this.retry();
    await this.#saving;
  }

  /** Removes the files of deleted segments that are due, once the start offset is durable. */
  removeRetired(nowMs: number): void {
    if (this.#isSaved) this.#state.segments.removeRetired(nowMs);
    else this.retry();
  }

  #end(saving: Promise<void>, isSaved: boolean): void {
    if (this.#saving !== saving) return;
    this.#saving = null;
    this.#isSaved = isSaved;
    if (isSaved) this.#isLowered = false;
    const { health, segments, runtime } = this.#state;
    if (health.failure !== null) return;
    try {
      // On a full disk, removing index files makes space for the next attempt.
      if (isSaved) segments.removeRetired(runtime.clock.now());
      else segments.removeRetiredIndexes();
    } catch (error) {
      // The next attempt follows, unless the process was killed. No caller awaits this.
      if (!(error instanceof FileError || isProcessEnded(error))) throw error;
    }
  }
}
