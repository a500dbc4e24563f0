/**
 * How Linux processes of every runtime keep each other off a file; `node_lock.ts` tells the whole
 * story. Nothing of a host is used here but what is handed in.
 *
 * @module
 */

import type { DirectoryLock } from "./runtime.ts";

/**
 * Binds an abstract Unix socket and returns how to give it up; `null` when the name is taken,
 * `undefined` when this process may not bind one.
 */
export type BindAbstractSocket = (name: string) => (() => void) | null | undefined;

/** A file to be claimed. */
export interface ClaimedFile {
  /** Its device and inode, as `stat` tells. */
  readonly dev: bigint;
  readonly ino: bigint;
  /** Whether this process has just made it, so that nobody can have a kernel lock on it. */
  readonly isNew: boolean;
}

/**
 * Claims the file, or returns null when it is held by anyone but process `processId`'s own kernel
 * lock. `readProc` gives the text of a file in `/proc`, empty where that is hidden.
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
  // The kernel holds up whoever opens /proc/locks for 10 ms: only for a file that others may know.
  const isHeld = holders > (release ? 1 : 0) ||
    !isNew && isLockedByOther(readProc("/proc/locks"), dev, ino, processId);
  if (isHeld) {
    release?.();
    return null;
  }
  return once(() => release?.());
}

/** A lock whose second release does nothing. */
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
