/**
 * The disk of a simulated machine. It outlives the processes that use it; a crash takes from it
 * what was not synced: contents as {@linkcode PagedFile} says, names as their directories' syncs say.
 *
 * Names: creations, renames and removals are kept in order. Syncing a directory makes its changes
 * durable, with those that they build upon. At a crash some first part of the others survives. A
 * rename happens whole or not at all. Syncing a file does not make its name durable.
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
    this.trace(`fault ${operation} ${path} ${fault!.reason}`);
    throw new FileError(
      `Cannot ${operation} "${path}": the simulation makes it fail (${fault!.reason})`,
      fault!.reason,
    );
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
    const survive = fate === "lose"
      ? 0
      : fate === "keep"
      ? this.#unsynced.length
      : this.random.between(0, this.#unsynced.length);
    for (const changes of this.#unsynced.slice(0, survive)) this.#makeDurable(changes);
    this.#unsynced = [];
    this.#faults.length = 0;
    this.#restore(this.tree.root, fate);
    this.trace(`crash ${fate}`);
  }

  #restore(directory: DirectoryNode<PagedFile>, fate: UnsyncedFate): void {
    directory.entries.clear();
    for (const [name, node] of this.#durableEntries(directory)) {
      directory.entries.set(name, node);
      if (node.kind === "directory") this.#restore(node, fate);
      else node.content.crash(fate, this.random);
    }
  }
}
