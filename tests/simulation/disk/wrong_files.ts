/**
 * A file system with wrong operations, for planted bugs.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "../../../src/runtime/runtime.ts";
import type { Sabotage } from "../outcome.ts";

/** Replacements of operations. Each receives the original. */
export interface Wrongs {
  readonly write?: (path: string, write: () => void) => void;
  readonly sync?: (path: string, sync: () => Promise<void>) => Promise<void>;
  readonly syncDirectory?: (path: string, sync: () => Promise<void>) => Promise<void>;
  readonly remove?: (path: string, remove: () => void) => void;
  readonly rename?: (from: string, to: string, rename: () => void) => void;
}

/** Returns a sabotage that replaces operations on files. */
export function wrongFiles(wrongs: Wrongs): Sabotage {
  return (runtime) => ({ ...runtime, files: change(runtime.files, wrongs) });
}

function change(files: FileSystem, wrongs: Wrongs): FileSystem {
  return {
    open(path, mode) {
      const file = files.open(path, mode);
      return wrongFile(file, path, wrongs);
    },
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    exists: (path) => files.exists(path),
    rename(from, to) {
      const rename = (): void => files.rename(from, to);
      if (wrongs.rename === undefined) rename();
      else wrongs.rename(from, to, rename);
    },
    remove(path) {
      const remove = (): void => files.remove(path);
      if (wrongs.remove === undefined) remove();
      else wrongs.remove(path, remove);
    },
    syncDirectory(path) {
      const sync = (): Promise<void> => files.syncDirectory(path);
      return wrongs.syncDirectory === undefined ? sync() : wrongs.syncDirectory(path, sync);
    },
    tryLock: (path) => files.tryLock(path),
  };
}

function wrongFile(file: FileHandle, path: string, { write, sync }: Wrongs): FileHandle {
  return {
    readAt: (target, position) => file.readAt(target, position),
    read: (target, position) => file.read(target, position),
    writeAt(bytes, position) {
      if (write === undefined) file.writeAt(bytes, position);
      else write(path, () => file.writeAt(bytes, position));
    },
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: () => sync === undefined ? file.sync() : sync(path, () => file.sync()),
    close: () => file.close(),
  };
}
