/**
 * Locks on a directory that vanish with the process, `kill -9` included, on runtimes with and
 * without `flock`.
 *
 * Deno takes a kernel lock on the file. Node and Bun have no call for that, so:
 *
 * - on macOS and the BSDs they open the file with `O_EXLOCK`, which is the same kernel lock;
 * - on Windows they open it for themselves alone, which keeps every other opener out;
 * - on Linux every runtime, Deno too, also binds an abstract Unix socket named after the file's
 *   device and inode. The kernel gives a name to one socket only and frees it with the process.
 *   Afterwards `/proc` is read: an equal name in another runtime's spelling, or a kernel lock of
 *   another process on the file (Apache Kafka's, for one), also means "held". Two processes that
 *   start in the same instant may both be refused; never are both let in.
 *
 * Abstract sockets belong to a network namespace: two containers that mount one volume exclude
 * each other when both run Deno (the kernel lock is the file's), not when one runs Node or Bun.
 *
 * @module
 */

import * as fs from "node:fs";
import type { DirectoryLock } from "./runtime.ts";
import { codeOf, fileError } from "./errors.ts";

/** {@linkcode FileSystem.tryLock}. */
export type TryLock = (path: string) => DirectoryLock | null;

/**
 * Binds an abstract Unix socket and returns how to give it up; `null` when the name is taken,
 * `undefined` when this process may not bind one.
 */
export type BindAbstractSocket = (name: string) => (() => void) | null | undefined;

const O_EXLOCK_BSD = 0x20;
const UV_FS_O_EXLOCK_WINDOWS = 0x1000_0000;
const HELD = new Set(["EAGAIN", "EWOULDBLOCK", "EBUSY"]);

/** The lock of Node and Bun on `platform` (`process.platform`). */
export function nodeTryLock(
  platform: string,
  processId: number,
  bind: BindAbstractSocket,
): TryLock {
  switch (platform) {
    case "linux":
    case "android":
      return (path) => {
        const descriptor = open(path, fs.constants.O_RDWR | fs.constants.O_CREAT);
        if (descriptor === null) return null;
        fs.closeSync(descriptor);
        return linuxClaim(path, processId, bind);
      };
    case "darwin":
    case "freebsd":
    case "openbsd":
    case "netbsd":
      return (path) =>
        openLock(
          path,
          fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NONBLOCK | O_EXLOCK_BSD,
        );
    case "win32":
      return (path) =>
        openLock(path, fs.constants.O_RDWR | fs.constants.O_CREAT | UV_FS_O_EXLOCK_WINDOWS);
    default:
      return (path) => {
        throw fileError("lock", path, new Error(`no lock is known for ${platform}, run Deno`));
      };
  }
}

function open(path: string, flags: number): number | null {
  try {
    return fs.openSync(path, flags, 0o644);
  } catch (cause) {
    if (HELD.has(codeOf(cause))) return null;
    throw fileError("lock", path, cause);
  }
}

function openLock(path: string, flags: number): DirectoryLock | null {
  const descriptor = open(path, flags);
  return descriptor === null ? null : once(() => fs.closeSync(descriptor));
}

function once(release: () => void): DirectoryLock {
  let held = true;
  return {
    release(): void {
      if (held) release();
      held = false;
    },
  };
}

/**
 * Linux: claims the name of the existing file `path`, or returns null when it is held by anyone
 * but process `processId`'s own kernel lock.
 */
export function linuxClaim(
  path: string,
  processId: number,
  bind: BindAbstractSocket,
): DirectoryLock | null {
  const { dev, ino } = fs.statSync(path, { bigint: true });
  const name = `millrace-lock-${dev}-${ino}`;
  const release = bind(`\0${name}`);
  if (release === null) return null;
  const holders = countSockets(readProc("/proc/net/unix"), name);
  const heldElsewhere = holders > (release ? 1 : 0) ||
    isLockedByOther(readProc("/proc/locks"), dev, ino, processId);
  if (heldElsewhere) {
    release?.();
    return null;
  }
  return once(() => release?.());
}

/** Empty where `/proc` is hidden or, in Deno, not among the granted rights. */
function readProc(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Older Node pads the name with NULs to the end of the address, which `/proc` shows as `@`. */
function countSockets(table: string, name: string): number {
  let count = 0;
  for (const line of table.split("\n")) {
    const at = line.indexOf("@");
    if (at >= 0 && line.slice(at + 1).replace(/@+$/, "") === name) count++;
  }
  return count;
}

/** Lines are `1: FLOCK  ADVISORY  WRITE 6013 fe:00:10045314 0 EOF`. */
function isLockedByOther(table: string, dev: bigint, ino: bigint, processId: number): boolean {
  const major = dev >> 8n & 0xfffn | dev >> 32n & 0xfffff000n;
  const minor = dev & 0xffn | dev >> 12n & 0xffffff00n;
  const hex = (value: bigint): string => value.toString(16).padStart(2, "0");
  const file = `${hex(major)}:${hex(minor)}:${ino}`;
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === "WRITE" && fields[5] === file && fields[4] !== String(processId)) return true;
  }
  return false;
}
