/**
 * The file names that compaction uses while one segment replaces others, and the recovery of such
 * files at startup after a crash. Names and rules are Apache Kafka's:
 *
 * 1. The new segment is written to `<offset>.log.cleaned` and synced. At startup, a `.cleaned` file is
 *    removed: the replacement is not decided yet.
 * 2. The file is renamed to `<offset>.log.swap`, which decides the replacement. At startup, the old
 *    segments in the range of a `.swap` file are removed, and it takes their place.
 * 3. The old segments are renamed to `<offset>.log.deleted`, for reads in progress. At startup, they
 *    are removed.
 * 4. Once these renames are durable, the new segment is renamed to `<offset>.log`.
 *
 * A `.txnindex` is renamed in the same way, after its log.
 *
 * @module
 */
import type { FileSystem } from "../../runtime/runtime.ts";
import { BatchScanner, WALK_WINDOW } from "../segments/batch_scanner.ts";

/** The suffix of a segment that compaction is writing. */
export const CLEANED_SUFFIX = ".cleaned";
/** The suffix of a segment that replaces others, until the replacement is complete. */
export const SWAP_SUFFIX = ".swap";
/** The suffix of a segment that has been replaced or deleted and may still be read. */
export const DELETED_SUFFIX = ".deleted";

const SEGMENT_FILE =
  /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(\.cleaned|\.swap|\.deleted)?$/;

interface SegmentFile {
  readonly name: string;
  readonly baseOffset: number;
  readonly kind: string;
  readonly suffix: string;
}

/**
 * Completes or reverts the replacements that a crash has interrupted in `directory`, whose files
 * are `names`: removes the files of undecided ones, and the old segments of decided ones. Returns
 * the remaining names. The `.log.swap` files among them are used as they are, and are renamed once
 * the removals are durable. Throws a `FileError`.
 */
export function finishSwaps(
  files: FileSystem,
  directory: string,
  names: ReadonlySet<string>,
): ReadonlySet<string> {
  const found = [...names].map(parse).filter((file) => file !== null);
  if (found.every((file) => file.suffix === "")) return names;
  const remove = (file: SegmentFile): void => files.remove(`${directory}/${file.name}`);
  const cleaned = found.filter((file) => file.suffix === CLEANED_SUFFIX);
  const firstCleaned = Math.min(Infinity, ...cleaned.map((file) => file.baseOffset));
  const swaps = found.filter((file) => file.suffix === SWAP_SUFFIX);
  // A `.swap` at or after a `.cleaned` belongs to a replacement whose renames were not completed.
  for (const file of swaps) if (file.baseOffset >= firstCleaned) remove(file);
  // Remove these last, since the removals above depend on their presence.
  for (const file of cleaned) remove(file);
  finishDeletions(found, remove);
  const valid = swaps.filter((file) => file.baseOffset < firstCleaned);
  const logs = valid.filter((file) => file.kind === "log");
  for (const log of logs) {
    const end = endOffsetOf(files, `${directory}/${log.name}`, log.baseOffset);
    for (const file of found) {
      const isCovered = file.baseOffset >= log.baseOffset && file.baseOffset < end;
      // A snapshot describes the producers before its offset, where the segment still begins.
      const isNeeded = file.kind === "snapshot" && file.baseOffset === log.baseOffset;
      if (file.suffix === "" && isCovered && !isNeeded) remove(file);
    }
  }
  for (const file of valid) {
    if (logs.some(({ baseOffset }) => baseOffset === file.baseOffset)) continue;
    // Its log has already been renamed.
    const path = `${directory}/${file.name}`;
    files.rename(path, path.slice(0, -SWAP_SUFFIX.length));
  }
  return new Set(files.list(directory).map(({ name }) => name));
}

/**
 * Removes the files named `.deleted`. If the process stopped between the renames of one segment's
 * files, its indexes may still have their original names. They are removed first: an index without
 * a log would be reported as a missing log.
 */
function finishDeletions(
  found: readonly SegmentFile[],
  remove: (file: SegmentFile) => void,
): void {
  const basesOf = (suffixes: readonly string[]): Set<number> =>
    new Set(
      found.filter(({ kind, suffix }) => kind === "log" && suffixes.includes(suffix))
        .map(({ baseOffset }) => baseOffset),
    );
  const deleted = basesOf([DELETED_SUFFIX]);
  const kept = basesOf(["", SWAP_SUFFIX]);
  const isLeft = ({ baseOffset, suffix }: SegmentFile): boolean =>
    suffix === "" && deleted.has(baseOffset) && !kept.has(baseOffset);
  for (const file of found) if (isLeft(file)) remove(file);
  const deletedFiles = found.filter(({ suffix }) => suffix === DELETED_SUFFIX);
  for (const file of deletedFiles) if (file.kind !== "log") remove(file);
  for (const file of deletedFiles) if (file.kind === "log") remove(file);
}

function parse(name: string): SegmentFile | null {
  const match = SEGMENT_FILE.exec(name);
  if (match === null) return null;
  const [, digits, kind, suffix] = match;
  return { name, baseOffset: Number(digits), kind: kind!, suffix: suffix ?? "" };
}

/** Returns the offset after the last batch of the file, or `baseOffset` if there is none. */
function endOffsetOf(files: FileSystem, path: string, baseOffset: number): number {
  const file = files.open(path, "read");
  try {
    const scanner = new BatchScanner(file, 0, file.size(), WALK_WINDOW);
    let end = baseOffset + 1;
    while (scanner.next()) end = scanner.lastOffset + 1;
    return end;
  } finally {
    file.close();
  }
}
