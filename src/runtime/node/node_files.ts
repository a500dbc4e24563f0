/**
 * Files with `node:fs`, the file interface with positional reads and writes shared by Deno, Node and
 * Bun.
 *
 * @module
 */

import type * as fs from "node:fs";
import type { DirectoryEntry, DiskSpace, FileHandle, FileSystem, OpenMode } from "../runtime.ts";
import { codeOf, fileError, fileErrorOfCode } from "../errors.ts";
import type { TryLock } from "./node_lock.ts";

type NodeFileSystem = typeof fs;

/** Runs `operation` and converts its error to a {@linkcode FileError}. */
function attempt<T>(action: string, path: string, operation: () => T): T {
  try {
    return operation();
  } catch (cause) {
    throw fileError(action, path, cause);
  }
}

class NodeFile implements FileHandle {
  readonly #fs: NodeFileSystem;
  #closed = false;
  /** Operations in progress on other threads. */
  #pending = 0;

  constructor(fs: NodeFileSystem, readonly path: string, readonly descriptor: number) {
    this.#fs = fs;
  }

  readAt(target: Uint8Array, position: number): number {
    this.#mustBeOpen("read");
    try {
      let done = 0;
      while (done < target.length) {
        const count = this.#fs.readSync(
          this.descriptor,
          target,
          done,
          target.length - done,
          position + done,
        );
        if (count === 0) break;
        done += count;
      }
      return done;
    } catch (cause) {
      throw fileError(`read ${target.length} bytes at ${position} of`, this.path, cause);
    }
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#mustBeOpen("read");
    this.#pending++;
    try {
      let done = 0;
      while (done < target.length) {
        const count = await this.#readPart(target, done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    } catch (cause) {
      throw fileError(`read ${target.length} bytes at ${position} of`, this.path, cause);
    } finally {
      this.#letGo();
    }
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#mustBeOpen("write");
    try {
      let done = 0;
      while (done < bytes.length) {
        done += this.#fs.writeSync(
          this.descriptor,
          bytes,
          done,
          bytes.length - done,
          position + done,
        );
      }
    } catch (cause) {
      throw fileError(`write ${bytes.length} bytes at ${position} to`, this.path, cause);
    }
  }

  size(): number {
    this.#mustBeOpen("measure");
    return attempt("measure", this.path, () => this.#fs.fstatSync(this.descriptor).size);
  }

  truncate(length: number): void {
    this.#mustBeOpen("truncate");
    attempt(
      `cut to ${length} bytes`,
      this.path,
      () => this.#fs.ftruncateSync(this.descriptor, length),
    );
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mustBeOpen("sync");
      this.#pending++;
      this.#fs.fdatasync(this.descriptor, (cause) => {
        this.#letGo();
        if (cause) reject(fileError("sync", this.path, cause));
        else resolve();
      });
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The descriptor's number may be reused immediately, so keep it open for operations in progress.
    if (this.#pending === 0) attempt("close", this.path, () => this.#fs.closeSync(this.descriptor));
  }

  #readPart(target: Uint8Array, done: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#fs.read(
        this.descriptor,
        target,
        done,
        target.length - done,
        position,
        (cause, count) => {
          if (cause) reject(cause);
          else resolve(count);
        },
      );
    });
  }

  /** Called at the end of an operation on another thread. */
  #letGo(): void {
    if (--this.#pending === 0 && this.#closed) this.#fs.closeSync(this.descriptor);
  }

  #mustBeOpen(action: string): void {
    if (this.#closed) throw fileErrorOfCode(action, this.path, "EBADF");
  }
}

/** Returns the host's files and directories over `node:fs`, with the lock of its runtime. */
export function nodeFiles(fs: NodeFileSystem, tryLock: TryLock): FileSystem {
  const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;
  const flags: Readonly<Record<OpenMode, number>> = {
    read: O_RDONLY,
    write: O_RDWR,
    create: O_RDWR | O_CREAT,
  };
  return {
    open(path: string, mode: OpenMode): FileHandle {
      const action = mode === "read" ? "open" : mode === "write" ? "open for writing" : "create";
      const descriptor = attempt(action, path, () => fs.openSync(path, flags[mode], 0o644));
      return new NodeFile(fs, path, descriptor);
    },
    makeDirectory(path: string): void {
      attempt("make directory", path, () => fs.mkdirSync(path, { recursive: true }));
    },
    list(path: string): DirectoryEntry[] {
      return attempt(
        "list",
        path,
        () =>
          fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({
            name: entry.name,
            isDirectory: entry.isDirectory() ||
              entry.isSymbolicLink() && leadsToDirectory(fs, `${path}/${entry.name}`),
          })),
      );
    },
    exists: (path: string): boolean => fs.existsSync(path),
    rename(from: string, to: string): void {
      attempt("rename", from, () => fs.renameSync(from, to));
    },
    remove(path: string): void {
      attempt("remove", path, () => fs.rmSync(path, { recursive: true, force: true }));
    },
    removeLater(path: string): Promise<void> {
      return new Promise((resolve, reject) => {
        fs.rm(path, { recursive: true, force: true }, (cause) => {
          if (cause) reject(fileError("remove", path, cause));
          else resolve();
        });
      });
    },
    syncDirectory: (path) => syncDirectory(fs, path),
    tryLock,
    space: (path) => diskSpace(fs, path),
  };
}

function leadsToDirectory(fs: NodeFileSystem, path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Syncs a directory. Windows cannot; it journals the entries. */
const UNSUPPORTED_SYNC = new Set(["EPERM", "EISDIR", "EINVAL", "ENOTSUP"]);

function syncDirectory(fs: NodeFileSystem, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let descriptor: number;
    try {
      descriptor = fs.openSync(path, fs.constants.O_RDONLY);
    } catch (cause) {
      if (UNSUPPORTED_SYNC.has(codeOf(cause))) resolve();
      else reject(fileError("sync directory", path, cause));
      return;
    }
    fs.fsync(descriptor, (cause) => {
      fs.closeSync(descriptor);
      if (cause && !UNSUPPORTED_SYNC.has(codeOf(cause))) {
        reject(fileError("sync directory", path, cause));
      } else {
        resolve();
      }
    });
  });
}

/** Error codes of hosts and file systems that do not report it. */
const UNKNOWN = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Returns the space of the disk of `path`, or null if the host does not report it. */
export function diskSpace(fs: NodeFileSystem, path: string): Promise<DiskSpace | null> {
  return new Promise((resolve, reject) => {
    fs.statfs(path, (cause, found) => {
      if (cause) {
        if (UNKNOWN.has(codeOf(cause))) resolve(null);
        else reject(fileError("measure the disk of", path, cause));
        return;
      }
      const { bsize, blocks, bavail } = found;
      resolve({ total: blocks * bsize, usable: bavail * bsize });
    });
  });
}
