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

/** The limit of this process, once it has been found. */
let known: { readonly limit: number | undefined } | undefined;

/** Returns the limit of this process: what `find` returned first, since reading it takes 0.1 ms or more. */
export function openFileLimitOnce(find: () => number | undefined): number | undefined {
  known ??= { limit: find() };
  return known.limit;
}

/** Returns `limit`, or undefined if it is "unlimited" or a number that no process can reach. */
export function wholeLimit(limit: unknown): number | undefined {
  return Number.isSafeInteger(limit) && (limit as number) > 0 ? limit as number : undefined;
}
