/**
 * The files of one simulated process, on the disk of its machine.
 *
 * @module
 */

import type {
  DirectoryEntry,
  DirectoryLock,
  DiskSpace,
  FileHandle,
  FileSystem,
  OpenMode,
} from "../runtime/runtime.ts";
import { FileError } from "../runtime/runtime.ts";
import { fileErrorOfCode } from "../runtime/errors.ts";
import type { DirectoryNode, FileNode } from "../runtime/path_tree.ts";
import type { PagedFile } from "./paged_file.ts";
import type { DiskOperation, SimulatedDisk } from "./simulated_disk.ts";
import { markOf } from "./trace.ts";

/** What a simulated disk takes, so it is told: a terabyte. */
const CAPACITY_BYTES = 2 ** 40;
/** An asynchronous read takes so long at least, and so much longer by its size. */
const READ_US = 20;
/** An asynchronous removal takes so long. */
const REMOVE_US = 5_000;
const READ_BYTES_PER_US = 1_000;

/** The lengths of all files in a directory. */
function bytesIn(directory: DirectoryNode<PagedFile>): number {
  let bytes = 0;
  for (const node of directory.entries.values()) {
    bytes += node.kind === "directory" ? bytesIn(node) : node.content.length;
  }
  return bytes;
}

/** A process's way to its machine's disk. */
export class SimulatedFiles implements FileSystem {
  #alive = true;
  /** Directories that are being synced: each takes a descriptor as an open file does. */
  #directorySyncs = 0;
  readonly #handles = new Set<SimulatedFile>();
  readonly #locks = new Set<DirectoryLock>();

  /** `schedule` calls back after so many microseconds, unless the process has ended. */
  constructor(
    readonly disk: SimulatedDisk,
    readonly schedule: (delayUs: number, callback: () => void) => void,
  ) {}

  /** The process has ended: its files are closed, its locks free, and nothing it still does counts. */
  end(): void {
    this.#alive = false;
    for (const handle of this.#handles) handle.close();
    for (const lock of this.#locks) lock.release();
  }

  /** Throws when the process has ended, or `operation` was told to fail. */
  begin(operation: DiskOperation, path: string): void {
    this.#mustBeAlive(operation, path);
    this.disk.checkFault(operation, path);
  }

  /** Throws when as many files are open as the disk's processes may have. */
  #takeDescriptor(action: string, path: string): void {
    if (this.#handles.size + this.#directorySyncs < this.disk.maxOpenFiles) return;
    this.disk.trace(`no descriptor to ${action} ${path}`);
    this.disk.descriptorShortages++;
    throw fileErrorOfCode(action, path, "EMFILE");
  }

  #mustBeAlive(action: string, path: string): void {
    if (!this.#alive) {
      throw new FileError(`Cannot ${action} "${path}": the simulated process has ended`, "io");
    }
  }

  /** As {@linkcode FileSystem.open}. */
  open(path: string, mode: OpenMode): FileHandle {
    this.begin("open", path);
    this.#takeDescriptor("open", path);
    const node = this.disk.tree.openFile(path, mode);
    return new SimulatedFile(path, node, mode !== "read", this, this.#handles);
  }

  /** As {@linkcode FileSystem.makeDirectory}. */
  makeDirectory(path: string): void {
    this.begin("change", path);
    this.disk.tree.makeDirectory(path);
  }

  /** As {@linkcode FileSystem.list}, in an order drawn anew: nobody may count on one. */
  list(path: string): DirectoryEntry[] {
    this.#mustBeAlive("list", path);
    this.#takeDescriptor("list", path);
    const entries = this.disk.tree.list(path).sort((one, other) => one.name < other.name ? -1 : 1);
    for (let index = entries.length - 1; index > 0; index--) {
      const other = this.disk.random.below(index + 1);
      [entries[index], entries[other]] = [entries[other]!, entries[index]!];
    }
    return entries;
  }

  /** As {@linkcode FileSystem.exists}. */
  exists(path: string): boolean {
    this.#mustBeAlive("look for", path);
    return this.disk.tree.exists(path);
  }

  /** As {@linkcode FileSystem.rename}. */
  rename(from: string, to: string): void {
    this.begin("change", from);
    this.disk.tree.rename(from, to);
  }

  /** As {@linkcode FileSystem.remove}. */
  remove(path: string): void {
    this.begin("change", path);
    this.disk.tree.remove(path);
  }

  /** As {@linkcode FileSystem.removeLater}. */
  removeLater(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.schedule(REMOVE_US, () => {
        try {
          this.remove(path);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** As {@linkcode FileSystem.syncDirectory}. */
  syncDirectory(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.disk.tree.directory("sync directory", path);
      this.#takeDescriptor("sync directory", path);
      this.#directorySyncs++;
      this.schedule(this.disk.drawSyncUs(), () => {
        this.#directorySyncs--;
        try {
          this.begin("sync", path);
          this.disk.syncNames(this.disk.tree.directory("sync directory", path));
          this.disk.trace(`sync directory ${path}`);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** As {@linkcode FileSystem.space}. */
  space(path: string): Promise<DiskSpace> {
    return new Promise((resolve) => {
      this.#mustBeAlive("measure the disk of", path);
      this.disk.tree.directory("measure the disk of", path);
      const usable = Math.max(0, CAPACITY_BYTES - bytesIn(this.disk.tree.root));
      resolve({ total: CAPACITY_BYTES, usable });
    });
  }

  /** As {@linkcode FileSystem.tryLock}. */
  tryLock(path: string): DirectoryLock | null {
    this.begin("open", path);
    const node = this.disk.tree.openFile(path, "create");
    const { locked } = this.disk;
    if (locked.has(node)) return null;
    locked.add(node);
    const lock = {
      release: (): void => {
        if (this.#locks.delete(lock)) locked.delete(node);
      },
    };
    this.#locks.add(lock);
    return lock;
  }
}

class SimulatedFile implements FileHandle {
  constructor(
    readonly path: string,
    readonly node: FileNode<PagedFile>,
    readonly writable: boolean,
    readonly files: SimulatedFiles,
    readonly openFiles: Set<SimulatedFile>,
  ) {
    node.handles++;
    openFiles.add(this);
  }

  readAt(target: Uint8Array, position: number): number {
    this.#mustBeOpen("read");
    this.files.begin("read", this.path);
    return this.node.content.read(target, position);
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#mustBeOpen("read");
      this.files.schedule(READ_US + Math.ceil(target.length / READ_BYTES_PER_US), () => {
        try {
          this.files.begin("read", this.path);
          resolve(this.node.content.read(target, position));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#mustBeOpen("write", true);
    try {
      this.files.begin("write", this.path);
      this.files.disk.checkRoom(this.path, position + bytes.length - this.node.content.length);
    } catch (error) {
      // A disk that runs full has often taken the beginning.
      const taken = this.files.disk.random.below(bytes.length + 1);
      this.node.content.write(bytes.subarray(0, taken), position);
      throw error;
    }
    this.node.content.write(bytes, position);
    this.files.disk.trace(`write ${this.path} ${position} ${markOf(bytes)}`);
  }

  size(): number {
    this.#mustBeOpen("measure");
    return this.node.content.length;
  }

  truncate(length: number): void {
    this.#mustBeOpen("truncate", true);
    this.files.begin("write", this.path);
    this.node.content.truncate(length);
    this.files.disk.trace(`truncate ${this.path} ${length}`);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mustBeOpen("sync");
      const pending = this.node.content.beginSync();
      this.files.schedule(this.files.disk.drawSyncUs(), () => {
        try {
          this.files.begin("sync", this.path);
        } catch (error) {
          pending.fail();
          return reject(error);
        }
        pending.complete();
        this.files.disk.trace(`sync ${this.path}`);
        resolve();
      });
    });
  }

  close(): void {
    if (this.openFiles.delete(this)) this.node.handles--;
  }

  #mustBeOpen(action: string, changes = false): void {
    if (!this.openFiles.has(this) || changes && !this.writable) {
      throw fileErrorOfCode(action, this.path, "EBADF");
    }
  }
}
