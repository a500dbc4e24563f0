/**
 * Failures of commands: one sentence that says what to do, and an exit code.
 *
 * @module
 */

/** A command failed: exit code 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  /** The exit code of the process. */
  readonly exitCode: number = 1;
}

/** A command was called with invalid arguments: exit code 2. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
  override readonly exitCode = 2;
}

/** Returns the sentence to print for a thrown value, and the exit code. */
export function explain(error: unknown): { readonly message: string; readonly exitCode: number } {
  const exitCode = error instanceof CommandError ? error.exitCode : 1;
  const text = error instanceof Error ? error.message : String(error);
  // One line, even if the message of the host has several.
  const message = text.replaceAll(/\s*\n\s*/g, " ").trim();
  return { message: message === "" ? "It failed without a message" : message, exitCode };
}

/** Returns the candidate nearest to `text`, or null if none is similar. */
export function closest(text: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.min(4, Math.ceil(text.length / 2) + 1);
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Returns the Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
