/**
 * The reports of `loop_probe.ts`.
 *
 * @module
 */

/** The path of the probe, which is loaded before a node's program. */
export const PROBE = new URL("./loop_probe.ts", import.meta.url).pathname;

/** Creates an empty report, or empties one. */
export function clearReport(path: string): void {
  Deno.writeTextFileSync(path, "");
}

/** Returns the longest turn that ended at `sinceMs` (ms since 1970) or later, ms, or 0. */
export function longestTurnSince(path: string, sinceMs: number): number {
  const turns = Deno.readTextFileSync(path).split("\n").slice(0, -1)
    .map((line) => line.split(" ").map(Number))
    .filter(([endedAt]) => endedAt! >= sinceMs);
  return Math.max(0, ...turns.map(([, durationMs]) => durationMs!));
}
