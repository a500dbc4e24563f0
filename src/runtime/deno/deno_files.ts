/**
 * Files with Deno's own functions. `node:fs` would add 15 ms to the start and 10 MB of memory.
 * `Deno.FsFile` reads and writes at the end of the last operation, so each handle tracks that position
 * and seeks only if it has to.
 *
 * @module
 */

import { codeOf, fileError, fileErrorOfCode } from "../errors.ts";
import type { TryLock } from "../node/node_lock.ts";
import { diskSpace } from "../node/node_files.ts";
import {
  type DirectoryEntry,
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  isDescriptorShortage,
  type OpenMode,
} from "../runtime.ts";

const OPTIONS: Readonly<Record<OpenMode, Deno.OpenOptions>> = {
  read: { read: true },
  write: { read: true, write: true },
  create: { read: true, write: true, create: true, mode: 0o644 },
};

/** The position is unknown: the last operation failed. */
const ANYWHERE = -1;

/** Runs `operation` and converts its error to a {@linkcode FileError}. */
function attempt<T>(action: string, path: string, operation: () => T): T {
  try {
    return operation();
  } catch (cause) {
    throw fileError(action, path, cause);
  }
}

class DenoFile implements FileHandle {
  #position = 0;
  #closed = false;
  /** A second handle for {@linkcode DenoFile.read}, which must not move the position of the first. */
  #reader: Deno.FsFile | null = null;
  /** Reads in progress on it, and the end of the last one. */
  #reads = 0;
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(readonly path: string, readonly file: Deno.FsFile) {}

  readAt(target: Uint8Array, position: number): number {
    this.#mustBeOpen("read");
    try {
      this.#seek(position);
      let done = 0;
      while (done < target.length) {
        const count = this.file.readSync(done === 0 ? target : target.subarray(done));
        if (count === null || count === 0) break;
        done += count;
      }
      this.#position = position + done;
      return done;
    } catch (cause) {
      this.#position = ANYWHERE;
      throw fileError(`read ${target.length} bytes at ${position} of`, this.path, cause);
    }
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#mustBeOpen("read");
    const reader = this.#openReader();
    // Without a descriptor for a second handle, the read blocks the event loop.
    if (reader === null) return this.readAt(target, position);
    const reading = this.#lastRead.then(() => readLater(reader, target, position));
    this.#lastRead = reading.catch(() => {});
    this.#reads++;
    try {
      return await reading;
    } catch (cause) {
      throw fileError(`read ${target.length} bytes at ${position} of`, this.path, cause);
    } finally {
      if (--this.#reads === 0 && this.#closed) reader.close();
    }
  }

  /** Opens the file a second time. Returns null if there is no descriptor for it. */
  #openReader(): Deno.FsFile | null {
    try {
      return this.#reader ??= attempt("open", this.path, () => Deno.openSync(this.path));
    } catch (error) {
      if (isDescriptorShortage(error)) return null;
      throw error;
    }
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#mustBeOpen("write");
    try {
      this.#seek(position);
      let done = 0;
      while (done < bytes.length) {
        done += this.file.writeSync(done === 0 ? bytes : bytes.subarray(done));
      }
      this.#position = position + done;
    } catch (cause) {
      this.#position = ANYWHERE;
      throw fileError(`write ${bytes.length} bytes at ${position} to`, this.path, cause);
    }
  }

  size(): number {
    this.#mustBeOpen("measure");
    return attempt("measure", this.path, () => this.file.statSync().size);
  }

  truncate(length: number): void {
    this.#mustBeOpen("truncate");
    attempt(`cut to ${length} bytes`, this.path, () => this.file.truncateSync(length));
  }

  async sync(): Promise<void> {
    this.#mustBeOpen("sync");
    try {
      await this.file.syncData();
    } catch (cause) {
      throw fileError("sync", this.path, cause);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A sync in progress continues: Deno keeps the file open for it.
    attempt("close", this.path, () => this.file.close());
    if (this.#reads === 0) this.#reader?.close();
  }

  #seek(position: number): void {
    if (this.#position !== position) this.file.seekSync(position, Deno.SeekMode.Start);
  }

  #mustBeOpen(action: string): void {
    if (this.#closed) throw fileErrorOfCode(action, this.path, "EBADF");
  }
}

async function readLater(
  file: Deno.FsFile,
  target: Uint8Array,
  position: number,
): Promise<number> {
  await file.seek(position, Deno.SeekMode.Start);
  let done = 0;
  while (done < target.length) {
    const count = await file.read(done === 0 ? target : target.subarray(done));
    if (count === null || count === 0) break;
    done += count;
  }
  return done;
}

/** The host's files and directories, with locks. */
export function denoFiles(tryLock: TryLock): FileSystem {
  return {
    open(path: string, mode: OpenMode): FileHandle {
      const action = mode === "read" ? "open" : mode === "write" ? "open for writing" : "create";
      return new DenoFile(path, attempt(action, path, () => Deno.openSync(path, OPTIONS[mode])));
    },
    makeDirectory(path: string): void {
      attempt("make directory", path, () => Deno.mkdirSync(path, { recursive: true }));
    },
    list(path: string): DirectoryEntry[] {
      return attempt(
        "list",
        path,
        () =>
          Array.from(Deno.readDirSync(path), ({ name, isDirectory, isSymlink }) => ({
            name,
            isDirectory: isDirectory || isSymlink && leadsToDirectory(`${path}/${name}`),
          })),
      );
    },
    exists: (path: string): boolean => statOrNull(path) !== null,
    rename(from: string, to: string): void {
      attempt("rename", from, () => Deno.renameSync(from, to));
    },
    remove(path: string): void {
      try {
        Deno.removeSync(path, { recursive: true });
      } catch (cause) {
        if (codeOf(cause) !== "ENOENT") throw fileError("remove", path, cause);
      }
    },
    async removeLater(path: string): Promise<void> {
      try {
        await Deno.remove(path, { recursive: true });
      } catch (cause) {
        if (codeOf(cause) !== "ENOENT") throw fileError("remove", path, cause);
      }
    },
    syncDirectory,
    tryLock,
    space,
  };
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

function leadsToDirectory(path: string): boolean {
  return statOrNull(path)?.isDirectory ?? false;
}

/** Uses `node:fs`, loaded on the first call: Deno has no function for this. */
function space(path: string): Promise<DiskSpace | null> {
  // deno-lint-ignore no-process-global -- loaded on first use
  return diskSpace(process.getBuiltinModule("node:fs"), path);
}

/** Syncs a directory, where the file system supports it. */
const UNSUPPORTED_SYNC = new Set(["EPERM", "EISDIR", "EINVAL", "ENOTSUP"]);

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot; it journals the entries.
  if (Deno.build.os === "windows") return;
  let directory: Deno.FsFile | null = null;
  try {
    directory = Deno.openSync(path, { read: true });
    await directory.sync();
  } catch (cause) {
    if (!UNSUPPORTED_SYNC.has(codeOf(cause))) throw fileError("sync directory", path, cause);
  } finally {
    directory?.close();
  }
}
