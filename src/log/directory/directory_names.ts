/**
 * The names of directories that a data directory makes beside those of its logs, and the parents that
 * have to be made for it.
 *
 * @module
 */
import type { FileSystem, RandomSource } from "../../runtime/runtime.ts";

/** What a directory that is being deleted ends in, after a unique part. */
const DELETED_SUFFIX = "-delete";
/** What the directory of a partition that belongs to no topic ends in, after a unique part. */
const STRAY_SUFFIX = "-stray";
/** Bytes of the longest name that file systems take. */
const LONGEST_NAME = 255;

/** A new name for the directory of the log `name`, which is to be deleted. */
export function deletedName(name: string, random: RandomSource): string {
  return renamed(name, `.${uniqueWord(random)}${DELETED_SUFFIX}`);
}

/** Whether `name` is one that {@linkcode deletedName} made. */
export function isDeletedName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}

/** A new name for the directory of the log `name`, which belongs to no topic. */
export function strayName(name: string, random: RandomSource): string {
  return renamed(name, `.${uniqueWord(random)}${STRAY_SUFFIX}`);
}

/** The parents of `directory` and of its own parents, as far as those do not exist. */
export function parentsOfMissing(files: FileSystem, directory: string): string[] {
  const parents: string[] = [];
  for (let path = directory; path !== "." && path !== "/" && !files.exists(path);) {
    const slash = path.lastIndexOf("/");
    path = slash < 0 ? "." : path.slice(0, slash) || "/";
    parents.push(path);
  }
  return parents;
}

function renamed(name: string, suffix: string): string {
  return name.slice(0, LONGEST_NAME - suffix.length) + suffix;
}

/** 32 hexadecimal digits. */
function uniqueWord(random: RandomSource): string {
  const bytes = random.fill(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
