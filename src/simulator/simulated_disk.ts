/**
 * The disk of a simulated machine. It outlives the processes that use it. A crash takes from it
 * what was not synced: contents by the rules of {@linkcode PagedFile}, names by the syncs of their
 * directories.
 *
 * Names: creations, renames and removals are kept in order. Syncing a directory makes its changes
 * durable, with those that they build upon. At a crash some first part of the others survives, or any
 * part of them without what builds upon a lost one. A rename happens whole or not at all. Syncing a
 * file does not make its name durable.
 *
 * @module
 */

import { FileError } from "../runtime/runtime.ts";
import {
  applyChanges,
  type DirectoryNode,
  type EntryChange,
  type FileNode,
  PathTree,
  type TreeNode,
} from "../runtime/path_tree.ts";
import { PagedFile, type UnsyncedFate } from "./paged_file.ts";
import { SimulationError } from "./simulation_error.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** What can be made to fail. `change` is anything that changes names. */
export type DiskOperation = "open" | "read" | "write" | "sync" | "change";

/** How long a disk takes for a sync, in microseconds. */
export interface DiskTiming {
  /** The shortest sync. */
  readonly minSyncUs: number;
  /** The longest that is not slow. */
  readonly maxSyncUs: number;
  /** One sync in this many takes up to `slowMaxUs`. */
  readonly slowOneIn: number;
  readonly slowMaxUs: number;
}

/** A fast disk that stalls at times. */
export const DEFAULT_DISK_TIMING: DiskTiming = {
  minSyncUs: 100,
  maxSyncUs: 1000,
  slowOneIn: 40,
  slowMaxUs: 20_000,
};

interface Fault {
  readonly operation: DiskOperation;
  readonly reason: FileError["reason"];
  readonly pathPart: string;
}

/** The disk of one machine. */
export class SimulatedDisk {
  /** Names and contents, as programs see them. */
  readonly tree: PathTree<PagedFile>;
  /** Files that serve as a lock now. */
  readonly locked: Set<FileNode<PagedFile>> = new Set();
  /** While true, no file grows. A crash ends it. */
  isFull = false;
  /** How long syncs take from now on. */
  timing: DiskTiming;
  /** The most files that each process of the machine may have open at one time. */
  maxOpenFiles = Infinity;
  /** How often a process had no descriptor left. */
  descriptorShortages = 0;
  /** How many operations have failed so far because they were made to, or because the disk was full. */
  faultsStruck = 0;
  /** How many of them were syncs. */
  failedSyncs = 0;
  /** Whether a crash may turn what was being written into noise, not only lose or tear it. */
  hasNoise = false;
  readonly #durable = new WeakMap<DirectoryNode<PagedFile>, Map<string, TreeNode<PagedFile>>>();
  #unsynced: (readonly EntryChange<PagedFile>[])[] = [];
  readonly #faults: Fault[] = [];
  #isHung = false;
  /** Operations that the disk would have finished while it hung. */
  #hung: (() => void)[] = [];

  /** `trace` is called with every change. */
  constructor(
    readonly random: Xoshiro128,
    timing: DiskTiming,
    readonly trace: (event: string) => void,
  ) {
    this.timing = timing;
    this.tree = new PathTree(() => new PagedFile(), (changes) => {
      this.#unsynced.push(changes);
      for (const { name, node } of changes) {
        this.trace(`${node ? "name" : "unname"} ${name}`);
      }
    });
  }

  /** Whether the disk hangs. */
  get isHung(): boolean {
    return this.#isHung;
  }

  /**
   * Lets no sync, asynchronous read or asynchronous removal finish until {@linkcode unhang}. Writes and
   * reads through the page cache go on.
   */
  hang(): void {
    this.#isHung = true;
    this.trace("hang");
  }

  /** Lets the disk work again: what hung finishes in about the time that a sync takes. */
  unhang(): void {
    if (!this.#isHung) return;
    this.#isHung = false;
    this.trace("unhang");
    for (const finish of this.#hung.splice(0)) finish();
  }

  /** Registers an operation that the disk finishes once it no longer hangs. */
  hold(finish: () => void): void {
    this.#hung.push(finish);
  }

  /** Removes everything, as if the disk had been replaced by an empty one. No file may be open. */
  wipe(): void {
    if (hasOpenFile(this.tree.root)) {
      throw new SimulationError("Cannot wipe the disk: files are open, end the process first");
    }
    this.tree.root.entries.clear();
    this.#durable.delete(this.tree.root);
    this.#unsynced = [];
    this.#faults.length = 0;
    this.isFull = false;
    this.trace("wipe");
  }

  /** How long the next sync takes, in microseconds. */
  drawSyncUs(): number {
    const { minSyncUs, maxSyncUs, slowOneIn, slowMaxUs } = this.timing;
    const slow = this.random.oneIn(slowOneIn);
    return slow
      ? this.random.between(maxSyncUs, slowMaxUs)
      : this.random.between(minSyncUs, maxSyncUs);
  }

  /**
   * Makes the next `operation` on a path that contains `pathPart` fail for `reason`. Several calls add
   * up. A write that fails may have written its beginning; a sync that fails makes nothing durable.
   */
  failNext(operation: DiskOperation, reason: FileError["reason"], pathPart = ""): void {
    this.#faults.push({ operation, reason, pathPart });
  }

  /** Cancels every {@linkcode failNext} that has not struck yet. */
  forgetFaults(): void {
    this.#faults.length = 0;
  }

  /** Throws when `operation` on `path` was made to fail. */
  checkFault(operation: DiskOperation, path: string): void {
    const index = this.#faults.findIndex((fault) =>
      fault.operation === operation && path.includes(fault.pathPart)
    );
    if (index < 0) return;
    const [fault] = this.#faults.splice(index, 1);
    this.faultsStruck++;
    if (operation === "sync") this.failedSyncs++;
    this.trace(`fault ${operation} ${path} ${fault!.reason}`);
    throw new FileError(
      `Cannot ${operation} "${path}": the simulation makes it fail (${fault!.reason})`,
      fault!.reason,
    );
  }

  /** Throws when the file at `path` cannot grow by `bytes`. */
  checkSpace(path: string, bytes: number): void {
    if (!this.isFull || bytes <= 0) return;
    this.faultsStruck++;
    this.trace(`full ${path}`);
    throw new FileError(`Cannot write "${path}": the simulated disk is full`, "no-space");
  }

  /** Flips bits of the file at `path`: `mask` (1 to 255) is XORed onto the byte at `position`. */
  corrupt(path: string, position: number, mask: number): void {
    this.tree.openFile(path, "write").content.corrupt(position, mask);
    this.trace(`corrupt ${path} ${position} ${mask}`);
  }

  /** Makes the names in `directory` durable, and all earlier changes those depend on. */
  syncNames(directory: DirectoryNode<PagedFile>): void {
    const touched = new Set([directory]);
    const synced: (readonly EntryChange<PagedFile>[])[] = [];
    const left: (readonly EntryChange<PagedFile>[])[] = [];
    for (const changes of this.#unsynced.toReversed()) {
      if (changes.some((change) => touched.has(change.directory))) {
        for (const change of changes) touched.add(change.directory);
        synced.push(changes);
      } else {
        left.push(changes);
      }
    }
    this.#unsynced = left.reverse();
    for (const changes of synced.reverse()) this.#makeDurable(changes);
  }

  #makeDurable(changes: readonly EntryChange<PagedFile>[]): void {
    applyChanges(changes, (directory) => this.#durableEntries(directory));
  }

  #durableEntries(directory: DirectoryNode<PagedFile>): Map<string, TreeNode<PagedFile>> {
    let entries = this.#durable.get(directory);
    if (!entries) this.#durable.set(directory, entries = new Map());
    return entries;
  }

  /** Cuts the power. No file may be open. What is left afterwards is durable. */
  crash(fate: UnsyncedFate): void {
    for (const changes of this.#surviving(fate)) this.#makeDurable(changes);
    this.#unsynced = [];
    this.#faults.length = 0;
    this.isFull = false;
    this.#isHung = false;
    this.#hung = [];
    this.#restore(this.tree.root, fate);
    this.trace(`crash ${fate}`);
  }

  /** Returns the changes of names that survive a crash. */
  #surviving(fate: UnsyncedFate): readonly (readonly EntryChange<PagedFile>[])[] {
    if (fate !== "random") return fate === "lose" ? [] : this.#unsynced;
    if (this.random.oneIn(2)) {
      return this.#unsynced.slice(0, this.random.between(0, this.#unsynced.length));
    }
    const lost = new LostNames();
    return this.#unsynced.filter((changes) => {
      const survives = !lost.concern(changes) && this.random.oneIn(2);
      if (!survives) lost.add(changes);
      return survives;
    });
  }

  #restore(directory: DirectoryNode<PagedFile>, fate: UnsyncedFate): void {
    directory.entries.clear();
    for (const [name, node] of this.#durableEntries(directory)) {
      directory.entries.set(name, node);
      if (node.kind === "directory") this.#restore(node, fate);
      else node.content.crash(fate, this.random, this.hasNoise);
    }
  }
}

function hasOpenFile(directory: DirectoryNode<PagedFile>): boolean {
  for (const node of directory.entries.values()) {
    if (node.kind === "directory" ? hasOpenFile(node) : node.handles > 0) return true;
  }
  return false;
}

/** The changes of names that a crash loses, to find the later ones that build upon them. */
class LostNames {
  readonly #nodes = new Set<TreeNode<PagedFile>>();
  readonly #names = new Map<DirectoryNode<PagedFile>, Set<string>>();

  /** Whether one of `changes` concerns a name, a file or a directory that a lost change concerned. */
  concern(changes: readonly EntryChange<PagedFile>[]): boolean {
    return changes.some(({ directory, name, node }) =>
      this.#nodes.has(directory) || this.#names.get(directory)?.has(name) ||
      (node !== undefined && this.#nodes.has(node))
    );
  }

  /** Marks `changes` as lost. */
  add(changes: readonly EntryChange<PagedFile>[]): void {
    for (const { directory, name, node } of changes) {
      let names = this.#names.get(directory);
      if (names === undefined) this.#names.set(directory, names = new Set());
      names.add(name);
      if (node !== undefined) this.#nodes.add(node);
    }
  }
}
