/**
 * The limit of a Unix process on open files, including sockets.
 *
 * @module
 */

/** The file with the limits of a process on Linux. */
export const LINUX_LIMITS = "/proc/self/limits";

/**
 * Returns the soft limit in the text of {@linkcode LINUX_LIMITS}, or undefined if there is none.
 */
export function openFileLimitIn(text: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined ? undefined : wholeLimit(Number(soft));
}

/** Returns `limit`, or undefined if it is "unlimited" or a number that no process can reach. */
export function wholeLimit(limit: unknown): number | undefined {
  return Number.isSafeInteger(limit) && (limit as number) > 0 ? limit as number : undefined;
}
