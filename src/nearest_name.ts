/**
 * The name somebody probably meant.
 *
 * @module
 */

/**
 * Of `names`, the one that differs least from `written`, or null when none is near. Near is a name of
 * which `maxChanges` letters would have to change at most. Unless given, that is a third of the letters,
 * and a name that ends with the other is near too.
 */
export function nearestName(
  written: string,
  names: Iterable<string>,
  maxChanges?: number,
): string | null {
  const lower = written.toLowerCase().replaceAll("_", ".");
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of names) {
    // "retention.ms" for "log.retention.ms" is a near miss however many letters it lacks.
    const isSuffix = maxChanges === undefined && lower.length > 3 &&
      (name.endsWith(`.${lower}`) || lower.endsWith(`.${name}`));
    const distance = isSuffix ? 1 : editDistance(lower, name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return bestDistance <= (maxChanges ?? Math.max(1, Math.floor(lower.length / 3))) ? best : null;
}

/** How many letters must be inserted, removed, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, beforePrevious[j - 2]! + 1);
      }
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
