/**
 * Mutual exclusion of Linux processes of every runtime on a file, as described in `node_lock.ts`. The
 * host's functions are passed in.
 *
 * @module
 */

import type { DirectoryLock } from "./runtime.ts";

/**
 * Binds an abstract Unix socket. Returns a function that releases it, `null` if the name is taken, or
 * `undefined` if this process may not bind one.
 */
export type BindAbstractSocket = (name: string) => (() => void) | null | undefined;

/** A file to claim. */
export interface ClaimedFile {
  /** Its device and inode, from `stat`. */
  readonly dev: bigint;
  readonly ino: bigint;
  /** Whether this process has just created it, so that no other can have a kernel lock on it. */
  readonly isNew: boolean;
}

/**
 * Claims the file. Returns null if it is held by anything but the kernel lock of process `processId`.
 * `readProc` returns the text of a file in `/proc`, empty if that is hidden.
 */
export function linuxClaim(
  { dev, ino, isNew }: ClaimedFile,
  processId: number,
  bind: BindAbstractSocket,
  readProc: (path: string) => string,
): DirectoryLock | null {
  const name = `millrace-lock-${dev}-${ino}`;
  const release = bind(`\0${name}`);
  if (release === null) return null;
  const holders = countSockets(readProc("/proc/net/unix"), name);
  // Opening /proc/locks takes 10 ms, so skip it for a file that no other process can know.
  const isHeld = holders > (release ? 1 : 0) ||
    !isNew && isLockedByOther(readProc("/proc/locks"), dev, ino, processId);
  if (isHeld) {
    release?.();
    return null;
  }
  return once(() => release?.());
}

/** Returns a lock whose second release does nothing. */
export function once(release: () => void): DirectoryLock {
  let held = true;
  return {
    release(): void {
      if (held) release();
      held = false;
    },
  };
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

/** Parses lines such as `1: FLOCK  ADVISORY  WRITE 6013 fe:00:10045314 0 EOF`. */
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
