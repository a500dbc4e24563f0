/**
 * A file system for a process that may run out of file descriptors (EMFILE, ENFILE): before an
 * operation fails for lack of one, idle files are closed and the operation is retried. All files of
 * `src/log/` are opened through it, so an index, a checkpoint or a directory sync gets a descriptor
 * like a segment.
 *
 * @module
 */
import {
  type DirectoryEntry,
  type DirectoryLock,
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  isDescriptorShortage,
  type OpenMode,
} from "../../runtime/runtime.ts";

/** A file system that frees the file descriptors it needs. */
export class SparingFiles implements FileSystem {
  /**
   * Wraps `files`. `makeRoom` closes idle files and returns whether there were any. An operation
   * fails for lack of a descriptor only once it returns false.
   */
  constructor(private readonly files: FileSystem, private readonly makeRoom: () => boolean) {}

  open(path: string, mode: OpenMode): FileHandle {
    return this.#attempt(() => this.files.open(path, mode));
  }

  makeDirectory(path: string): void {
    this.files.makeDirectory(path);
  }

  list(path: string): DirectoryEntry[] {
    return this.#attempt(() => this.files.list(path));
  }

  exists(path: string): boolean {
    return this.files.exists(path);
  }

  rename(from: string, to: string): void {
    this.files.rename(from, to);
  }

  remove(path: string): void {
    this.#attempt(() => this.files.remove(path));
  }

  async removeLater(path: string): Promise<void> {
    const { files } = this;
    if (files.removeLater === undefined) return this.remove(path);
    await this.#attemptLater(() => files.removeLater!(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#attemptLater(() => this.files.syncDirectory(path));
  }

  tryLock(path: string): DirectoryLock | null {
    return this.#attempt(() => this.files.tryLock(path));
  }

  space(path: string): Promise<DiskSpace | null> {
    return this.#attemptLater(() => this.files.space?.(path) ?? Promise.resolve(null));
  }

  #attempt<T>(operation: () => T): T {
    for (;;) {
      try {
        return operation();
      } catch (error) {
        if (!isDescriptorShortage(error) || !this.makeRoom()) throw error;
      }
    }
  }

  async #attemptLater<T>(operation: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (!isDescriptorShortage(error) || !this.makeRoom()) throw error;
      }
    }
  }
}
