/**
 * How much room a disk has, from `node:fs`, which Deno, Node and Bun share.
 *
 * @module
 */

import { statfs } from "node:fs";
import { codeOf, fileError } from "./errors.ts";
import type { DiskSpace } from "./runtime.ts";

/** Hosts and file systems that do not tell. */
const NOT_TOLD = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** The room of the disk that `path` is on, or null when the host does not tell. */
export function diskSpace(path: string): Promise<DiskSpace | null> {
  return new Promise((resolve, reject) => {
    statfs(path, (cause, found) => {
      if (cause) {
        if (NOT_TOLD.has(codeOf(cause))) resolve(null);
        else reject(fileError("measure the disk of", path, cause));
        return;
      }
      const { bsize, blocks, bavail } = found;
      resolve({ total: blocks * bsize, usable: bavail * bsize });
    });
  });
}
