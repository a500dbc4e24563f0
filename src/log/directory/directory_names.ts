/**
 * The names of directories that a data directory contains besides those of its logs, and the
 * parents to create for it.
 *
 * @module
 */
import type { FileSystem, RandomSource } from "../../runtime/runtime.ts";

/** The suffix of a directory that is being deleted, after a unique part. */
const DELETED_SUFFIX = "-delete";
/** The suffix of the directory of a partition without a topic, after a unique part. */
const STRAY_SUFFIX = "-stray";
/** The maximum length of a file name, bytes. */
const LONGEST_NAME = 255;

/** Returns a new name for the directory of the log `name`, which is to be deleted. */
export function deletedName(name: string, random: RandomSource): string {
  return renamed(name, `.${uniqueWord(random)}${DELETED_SUFFIX}`);
}

/** Returns whether `name` is a result of {@linkcode deletedName}. */
export function isDeletedName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}

/** Returns a new name for the directory of the log `name`, which belongs to no topic. */
export function strayName(name: string, random: RandomSource): string {
  return renamed(name, `.${uniqueWord(random)}${STRAY_SUFFIX}`);
}

/** Returns the parent of `directory`, and the parents of its ancestors that do not exist. */
export function parentsOfMissing(files: FileSystem, directory: string): string[] {
  const parents: string[] = [];
  for (let path = directory; path !== "." && path !== "/" && !files.exists(path);) {
    path = parentOf(path);
    parents.push(path);
  }
  return parents;
}

/** Returns the parent of `directory`. */
export function parentOf(directory: string): string {
  const slash = directory.lastIndexOf("/");
  return slash < 0 ? "." : directory.slice(0, slash) || "/";
}

function renamed(name: string, suffix: string): string {
  return name.slice(0, LONGEST_NAME - suffix.length) + suffix;
}

/** Returns 32 random hexadecimal digits. */
function uniqueWord(random: RandomSource): string {
  const bytes = random.fill(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
