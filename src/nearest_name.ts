/**
 * Suggests the name that was probably meant.
 *
 * @module
 */

/**
 * Returns the one of `names` that is closest to `written`, or null if none is close. A name is
 * close if at most `maxChanges` letters differ. `maxChanges` defaults to a third of the letters,
 * and then a name that ends with `written`, such as "log.retention.ms", is close too.
 */
export function nearestName(
  written: string,
  names: Iterable<string>,
  maxChanges?: number,
): string | null {
  const lower = written.toLowerCase().replaceAll("_", ".");
  const limit = maxChanges ?? Math.max(1, Math.floor(lower.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const name of names) {
    // "retention.ms" is close to "log.retention.ms" although many letters are missing.
    const isSuffix = maxChanges === undefined && lower.length > 3 &&
      (name.endsWith(`.${lower}`) || lower.endsWith(`.${name}`));
    // Clients send names of any length, which must not be compared letter by letter with all others.
    if (!isSuffix && Math.abs(lower.length - name.length) >= bestDistance) continue;
    const distance = isSuffix ? 1 : editDistance(lower, name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Returns the number of insertions, deletions, replacements and transpositions between two texts.
 */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
