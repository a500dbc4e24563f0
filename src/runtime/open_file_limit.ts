/**
 * The limit that a Unix process has on its open files, sockets among them.
 *
 * @module
 */

/** Where Linux tells a process its limits. */
export const LINUX_LIMITS = "/proc/self/limits";

/**
 * The soft limit in the text of {@linkcode LINUX_LIMITS}, or undefined when there is none or the text
 * does not say.
 */
export function openFileLimitIn(text: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined ? undefined : wholeLimit(Number(soft));
}

/** `limit` if it bounds anything: hosts say "unlimited", or a number that no process reaches. */
export function wholeLimit(limit: unknown): number | undefined {
  return Number.isSafeInteger(limit) && (limit as number) > 0 ? limit as number : undefined;
}
