/**
 * Whether the disk has the log start offset of one log as it is: before that, no file goes that holds
 * what was deleted, since a loss of power may bring some of such files back and others not.
 *
 * @module
 */
import { FileError } from "../runtime/runtime.ts";

/** What {@linkcode LogStart} is told. */
export interface LogStartOptions {
  /** As `PartitionLogOptions.onLogStartOffset`. */
  readonly write: () => Promise<void> | void;
  /** It is on the disk: files may go. A `FileError` is not told to anybody, the next try comes. */
  readonly onSaved: () => void;
  /** It could not be written: on a full disk something has to go first. As above. */
  readonly onFailed: () => void;
}

/** Writes down where one log begins. */
export class LogStart {
  readonly #options: LogStartOptions;
  #saving: Promise<void> | null = null;
  #isSaved = true;
  /** Whether the disk may have a later one. */
  #isLowered = false;

  /** It is as the disk has it. */
  constructor(options: LogStartOptions) {
    this.#options = options;
  }

  /** Whether the disk has it as it is. */
  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** It has changed: writes it down. `isLowered`: it is less than it was. */
  save(isLowered: boolean): void {
    this.#isLowered ||= isLowered;
    const saving = this.#options.write();
    if (!(saving instanceof Promise)) return;
    this.#isSaved = false;
    this.#saving = saving;
    saving.then(() => this.#end(saving, true), () => this.#end(saving, false));
  }

  /** Tries once more what has failed before. */
  retry(): void {
    if (!this.#isSaved && this.#saving === null) this.save(this.#isLowered);
  }

  /**
   * Resolves when the disk has nothing later: a log that ended before what is taken for its start
   * would be found empty. Rejects when that cannot be written.
   */
  async lowered(): Promise<void> {
    if (!this.#isLowered) return;
    this.retry();
    await this.#saving;
  }

  /** Resolves when the disk has it as it is. Rejects when that cannot be written. */
  async saved(): Promise<void> {
    this.retry();
    await this.#saving;
  }

  #end(saving: Promise<void>, isSaved: boolean): void {
    if (this.#saving !== saving) return;
    this.#saving = null;
    this.#isSaved = isSaved;
    if (isSaved) this.#isLowered = false;
    try {
      if (isSaved) this.#options.onSaved();
      else this.#options.onFailed();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
}
