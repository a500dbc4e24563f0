/**
 * The disk of a simulated machine. It outlives the processes that use it; a crash takes from it
 * what was not synced: contents as {@linkcode PagedFile} says, names as their directories' syncs say.
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
import type { Xoshiro128 } from "./xoshiro.ts";

/** What can be told to fail. `change` is anything that changes names. */
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

/** What one machine has stored. */
export class SimulatedDisk {
  /** Names and contents, as programs see them. */
  readonly tree: PathTree<PagedFile>;
  /** Files that serve as a lock now. */
  readonly locked: Set<FileNode<PagedFile>> = new Set();
  /** While true, no file grows. */
  isFull = false;
  /** The most files that each process of the machine may have open at one time. */
  maxOpenFiles = Infinity;
  /** How often a process had no descriptor left. */
  descriptorShortages = 0;
  /** How many operations have failed so far because they were told to, or for want of room. */
  faultsStruck = 0;
  /** How many of them were syncs. */
  failedSyncs = 0;
  /** Whether a crash may turn what was being written into noise, not only lose or tear it. */
  hasNoise = false;
  readonly #durable = new WeakMap<DirectoryNode<PagedFile>, Map<string, TreeNode<PagedFile>>>();
  #unsynced: (readonly EntryChange<PagedFile>[])[] = [];
  readonly #faults: Fault[] = [];

  /** `trace` hears of every change. */
  constructor(
    readonly random: Xoshiro128,
    readonly timing: DiskTiming,
    readonly trace: (event: string) => void,
  ) {
    this.tree = new PathTree(() => new PagedFile(), (changes) => {
      this.#unsynced.push(changes);
      for (const { name, node } of changes) {
        this.trace(`${node ? "name" : "unname"} ${name}`);
      }
    });
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
   * Makes the next `operation` on a path that contains `pathPart` fail for `reason`. Several add
   * up. A write that fails may have written its beginning; a sync that fails makes nothing durable.
   */
  failNext(operation: DiskOperation, reason: FileError["reason"], pathPart = ""): void {
    this.#faults.push({ operation, reason, pathPart });
  }

  /** Takes back every {@linkcode failNext} that has not come to pass. */
  forgetFaults(): void {
    this.#faults.length = 0;
  }

  /** Throws when `operation` on `path` was told to fail. */
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
  checkRoom(path: string, bytes: number): void {
    if (!this.isFull || bytes <= 0) return;
    this.faultsStruck++;
    this.trace(`full ${path}`);
    throw new FileError(`Cannot write "${path}": the simulated disk is full`, "no-space");
  }

  /** Turns bits of the file at `path` over: `mask` (1 to 255) is XORed onto the byte at `position`. */
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

  /** The power goes. No file may be open. What is left afterwards is durable. */
  crash(fate: UnsyncedFate): void {
    for (const changes of this.#surviving(fate)) this.#makeDurable(changes);
    this.#unsynced = [];
    this.#faults.length = 0;
    this.isFull = false;
    this.#restore(this.tree.root, fate);
    this.trace(`crash ${fate}`);
  }

  /** The changes of names that a crash leaves. */
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

/** Changes of names that a crash takes, to tell which later ones build upon them. */
class LostNames {
  readonly #nodes = new Set<TreeNode<PagedFile>>();
  readonly #names = new Map<DirectoryNode<PagedFile>, Set<string>>();

  /** Whether one of `changes` is of a name, a file or a directory that a lost change was of. */
  concern(changes: readonly EntryChange<PagedFile>[]): boolean {
    return changes.some(({ directory, name, node }) =>
      this.#nodes.has(directory) || this.#names.get(directory)?.has(name) ||
      (node !== undefined && this.#nodes.has(node))
    );
  }

  /** `changes` are lost. */
  add(changes: readonly EntryChange<PagedFile>[]): void {
    for (const { directory, name, node } of changes) {
      let names = this.#names.get(directory);
      if (names === undefined) this.#names.set(directory, names = new Set());
      names.add(name);
      if (node !== undefined) this.#nodes.add(node);
    }
  }
}
