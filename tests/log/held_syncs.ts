/**
 * Files whose syncs end under the control of a test.
 *
 * @module
 */
import { FileError, type FileHandle, type OpenMode } from "../../src/runtime/runtime.ts";
import { FilesOver } from "./files_over.ts";

interface Held {
  readonly path: string;
  readonly end: (failure?: Error) => void;
}

/** Holds the syncs of files whose path matches `heldAt`, if it is set. */
export class HeldSyncs extends FilesOver {
  heldAt: RegExp | null = null;
  /** The number of syncs of such files that have started. */
  begun = 0;
  /** The number of writes to such files. */
  writes = 0;
  #held: Held[] = [];
  #waiting: (() => void)[] = [];

  /** The number of syncs held. */
  get pending(): number {
    return this.#held.length;
  }

  /** Resolves when `count` syncs are held. */
  untilPending(count: number): Promise<void> {
    return this.#until(() => this.#held.length >= count);
  }

  /** Resolves when `count` writes have been made. */
  untilWritten(count: number): Promise<void> {
    return this.#until(() => this.writes >= count);
  }

  /** Ends the held syncs, with success or with a disk error. Returns their number. */
  release(how: "done" | "failed" = "done"): number {
    const held = this.#held.splice(0);
    for (const { path, end } of held) {
      end(how === "done" ? undefined : new FileError(`Cannot sync ${path}: broken`, "io"));
    }
    return held.length;
  }

  override open(path: string, mode: OpenMode): FileHandle {
    const file = this.files.open(path, mode);
    return {
      readAt: (target, position) => file.readAt(target, position),
      read: (target, position) => file.read(target, position),
      writeAt: (bytes, position) => {
        file.writeAt(bytes, position);
        if (!this.#isHeld(path)) return;
        this.writes++;
        this.#wake();
      },
      size: () => file.size(),
      truncate: (length) => file.truncate(length),
      sync: async () => {
        if (this.#isHeld(path)) await this.#hold(path);
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  #hold(path: string): Promise<void> {
    this.begun++;
    const held = new Promise<void>((resolve, reject) => {
      const end = (failure?: Error) => failure === undefined ? resolve() : reject(failure);
      this.#held.push({ path, end });
    });
    this.#wake();
    return held;
  }

  #isHeld(path: string): boolean {
    return this.heldAt !== null && this.heldAt.test(path);
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
