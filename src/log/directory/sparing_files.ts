/**
 * Files of a process whose descriptors may run out (EMFILE, ENFILE): whatever needs one closes files
 * that can do without theirs, and is tried again. Every open of `src/log/` goes through here, so that
 * an index, a checkpoint or the sync of a directory gets a descriptor as surely as a segment does.
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

/** A file system that makes room for the descriptors it needs. */
export class SparingFiles implements FileSystem {
  /**
   * Wraps `files`. `makeRoom` closes files that are not in use and returns whether there were any; an
   * operation fails for want of a descriptor only once it returns false.
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
