/**
 * The files of one simulated process, on the disk of its machine. At its end the process closes them and
 * frees its locks.
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
import { fileErrorOfCode } from "../runtime/errors.ts";
import type { DirectoryNode } from "../runtime/path_tree.ts";
import type { PagedFile } from "./paged_file.ts";
import type { ProcessEvents } from "./process_events.ts";
import type { DiskOperation, SimulatedDisk } from "./simulated_disk.ts";
import { type FileOwner, SimulatedFile } from "./simulated_file.ts";

/** The size of a simulated disk: a terabyte. */
const CAPACITY_BYTES = 2 ** 40;
/** The duration of an asynchronous removal. */
const REMOVE_US = 5_000;

/** The lengths of all files in a directory. */
function bytesIn(directory: DirectoryNode<PagedFile>): number {
  let bytes = 0;
  for (const node of directory.entries.values()) {
    bytes += node.kind === "directory" ? bytesIn(node) : node.content.length;
  }
  return bytes;
}

/** A process's way to its machine's disk. */
export class SimulatedFiles implements FileSystem, FileOwner {
  /** Directories that are being synced: each takes a descriptor as an open file does. */
  #directorySyncs = 0;
  readonly #handles = new Set<SimulatedFile>();

  constructor(readonly disk: SimulatedDisk, readonly events: ProcessEvents) {}

  /** As {@linkcode FileOwner.begin}. */
  begin(operation: DiskOperation, path: string): void {
    this.disk.checkFault(operation, path);
  }

  /** As {@linkcode FileOwner.complete}. */
  complete(delayUs: number, finish: () => void): void {
    const { events, disk } = this;
    events.time.schedule(delayUs, () => {
      if (events.hasEnded) return;
      if (disk.isHung) disk.hold(() => this.complete(disk.drawSyncUs(), finish));
      else finish();
    });
  }

  /** Throws when as many files are open as the disk's processes may have. */
  #takeDescriptor(action: string, path: string): void {
    if (this.#handles.size + this.#directorySyncs < this.disk.maxOpenFiles) return;
    this.disk.trace(`no descriptor to ${action} ${path}`);
    this.disk.descriptorShortages++;
    throw fileErrorOfCode(action, path, "EMFILE");
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

  /** As {@linkcode FileSystem.list}, in a random order: no caller may rely on one. */
  list(path: string): DirectoryEntry[] {
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
      this.complete(REMOVE_US, () =>
        this.events.deliver({}, () => {
          try {
            this.remove(path);
            resolve();
          } catch (error) {
            reject(error);
          }
        }));
    });
  }

  /** As {@linkcode FileSystem.syncDirectory}. */
  syncDirectory(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.disk.tree.directory("sync directory", path);
      this.#takeDescriptor("sync directory", path);
      this.#directorySyncs++;
      const settle = (done: () => void): void =>
        this.events.deliver({}, () => {
          this.#directorySyncs--;
          done();
        });
      this.complete(this.disk.drawSyncUs(), () => {
        try {
          this.begin("sync", path);
          this.disk.syncNames(this.disk.tree.directory("sync directory", path));
        } catch (error) {
          return settle(() => reject(error));
        }
        this.disk.trace(`sync directory ${path}`);
        settle(resolve);
      });
    });
  }

  /** As {@linkcode FileSystem.space}. */
  space(path: string): Promise<DiskSpace> {
    return new Promise((resolve) => {
      this.disk.tree.directory("measure the disk of", path);
      const free = this.disk.isFull ? 0 : CAPACITY_BYTES - bytesIn(this.disk.tree.root);
      resolve({ total: CAPACITY_BYTES, usable: Math.max(0, free) });
    });
  }

  /** As {@linkcode FileSystem.tryLock}. */
  tryLock(path: string): DirectoryLock | null {
    this.begin("open", path);
    const node = this.disk.tree.openFile(path, "create");
    const { locked } = this.disk;
    if (locked.has(node)) return null;
    locked.add(node);
    let isHeld = true;
    return {
      release: (): void => {
        // A second release must not free a lock taken since.
        if (isHeld) locked.delete(node);
        isHeld = false;
      },
    };
  }
}
