/**
 * A file system on top of another one. Tests override only what they change.
 *
 * @module
 */
import type { FileHandle, FileSystem, OpenMode } from "../../src/runtime/runtime.ts";

/** Everything except for opening files. */
export abstract class FilesOver implements FileSystem {
  constructor(readonly files: FileSystem) {}

  abstract open(path: string, mode: OpenMode): FileHandle;

  makeDirectory(path: string): void {
    this.files.makeDirectory(path);
  }

  list(path: string): ReturnType<FileSystem["list"]> {
    return this.files.list(path);
  }

  exists(path: string): boolean {
    return this.files.exists(path);
  }

  rename(from: string, to: string): void {
    this.files.rename(from, to);
  }

  remove(path: string): void {
    this.files.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.files.syncDirectory(path);
  }

  tryLock(path: string): ReturnType<FileSystem["tryLock"]> {
    return this.files.tryLock(path);
  }
}
