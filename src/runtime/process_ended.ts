/**
 * The error of code that still runs at the moment its process is killed.
 *
 * @module
 */

/**
 * Thrown by a synchronous operation of a process that has been killed: code that was running at that
 * moment must not go on. It is not a failure of the disk. Promises of such a process never settle
 * instead.
 */
export class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";
}

/** Returns whether `error`, or one of its causes, is a {@linkcode ProcessEnded}. */
export function isProcessEnded(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ProcessEnded) return true;
  }
  return false;
}
