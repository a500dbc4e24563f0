/**
 * A tree of files and directories in memory, with the failures of a real file system. Used by the memory
 * file system and the simulated disk.
 *
 * @module
 */

import type { DirectoryEntry, OpenMode } from "./runtime.ts";
import { fileErrorOfCode } from "./errors.ts";

/** A directory. */
export interface DirectoryNode<F> {
  readonly kind: "directory";
  readonly entries: Map<string, TreeNode<F>>;
}

/** A file with its content. */
export interface FileNode<F> {
  readonly kind: "file";
  readonly content: F;
  /** Number of open handles. An open file can be neither renamed nor removed, as on Windows. */
  handles: number;
}

/** A file or directory. */
export type TreeNode<F> = DirectoryNode<F> | FileNode<F>;

/** Sets the entry `name` of `directory` to `node`, or removes it if that is undefined. */
export interface EntryChange<F> {
  readonly directory: DirectoryNode<F>;
  readonly name: string;
  readonly node: TreeNode<F> | undefined;
}

/** The tree. All methods throw {@linkcode FileError}s as {@linkcode FileSystem} says. */
export class PathTree<F> {
  /** The root of every path, absolute or not. */
  readonly root: DirectoryNode<F> = { kind: "directory", entries: new Map() };

  /** Calls `onChange` after each atomic change of names. */
  constructor(
    readonly makeContent: () => F,
    readonly onChange: (changes: readonly EntryChange<F>[]) => void = () => {},
  ) {}

  /** Returns the file at `path`, after creating it if `mode` allows that. */
  openFile(path: string, mode: OpenMode): FileNode<F> {
    const action = mode === "create" ? "create" : "open";
    const { directory, name } = this.#parent(action, path);
    const found = directory.entries.get(name);
    if (found?.kind === "directory") throw fileErrorOfCode(action, path, "EISDIR");
    if (found) return found;
    if (mode !== "create") throw fileErrorOfCode(action, path, "ENOENT");
    const made: FileNode<F> = { kind: "file", content: this.makeContent(), handles: 0 };
    this.#apply([{ directory, name, node: made }]);
    return made;
  }

  /** Creates `path` and its parents. */
  makeDirectory(path: string): void {
    let directory = this.root;
    for (const name of segments(path)) {
      const found = directory.entries.get(name);
      if (found?.kind === "file") throw fileErrorOfCode("make directory", path, "EEXIST");
      const made: DirectoryNode<F> = found ?? { kind: "directory", entries: new Map() };
      if (!found) this.#apply([{ directory, name, node: made }]);
      directory = made;
    }
  }

  /** Returns the directory at `path`. `action` is used in the message. */
  directory(action: string, path: string): DirectoryNode<F> {
    let directory = this.root;
    for (const name of segments(path)) {
      const found = directory.entries.get(name);
      if (!found) throw fileErrorOfCode(action, path, "ENOENT");
      if (found.kind === "file") throw fileErrorOfCode(action, path, "ENOTDIR");
      directory = found;
    }
    return directory;
  }

  /** Returns the entries of the directory at `path`. */
  list(path: string): DirectoryEntry[] {
    return [...this.directory("list", path).entries].map(([name, node]) => ({
      name,
      isDirectory: node.kind === "directory",
    }));
  }

  /** Returns whether `path` exists. */
  exists(path: string): boolean {
    let node: TreeNode<F> = this.root;
    for (const name of segments(path)) {
      const next: TreeNode<F> | undefined = node.kind === "directory"
        ? node.entries.get(name)
        : undefined;
      if (!next) return false;
      node = next;
    }
    return true;
  }

  /** Moves `from` to `to`, in one change. */
  rename(from: string, to: string): void {
    const source = this.#parent("rename", from);
    const target = this.#parent("rename", to);
    const moved = source.directory.entries.get(source.name);
    if (!moved) throw fileErrorOfCode("rename", from, "ENOENT");
    const replaced = target.directory.entries.get(target.name);
    if (moved === replaced) return;
    mustBeClosed("rename", from, moved);
    if (moved.kind === "directory" && contains(moved, target.directory)) {
      throw fileErrorOfCode("rename", from, "EINVAL");
    }
    if (replaced) {
      mustBeClosed("rename", to, replaced);
      if (replaced.kind === "directory") {
        if (moved.kind === "file") throw fileErrorOfCode("rename", to, "EISDIR");
        if (replaced.entries.size > 0) throw fileErrorOfCode("rename", to, "ENOTEMPTY");
      } else if (moved.kind === "directory") throw fileErrorOfCode("rename", to, "ENOTDIR");
    }
    this.#apply([{ ...source, node: undefined }, { ...target, node: moved }]);
  }

  /** Removes `path` with its content. */
  remove(path: string): void {
    let directory = this.root;
    const names = segments(path);
    const name = names.pop();
    if (name === undefined) throw fileErrorOfCode("remove", path, "EPERM");
    for (const parent of names) {
      const found = directory.entries.get(parent);
      if (found?.kind !== "directory") return;
      directory = found;
    }
    const removed = directory.entries.get(name);
    if (!removed) return;
    mustBeClosed("remove", path, removed);
    this.#apply([{ directory, name, node: undefined }]);
  }

  #parent(action: string, path: string): { directory: DirectoryNode<F>; name: string } {
    const names = segments(path);
    const name = names.pop();
    if (name === undefined) throw fileErrorOfCode(action, path, "EISDIR");
    let directory = this.root;
    for (const parent of names) {
      const found = directory.entries.get(parent);
      if (!found) throw fileErrorOfCode(action, path, "ENOENT");
      if (found.kind === "file") throw fileErrorOfCode(action, path, "ENOTDIR");
      directory = found;
    }
    return { directory, name };
  }

  #apply(changes: readonly EntryChange<F>[]): void {
    applyChanges(changes, (directory) => directory.entries);
    this.onChange(changes);
  }
}

/** Applies `changes` to the entries that `entriesOf` returns for a directory. */
export function applyChanges<F>(
  changes: readonly EntryChange<F>[],
  entriesOf: (directory: DirectoryNode<F>) => Map<string, TreeNode<F>>,
): void {
  for (const { directory, name, node } of changes) {
    if (node) entriesOf(directory).set(name, node);
    else entriesOf(directory).delete(name);
  }
}

function segments(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

function mustBeClosed<F>(action: string, path: string, node: TreeNode<F>): void {
  if (node.kind === "directory") {
    for (const [name, entry] of node.entries) mustBeClosed(action, `${path}/${name}`, entry);
  } else if (node.handles > 0) {
    throw fileErrorOfCode(action, path, "EBUSY");
  }
}

function contains<F>(directory: DirectoryNode<F>, sought: DirectoryNode<F>): boolean {
  if (directory === sought) return true;
  for (const entry of directory.entries.values()) {
    if (entry.kind === "directory" && contains(entry, sought)) return true;
  }
  return false;
}
