/**
 * A planted bug, and how it is put into the text of its file.
 *
 * @module
 */

/** One plausible bug, described as a replacement in one file. */
export interface Mutant {
  /** Unique over all lists: a letter for the folder and a number. */
  readonly id: string;
  /** The file it changes, `src/<folder>/…`. */
  readonly file: string;
  /** What the changed code does wrong. */
  readonly bug: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  /** Replaces `text`. Must pass the type check, see `--check`. */
  readonly replacement: string;
  /** The test file that notices the bug. If absent, all tests of the folder run. */
  readonly test?: string;
}

/** Thrown for an entry that cannot be used as it is. */
export class InvalidMutant extends Error {
  override name = "InvalidMutant";
}

/** Returns the folder of `src/` that the mutant changes, `log` for `src/log/opening/segment_recovery.ts`. */
export function folderOf(mutant: Mutant): string {
  return mutant.file.split("/")[1] ?? "";
}

/**
 * Returns `source` with the bug in it.
 *
 * @throws {InvalidMutant} If the text does not occur exactly once, or the replacement is the same.
 */
export function applyMutant(mutant: Mutant, source: string): string {
  const { id, file, text, replacement } = mutant;
  if (text === replacement) throw new InvalidMutant(`${id}: text and replacement are the same`);
  const parts = source.split(text);
  if (text !== "" && parts.length === 2) return parts.join(replacement);
  throw new InvalidMutant(
    `${id}: its text occurs ${text === "" ? 0 : parts.length - 1} times in ${file}, expected 1: ` +
      `correct the entry in tests/mutants/lists/ so that it plants the same bug in the code of today`,
  );
}

/**
 * Returns every problem of the lists that shows without running a test: repeated ids, files outside
 * `src/`, text that no longer occurs exactly once, test files that do not exist.
 *
 * @param read Returns the text of a file, `undefined` if there is none.
 */
export function problemsOf(
  mutants: readonly Mutant[],
  read: (path: string) => string | undefined,
): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const mutant of mutants) {
    const { id, file, test } = mutant;
    if (seen.has(id)) problems.push(`${id}: two entries have this id, give one of them another`);
    seen.add(id);
    if (!/^src\/\w+\/.+\.ts$/.test(file)) {
      problems.push(`${id}: ${file} is not a file of a folder of src/`);
      continue;
    }
    if (test !== undefined && read(test) === undefined) {
      problems.push(`${id}: test file ${test} does not exist, name the one that notices the bug`);
    }
    const source = read(file);
    if (source === undefined) {
      problems.push(`${id}: ${file} does not exist, name the file that has this code now`);
      continue;
    }
    try {
      applyMutant(mutant, source);
    } catch (error) {
      if (!(error instanceof InvalidMutant)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
