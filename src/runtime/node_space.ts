/**
 * The size and free space of a disk, from `node:fs`.
 *
 * @module
 */

import type * as nodeFs from "node:fs";
import { codeOf, fileError } from "./errors.ts";
import type { DiskSpace } from "./runtime.ts";

/** Error codes of hosts and file systems that do not report it. */
const UNKNOWN = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Returns the space of the disk of `path`, or null if the host does not report it. */
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
