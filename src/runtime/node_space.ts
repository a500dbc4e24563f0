/**
 * The size and free space of a disk, from `node:fs`, which Deno, Node and Bun share.
 *
 * @module
 */

import type * as nodeFs from "node:fs";
import { codeOf, fileError } from "./errors.ts";
import type { DiskSpace } from "./runtime.ts";

/** Hosts and file systems that do not know. */
const UNKNOWN = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Returns the space of the disk that `path` is on, or null when the host does not know it. */
export function diskSpace(fs: typeof nodeFs, path: string): Promise<DiskSpace | null> {
  return new Promise((resolve, reject) => {
    fs.statfs(path, (cause, found) => {
      if (cause) {
        if (UNKNOWN.has(codeOf(cause))) resolve(null);
        else reject(fileError("measure the disk of", path, cause));
        return;
      }
      const { bsize, blocks, bavail } = found;
      resolve({ total: blocks * bsize, usable: bavail * bsize });
    });
  });
}
