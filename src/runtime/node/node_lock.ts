/**
 * Locks on a directory that are released with the end of the process, including `kill -9`, on runtimes
 * with and without `flock`.
 *
 * Deno takes a kernel lock on the file. Node and Bun have no function for that, so:
 *
 * - on macOS and the BSDs they open the file with `O_EXLOCK`, which is the same kernel lock;
 * - on Windows they open it exclusively;
 * - on Linux every runtime, Deno too, also binds an abstract Unix socket named after the file's
 *   device and inode. The kernel gives a name to one socket only and releases it with the process.
 *   Afterwards `/proc` is read: the same name as another runtime spells it, or a kernel lock of another
 *   process on the file (such as Apache Kafka's), also means that it is held. Two processes that start
 *   at the same moment may both be rejected, but never both succeed.
 *
 * Abstract sockets belong to a network namespace: two containers that mount the same volume exclude each
 * other if both run Deno (the kernel lock belongs to the file), but not if one runs Node or Bun.
 *
 * @module
 */

import type * as fs from "node:fs";
import type { DirectoryLock } from "../runtime.ts";
import { codeOf, fileError } from "../errors.ts";
import { type BindAbstractSocket, linuxClaim, once } from "../linux_claim.ts";

/** See {@linkcode FileSystem.tryLock}. */
export type TryLock = (path: string) => DirectoryLock | null;
type NodeFileSystem = typeof fs;

const O_EXLOCK_BSD = 0x20;
const UV_FS_O_EXLOCK_WINDOWS = 0x1000_0000;
const HELD = new Set(["EAGAIN", "EWOULDBLOCK", "EBUSY"]);

/** Returns the lock of Node and Bun on `platform` (`process.platform`). */
export function nodeTryLock(
  fs: NodeFileSystem,
  platform: string,
  processId: number,
  bind: BindAbstractSocket,
): TryLock {
  switch (platform) {
    case "linux":
    case "android":
      return (path) => linuxTryLock(fs, path, processId, bind);
    case "darwin":
    case "freebsd":
    case "openbsd":
    case "netbsd":
      return (path) =>
        openLock(
          fs,
          path,
          fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NONBLOCK | O_EXLOCK_BSD,
        );
    case "win32":
      return (path) =>
        openLock(fs, path, fs.constants.O_RDWR | fs.constants.O_CREAT | UV_FS_O_EXLOCK_WINDOWS);
    default:
      return (path) => {
        throw fileError("lock", path, new Error(`no lock is known for ${platform}, run Deno`));
      };
  }
}

function open(fs: NodeFileSystem, path: string, flags: number): number | null {
  try {
    return fs.openSync(path, flags, 0o644);
  } catch (cause) {
    if (HELD.has(codeOf(cause))) return null;
    throw fileError("lock", path, cause);
  }
}

function openLock(fs: NodeFileSystem, path: string, flags: number): DirectoryLock | null {
  const descriptor = open(fs, path, flags);
  return descriptor === null ? null : once(() => fs.closeSync(descriptor));
}

function linuxTryLock(
  fs: NodeFileSystem,
  path: string,
  processId: number,
  bind: BindAbstractSocket,
): DirectoryLock | null {
  const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
  let isNew = true;
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o644);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw fileError("lock", path, cause);
    isNew = false;
    const existing = open(fs, path, O_RDWR);
    if (existing === null) return null;
    descriptor = existing;
  }
  const { dev, ino } = fs.fstatSync(descriptor, { bigint: true });
  fs.closeSync(descriptor);
  return linuxClaim({ dev, ino, isNew }, processId, bind, (name) => readProc(fs, name));
}

/** Returns an empty text if `/proc` is hidden. */
function readProc(fs: NodeFileSystem, path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
