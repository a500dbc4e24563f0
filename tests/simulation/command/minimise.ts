/**
 * Finds a small part of a schedule that still makes a run fail.
 *
 * @module
 */

/**
 * Returns numbers of `count` faults, from 1 on, with which `fails` still holds, and without any one of
 * which it does not. Resolves with null if it does not hold with all of them. Removes halves first, then
 * ever smaller parts: Zeller's delta debugging.
 */
export async function minimise(
  count: number,
  fails: (kept: readonly number[]) => Promise<boolean>,
): Promise<readonly number[] | null> {
  let kept = Array.from({ length: count }, (_, index) => index + 1);
  if (!await fails(kept)) return null;
  if (count > 0 && await fails([])) return [];
  for (let parts = 2; kept.length > 1;) {
    const smaller = await withoutOnePart(kept, parts, fails);
    if (smaller !== null) {
      kept = smaller;
      parts = Math.max(2, parts - 1);
    } else if (parts < kept.length) {
      parts = Math.min(kept.length, parts * 2);
    } else {
      break;
    }
  }
  return kept;
}

/** Splits `kept` into parts, and returns it without the first one that is not needed, or null. */
async function withoutOnePart(
  kept: readonly number[],
  parts: number,
  fails: (kept: readonly number[]) => Promise<boolean>,
): Promise<number[] | null> {
  for (let part = 0; part < parts; part++) {
    const start = Math.floor(kept.length * part / parts);
    const end = Math.floor(kept.length * (part + 1) / parts);
    const rest = [...kept.slice(0, start), ...kept.slice(end)];
    if (rest.length < kept.length && rest.length > 0 && await fails(rest)) return rest;
  }
  return null;
}

/** Returns the numbers from 1 to `count` that are not in `kept`. */
export function droppedOf(count: number, kept: readonly number[]): Set<number> {
  const dropped = new Set(Array.from({ length: count }, (_, index) => index + 1));
  for (const number of kept) dropped.delete(number);
  return dropped;
}
