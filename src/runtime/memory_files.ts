/**
 * A file system in memory, for clusters in a test's process. Its content outlives the brokers that wrote
 * it, as long as the object exists.
 *
 * @module
 */

import type { DirectoryEntry, DirectoryLock, FileHandle, FileSystem, OpenMode } from "./runtime.ts";
import { ChunkedBytes } from "./chunked_bytes.ts";
import { fileErrorOfCode } from "./errors.ts";
import { turnOfLoop } from "./host_clock.ts";
import { type FileNode, PathTree } from "./path_tree.ts";

/** The content. Outlives the {@linkcode MemoryFileSystem}s that use it. */
export class MemoryDisk {
  /** Names and contents. */
  readonly tree: PathTree<ChunkedBytes> = new PathTree(() => new ChunkedBytes());
  /** Files that are locked. */
  readonly locked: Set<FileNode<ChunkedBytes>> = new Set();
}

/**
 * The files of one process on a {@linkcode MemoryDisk}, with the failures of real ones. Renaming or
 * removing an open file is rejected, as on Windows. `sync` resolves immediately.
 *
 * @example A broker that is killed and started again
 * ```ts
 * const disk = new MemoryDisk();
 * const first = new MemoryFileSystem(disk);
 * first.open("records", "create").writeAt(new Uint8Array(10), 0);
 * first.end();
 * const second = new MemoryFileSystem(disk);
 * if (second.open("records", "read").size() !== 10) throw new Error("lost");
 * ```
 */
export class MemoryFileSystem implements FileSystem {
  /** Maximum number of open files. Opening another one fails as with EMFILE. */
  maxOpenFiles = Infinity;
  readonly #tree: PathTree<ChunkedBytes>;
  readonly #handles = new Set<MemoryFile>();
  readonly #locks = new Set<DirectoryLock>();

  /** Uses `disk`, which other file systems may use too. */
  constructor(readonly disk: MemoryDisk = new MemoryDisk()) {
    this.#tree = disk.tree;
  }

  /** Number of open files. */
  get openFiles(): number {
    return this.#handles.size;
  }

  /** Closes all files and releases all locks of this object, like the end of a process. */
  end(): void {
    for (const handle of this.#handles) handle.close();
    for (const lock of this.#locks) lock.release();
  }

  /** See {@linkcode FileSystem.open}. */
  open(path: string, mode: OpenMode): FileHandle {
    this.#takeDescriptor("open", path);
    const node = this.#tree.openFile(path, mode);
    return new MemoryFile(path, node, mode !== "read", this.#handles);
  }

  /** See {@linkcode FileSystem.makeDirectory}. */
  makeDirectory(path: string): void {
    this.#tree.makeDirectory(path);
  }

  /** See {@linkcode FileSystem.list}. */
  list(path: string): DirectoryEntry[] {
    this.#takeDescriptor("list", path);
    return this.#tree.list(path);
  }

  /** See {@linkcode FileSystem.exists}. */
  exists(path: string): boolean {
    return this.#tree.exists(path);
  }

  /** See {@linkcode FileSystem.rename}. */
  rename(from: string, to: string): void {
    this.#tree.rename(from, to);
  }

  /** See {@linkcode FileSystem.remove}. */
  remove(path: string): void {
    this.#tree.remove(path);
  }

  /** Rejects if there is no such directory. See {@linkcode FileSystem.syncDirectory}. */
  // deno-lint-ignore require-await -- a throw becomes a rejection
  async syncDirectory(path: string): Promise<void> {
    this.#takeDescriptor("sync directory", path);
    this.#tree.directory("sync directory", path);
  }

  /** Excludes other locks on the same disk. See {@linkcode FileSystem.tryLock}. */
  tryLock(path: string): DirectoryLock | null {
    const node = this.#tree.openFile(path, "create");
    const { locked } = this.disk;
    if (locked.has(node)) return null;
    locked.add(node);
    const lock = {
      release: (): void => {
        // A second release must not release a lock taken since.
        if (this.#locks.delete(lock)) locked.delete(node);
      },
    };
    this.#locks.add(lock);
    return lock;
  }

  #takeDescriptor(action: string, path: string): void {
    if (this.#handles.size >= this.maxOpenFiles) throw fileErrorOfCode(action, path, "EMFILE");
  }
}

class MemoryFile implements FileHandle {
  constructor(
    readonly path: string,
    readonly node: FileNode<ChunkedBytes>,
    readonly writable: boolean,
    readonly openFiles: Set<MemoryFile>,
  ) {
    node.handles++;
    openFiles.add(this);
  }

  readAt(target: Uint8Array, position: number): number {
    return this.#content("read").read(target, position);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const content = this.#content("read");
    await turnOfLoop();
    return content.read(target, position);
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#content("write", true).write(bytes, position);
  }

  size(): number {
    return this.#content("measure").length;
  }

  truncate(length: number): void {
    this.#content("truncate", true).truncate(length);
  }

  // deno-lint-ignore require-await -- a throw becomes a rejection
  async sync(): Promise<void> {
    this.#content("sync");
  }

  close(): void {
    if (this.openFiles.delete(this)) this.node.handles--;
  }

  #content(action: string, changes = false): ChunkedBytes {
    if (!this.openFiles.has(this) || changes && !this.writable) {
      throw fileErrorOfCode(action, this.path, "EBADF");
    }
    return this.node.content;
  }
}
